#!/usr/bin/env bash
# Tests the recipe for programs that use RNNoise: a program linked with our librnnoise (the baseline's network) gets our own model by
# LD_LIBRARY_PATH alone. Needs a C compiler.
#
#   docs/hosts/rnnoise.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
target=${CARGO_TARGET_DIR:-target}/release
build() {
    # The name that a distribution's library has, so that the program asks for it.
    cargo rustc --release --locked -p sourdine-rnnoise --lib --crate-type cdylib "$@" -- -C link-arg=-Wl,-soname,librnnoise.so.0
    mkdir "$folder/$name"
    cp "$target/librnnoise.so" "$folder/$name/librnnoise.so.0"
}
name=default build --features sourdine-default
name=baseline build
cc -O2 crates/rnnoise/examples/denoise_raw.c -Icrates/rnnoise/include -o "$folder/denoise_raw" "$folder/baseline/librnnoise.so.0" -lm

tail -c +45 samples/fan-hum-48k.wav >"$folder/noisy.raw"
with() { LD_LIBRARY_PATH=$folder/$1 "$folder/denoise_raw" "$folder/noisy.raw" "$folder/$2.raw" "${@:3}"; }
with baseline baseline
with baseline own crates/core/models/sourdine.safetensors
with default default
! cmp -s "$folder/baseline.raw" "$folder/default.raw" || { echo "the second library gives the baseline's sound" >&2; exit 1; }
cmp "$folder/own.raw" "$folder/default.raw"
echo "the second library gives our model's sound to a program that was linked with the first"
