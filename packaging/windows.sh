#!/usr/bin/env bash
# Builds what people on Windows unpack: a ZIP with the tool, the live front end, the C library and the plug-ins.
#
#   packaging/windows.sh [FOLDER]        into FOLDER (default target/packages)
#
# On Windows (Git Bash, Visual Studio's compiler) with VST3. On Debian by MinGW, without VST3, which needs Microsoft's compiler:
# needs rustup's target x86_64-pc-windows-gnu, gcc-mingw-w64-x86-64, wine and zip.
set -euo pipefail
. "$(dirname "$0")/common.sh"
plugin=(-p sourdine-plugin)
case $(uname) in
    MINGW* | MSYS*)
        export CARGO_BUILD_TARGET=x86_64-pc-windows-msvc
        plugin+=(--features vst3)
        runner=()
        libraries=(sourdine.dll sourdine.dll.lib)
        compress() { powershell -Command "Compress-Archive -Force '$1' '$2'"; }
        ;;
    *)
        export CARGO_BUILD_TARGET=x86_64-pc-windows-gnu CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
        runner=(packaging/wine.sh)
        libraries=(sourdine.dll libsourdine.dll.a)
        compress() { rm -f "$2" && zip -qr "$2" "$1"; }
        ;;
esac
built=target/$CARGO_BUILD_TARGET/dist

run cargo build --profile dist --locked -p sourdine-cli
run cargo build --profile dist --locked -p sourdine-live
run cargo build --profile dist --locked "${plugin[@]}"
run cargo rustc --profile dist --locked -p sourdine-capi --lib --crate-type cdylib

name=sourdine-$version-x86_64-windows
stage=target/stage-windows
rm -rf "$stage"
mkdir -p "$stage/$name"/{include,lib}
cp "$built/sourdine.exe" "$built/sourdine-live.exe" LICENSE-* README.md "$stage/$name/"
cp crates/capi/include/* "$stage/$name/include/"
for library in "${libraries[@]}"; do cp "$built/$library" "$stage/$name/lib/"; done
"${runner[@]}" "$built/sourdine-bundle.exe" "$stage/$name/plugins"
(cd "$stage" && compress "$name" "$out/$name.zip")
ls -l "$out/$name.zip"
