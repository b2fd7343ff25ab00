#!/usr/bin/env bash
# Builds what people on macOS unpack: a tarball with the tool, the live front end, the C library and the plug-ins, each for Intel's
# and Apple's processors.
#
#   packaging/macos.sh [FOLDER]          into FOLDER (default target/packages)
#
# Runs on a Mac with Xcode's command line tools and rustup's targets x86_64-apple-darwin and aarch64-apple-darwin. Signatures are ad hoc:
# to hand the files on, set IDENTITY to a Developer ID and notarise the tarball.
set -euo pipefail
. "$(dirname "$0")/common.sh"
targets=(x86_64-apple-darwin aarch64-apple-darwin)

for target in "${targets[@]}"; do
    run cargo build --profile dist --locked --target "$target" -p sourdine-cli
    run cargo build --profile dist --locked --target "$target" -p sourdine-live
    run cargo build --profile dist --locked --target "$target" -p sourdine-plugin --features vst3
    run cargo rustc --profile dist --locked --target "$target" -p sourdine-capi --lib --crate-type cdylib -- \
        -C link-arg=-Wl,-install_name,@rpath/libsourdine.dylib
done

name=sourdine-$version-macos
stage=target/stage-macos
universal=$stage/universal
rm -rf "$stage"
mkdir -p "$universal" "$stage/$name"/{bin,include,lib,share/man/man1}
for file in sourdine sourdine-live sourdine-bundle libsourdine.dylib libsourdine_plugin.dylib; do
    lipo -create "target/${targets[0]}/dist/$file" "target/${targets[1]}/dist/$file" -output "$universal/$file"
    codesign --force --sign "${IDENTITY:--}" "$universal/$file"
done
cp "$universal/sourdine" "$universal/sourdine-live" "$stage/$name/bin/"
cp "$universal/libsourdine.dylib" "$stage/$name/lib/"
cp crates/capi/include/* "$stage/$name/include/"
cp LICENSE-* README.md "$stage/$name/"
"$universal/sourdine" man "$stage/$name/share/man/man1" >/dev/null
"$universal/sourdine-bundle" "$stage/$name/plugins"
for bundle in "$stage/$name"/plugins/*/*.{clap,vst3}; do codesign --force --sign "${IDENTITY:--}" "$bundle"; done
tar -C "$stage" -cJf "$out/$name.tar.xz" "$name"
ls -l "$out/$name.tar.xz"
