#!/usr/bin/env bash
# Builds what people on Linux install: Debian packages of the tool, the live front end, the libraries and the plug-ins, and a
# tarball of the same files with checksums.
#
#   packaging/linux.sh [FOLDER]                 into FOLDER (default target/packages)
#   TARGET=aarch64-unknown-linux-gnu packaging/linux.sh [FOLDER]
#                                               for another processor: the tarball
#
# Needs cargo-deb (`cargo install cargo-deb`), and on Debian the headers of ALSA and GStreamer and a C++ compiler; for aarch64, on
# Debian, the target of rustup, g++-aarch64-linux-gnu and qemu-user, which runs what was built.
set -euo pipefail
. "$(dirname "$0")/common.sh"
host=$(rustc -vV | sed -n 's/^host: //p')
target=${TARGET:-$host}
architecture=${target%%-*}
abi=${version%.*} # The soname changes with every 0.x.
built=target/dist
native=true
runner=()
if [ "$target" != "$host" ]; then
    native=false
    runner=("qemu-$architecture" -L "/usr/$architecture-linux-gnu")
    # That system's headers and libraries, without installing anything: its Debian packages, unpacked.
    sysroot=$CARGO_TARGET_DIR/sysroot-$architecture
    if [ ! -e "$sysroot/done" ]; then
        rm -rf "$sysroot"
        mkdir -p "$sysroot"/apt/{lists,archives}/partial
        : >"$sysroot/apt/status"
        debian=${architecture/aarch64/arm64}
        apt=(apt-get -qq -o "APT::Architecture=$debian" -o "APT::Architectures=$debian" -o "Dir::State=$sysroot/apt"
            -o "Dir::State::status=$sysroot/apt/status" -o "Dir::Cache=$sysroot/apt")
        "${apt[@]}" update
        "${apt[@]}" install -y --download-only --no-install-recommends libasound2-dev libgstreamer-plugins-base1.0-dev
        for package in "$sysroot"/apt/archives/*.deb; do dpkg-deb -x "$package" "$sysroot"; done
        rm -r "$sysroot/apt"
        touch "$sysroot/done"
    fi
    libraries=$sysroot/usr/lib/$architecture-linux-gnu
    export PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$libraries/pkgconfig:$sysroot/usr/share/pkgconfig
    export "CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_RUSTFLAGS=-C link-arg=--sysroot=$sysroot"
    export CARGO_BUILD_TARGET=$target
    export "CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_LINKER=$architecture-linux-gnu-gcc"
    built=target/$target/dist
fi
stage=target/stage # The packages' lists of files name it.
rm -rf "$stage"
mkdir -p "$stage"

# Builds a library under the name by which programs ask for it.
library() {
    local package=$1 soname=$2
    shift 2
    run cargo rustc --profile dist --locked -p "$package" --lib --crate-type cdylib "$@" -- -C "link-arg=-Wl,-soname,$soname"
}

run cargo build --profile dist --locked -p sourdine-cli
run cargo build --profile dist --locked -p sourdine-live
run cargo build --profile dist --locked -p sourdine-gstreamer
run cargo build --profile dist --locked -p sourdine-plugin --features vst3
"${runner[@]}" "$built/sourdine-bundle" "$stage/plugins" >/dev/null
library sourdine-rnnoise librnnoise.so.0 --features sourdine-default
mkdir -p "$stage/rnnoise"
cp "$built/librnnoise.so" "$stage/rnnoise/librnnoise.so.0"
run cargo rustc --profile dist --locked -p sourdine-capi --lib --crate-type staticlib
library sourdine-capi "libsourdine.so.$abi"

# The C library, its headers and what tells build systems where they are.
mkdir -p "$stage/lib/pkgconfig" "$stage/lib/cmake/sourdine"
cp "$built/libsourdine.so" "$stage/lib/libsourdine.so.$version"
ln -s "libsourdine.so.$version" "$stage/lib/libsourdine.so.$abi"
ln -s "libsourdine.so.$abi" "$stage/lib/libsourdine.so"
cp "$built/libsourdine.a" "$stage/lib/"
fill() { sed -e "s/@VERSION@/$version/g" -e "s/@ABI@/$abi/g" "$1" >"$2"; }
fill packaging/sourdine.pc.in "$stage/lib/pkgconfig/sourdine.pc"
fill packaging/sourdineConfig.cmake.in "$stage/lib/cmake/sourdine/sourdineConfig.cmake"
fill packaging/sourdineConfigVersion.cmake.in "$stage/lib/cmake/sourdine/sourdineConfigVersion.cmake"

# Manual pages and completions.
"${runner[@]}" "$built/sourdine" man "$stage/man" >/dev/null
mv "$stage/man/sourdine-live.1" "$stage/sourdine-live.1"
gzip -9n "$stage"/man/*.1 "$stage/sourdine-live.1"
mkdir "$stage/completions"
for shell in bash zsh fish; do "${runner[@]}" "$built/sourdine" completions $shell >"$stage/completions/sourdine.$shell"; done

# The tarball: unpack it anywhere, or over /usr/local.
name=sourdine-$version-$architecture-linux
tree=$stage/$name
mkdir -p "$tree"/{bin,include,lib/gstreamer-1.0,share/man/man1,share/bash-completion/completions,share/doc/sourdine}
cp "$built/sourdine" "$built/sourdine-live" "$tree/bin/"
cp crates/capi/include/* "$tree/include/"
cp -a "$stage/lib/." "$stage/plugins/." "$tree/lib/"
mkdir -p "$tree/lib/sourdine"
cp "$built/libgstsourdine.so" "$tree/lib/gstreamer-1.0/"
cp "$stage/rnnoise/librnnoise.so.0" "$tree/lib/sourdine/"
cp "$stage"/man/* "$stage/sourdine-live.1.gz" "$tree/share/man/man1/"
cp "$stage/completions/sourdine.bash" "$tree/share/bash-completion/completions/sourdine"
cp LICENSE-* README.md "$tree/share/doc/sourdine/"
# The same bytes from the same files.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$stage" -cf - "$name" | xz -9 >"$out/$name.tar.xz"

if $native && command -v dpkg >/dev/null; then
    if ! cargo deb --version >/dev/null 2>&1; then
        echo "linux.sh: the tarball is done; for the Debian packages run \`cargo install cargo-deb\` first" >&2
        exit 1
    fi
    deb() { run cargo deb --no-build --profile dist --locked -o "$out" -p "$@"; }
    deb sourdine-cli
    deb sourdine-live
    deb sourdine-capi --multiarch same
    deb sourdine-capi --multiarch same --variant dev
    deb sourdine-rnnoise
    deb sourdine-plugin
    deb sourdine-gstreamer --multiarch same
    # What depends on the library by its soname, which cargo-deb cannot say.
    package=$(ls "$out"/libsourdine"$abi"_*.deb)
    rm -rf "$stage/unpacked"
    dpkg-deb -R "$package" "$stage/unpacked"
    echo "libsourdine $abi libsourdine$abi" >"$stage/unpacked/DEBIAN/shlibs"
    dpkg-deb --root-owner-group -b "$stage/unpacked" "$package" >/dev/null
fi
(cd "$out" && find . -name "*.deb" -o -name "*.tar.xz" | sort | xargs sha256sum >SHA256SUMS)
ls -l "$out"
