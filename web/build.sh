#!/usr/bin/env bash
# Builds the package into web/dist: the module, the models, JavaScript and types.
# Takes rustup's wasm32-unknown-unknown where it is installed, else Debian's rustc-web, which builds the standard library too.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd .. && pwd)
target=wasm32-unknown-unknown

# Builds the module with the given compiler flags into the given file. More arguments are for cargo.
build() {
    local flags=$1 out=$2 folder=$root/target/web-$3
    local build=(build --locked --manifest-path "$root/Cargo.toml" -p sourdine-wasm --profile dist
        --target $target --target-dir "$folder" "${@:4}")
    if [[ -d $(rustc --print sysroot 2>/dev/null)/lib/rustlib/$target ]]; then
        RUSTFLAGS=$flags cargo "${build[@]}"
    elif [[ -x /usr/bin/cargo && -x /usr/bin/wasm-ld-19 && -d /usr/share/doc/rust-web-src ]]; then
        PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=$flags \
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=/usr/bin/wasm-ld-19 \
            /usr/bin/cargo "${build[@]}" -Zbuild-std=std,panic_abort
    else
        echo "build.sh: no Rust for $target. With rustup: rustup target add $target." \
            "On Debian: apt-get install rustc-web cargo-web rust-web-src lld-19." >&2
        exit 1
    fi
    cp "$folder/$target/dist/sourdine_wasm.wasm" "$out.new"
    mv "$out.new" "$out"
}

mkdir -p dist build
build -Ctarget-feature=+simd128 dist/sourdine.wasm simd
# Only the tests take it: its bits have to be those of the module with SIMD, and it can be made to panic.
if [[ ${1:-} == --with-scalar ]]; then build "" build/scalar.wasm scalar --features planted-panic; fi
# Models are packed here: servers compress few kinds of files of their own accord, and search the weights in vain for repetitions.
# What they take for such costs 5 % more than a code for each weight alone.
rm -f dist/*.safetensors*
for model in sourdine sourdine-lite; do
    node --input-type=module - "$root/crates/core/models/$model.safetensors" "dist/$model.safetensors.gz" <<'END'
import { readFileSync, writeFileSync } from "node:fs";
import { constants, gzipSync } from "node:zlib";
const [from, to] = process.argv.slice(2);
writeFileSync(to, gzipSync(readFileSync(from), { level: 9, strategy: constants.Z_HUFFMAN_ONLY }));
END
done
cp "$root"/LICENSE-* .
cp "$root"/samples/fan-hum-48k.wav build/sample.wav # For the page in demo/.

npm ci --no-audit --no-fund
npx tsc -p .
npx esbuild src/worklet.ts --bundle --format=esm --target=es2022 --outfile=dist/worklet.js
