#!/usr/bin/env bash
# Tests what packaging/linux.sh built: lintian finds no error, the packages install into a bare Debian and leave nothing when they are
# removed, the README's first command works from them, and C programs build against them by pkg-config and CMake. If they are there, the
# tarball for aarch64 and the ZIP of packaging/windows.sh are run in qemu and Wine.
#
#   packaging/test.sh [FOLDER]        FOLDER as for linux.sh; needs root, for chroot
set -euo pipefail
cd "$(dirname "$0")/.."
packages=$(cd "${1:-target/packages}" && pwd)
.ci/install-debian lintian debootstrap cmake pkg-config gcc g++ xz-utils

(cd "$packages" && sha256sum --quiet -c SHA256SUMS)
lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs "$packages"/*.deb

work=$(mktemp -d)
root=$work/root
trap 'umount "$root/proc" 2>/dev/null; rm -rf "$work"' EXIT

# The tarball, as it comes: build systems find the library in it.
mkdir "$work/tarball"
tar -xJf "$packages"/*-"$(uname -m)"-linux.tar.xz -C "$work/tarball" --strip-components 1
echo "int main(void) { return sourdine_abi_version() == SOURDINE_ABI_VERSION ? 0 : 1; }" | sed '1i #include <sourdine.h>' >"$work/main.c"
export PKG_CONFIG_PATH=$work/tarball/lib/pkgconfig
gcc "$work/main.c" $(pkg-config --cflags --libs sourdine) -o "$work/by-pkg-config"
LD_LIBRARY_PATH=$work/tarball/lib "$work/by-pkg-config"
cat >"$work/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(test C)
find_package(sourdine 0.1 REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared sourdine::sourdine)
add_executable(static main.c)
target_link_libraries(static sourdine::static)
CMAKE
cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/tarball" >"$work/cmake.log"
cmake --build "$work/build" >>"$work/cmake.log" || { cat "$work/cmake.log"; exit 1; }
"$work/build/shared"
"$work/build/static"
echo "pkg-config and CMake find the library"

# The tarball for aarch64, if it was built: it has the same files, and its programs run and give the same sound.
other=$(find "$packages" -name "*-aarch64-linux.tar.xz")
if [ -n "$other" ] && [ "$(uname -m)" != aarch64 ]; then
    .ci/install-debian qemu-user
    mkdir "$work/aarch64"
    tar -xJf "$other" -C "$work/aarch64" --strip-components 1
    # VST3's folder has the processor's name.
    list() { (cd "$work/$1" && find . | sed "s/$2-linux/MACHINE-linux/" | sort); }
    diff <(list tarball "$(uname -m)") <(list aarch64 aarch64)
    emulated() { qemu-aarch64 -L target/sysroot-aarch64 "$work/aarch64/bin/$1" "${@:2}"; }
    emulated sourdine-live --version
    sample=samples/fan-hum-48k.wav
    emulated sourdine clean $sample -o "$work/aarch64.wav"
    "$work/tarball/bin/sourdine" clean $sample -o "$work/native.wav" --quiet
    # Transforms with other instructions round differently: 1 in 16 bits.
    "$work/tarball/bin/sourdine" compare "$work/native.wav" $sample "$work/aarch64.wav" --json | .ci/si-sdr-at-least 60
fi

# The ZIP for Windows, if it was built: its programs give the same bits in Wine, and C programs link with the library.
windows=$(find "$packages" -name "*-windows.zip")
if [ -n "$windows" ]; then
    .ci/install-debian gcc-mingw-w64-x86-64 wine wine64 unzip
    unzip -q "$windows" -d "$work/windows"
    tree=$(echo "$work"/windows/*)
    packaging/wine.sh "$tree/sourdine-live.exe" --version
    packaging/wine.sh "$tree/sourdine.exe" clean samples/fan-hum-48k.wav -o "Z:$work/windows.wav"
    "$work/tarball/bin/sourdine" clean samples/fan-hum-48k.wav -o "$work/native.wav" --force --quiet
    cmp "$work/native.wav" "$work/windows.wav"
    x86_64-w64-mingw32-gcc "$work/main.c" -I"$tree/include" "$tree/lib/libsourdine.dll.a" -o "$tree/lib/main.exe"
    packaging/wine.sh "$tree/lib/main.exe"
    echo "the programs and the C library run in Wine"
fi

# A bare Debian.
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
debootstrap --variant=minbase "$release" "$root" >"$work/debootstrap.log" || { tail "$work/debootstrap.log"; exit 1; }
cp /etc/resolv.conf "$root/etc/"
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
mount -t proc proc "$root/proc"
inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./var/cache -o -path ./var/log -o -path ./tmp \) -prune -o -print | sort); }
inside apt-get update -qq
# What the packages depend on stays out of the comparison.
inside apt-get install -y -qq --no-install-recommends libasound2 libstdc++6 libgstreamer-plugins-base1.0-0 >/dev/null
files >"$work/before"
cp "$packages"/*.deb "$root/tmp/"
inside sh -c 'apt-get install -y -qq --no-install-recommends /tmp/*.deb' >"$work/install.log" || { cat "$work/install.log"; exit 1; }
cp samples/fan-hum-48k.wav "$root/tmp/"
inside sourdine clean /tmp/fan-hum-48k.wav -o /tmp/cleaned.wav
inside sourdine-live --version
inside ldconfig -p | grep libsourdine.so >"$work/ldconfig"
for file in usr/lib/ladspa/sourdine.so usr/lib/lv2/sourdine.lv2/manifest.ttl usr/lib/clap/sourdine.clap usr/share/man/man1/sourdine.1.gz usr/include/sourdine.h; do
    [ -s "$root/$file" ] || { echo "$file is missing" >&2; exit 1; }
done
target/dist/sourdine clean samples/fan-hum-48k.wav -fo "$work/cleaned.wav" --quiet
cmp "$work/cleaned.wav" "$root/tmp/cleaned.wav"
names=$(for package in "$packages"/*.deb; do dpkg-deb -f "$package" Package; done)
# shellcheck disable=SC2086 # One word for each package.
inside apt-get purge -y -qq $names >/dev/null
files >"$work/after"
diff "$work/before" "$work/after"
echo "the packages install, work, and leave nothing"
