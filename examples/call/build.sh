#!/usr/bin/env bash
# Builds the server, and the page into page/dist. Needs cargo with the target wasm32-unknown-unknown, node and npm.
set -euo pipefail
cd "$(dirname "$0")"

if [[ ! -d $(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown ]]; then
    rustup target add wasm32-unknown-unknown
fi
# The npm package `sourdine`.
[[ -f ../../web/dist/sourdine.safetensors.gz && -f ../../web/dist/track.js ]] || ../../web/build.sh

cargo build --locked --release
cargo build --locked --profile wasm --target wasm32-unknown-unknown -p call-crypto
target/release/bindgen target/wasm32-unknown-unknown/wasm/call_crypto.wasm page/crypto

npm ci --no-audit --no-fund
npx tsc -p page
cd page
rm -rf dist
npx esbuild src/main.ts src/frames.worker.ts --bundle --format=esm --target=es2022 --outdir=dist --log-level=warning
mv dist/frames.worker.js dist/frames.js
cp static/* crypto/crypto_bg.wasm dist/
mkdir dist/sourdine
cp ../node_modules/sourdine/dist/{worklet.js,sourdine.wasm,sourdine.safetensors.gz,sourdine-lite.safetensors.gz} dist/sourdine/
