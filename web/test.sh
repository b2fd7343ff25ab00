#!/usr/bin/env bash
# Builds and tests the package: in node, in headless Chromium, and as npm would install it. Installs what it needs on Debian.
set -euo pipefail
cd "$(dirname "$0")"

needed=(chromium)
[[ -d $(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown ]] || needed+=(rustc-web cargo-web rust-web-src lld-19)
../.ci/install-debian "${needed[@]}"

./build.sh --with-scalar
cargo build --release --locked --manifest-path ../Cargo.toml -p sourdine-cli
SOURDINE=$(cd .. && pwd)/target/release/sourdine
export SOURDINE
npx tsc -p test
node --test --test-timeout=600000 test/engine.test.mjs
node --test --test-timeout=600000 test/browser.test.mjs
node --test --test-timeout=600000 test/demo.test.mjs
node --test --test-timeout=600000 test/package.test.mjs
npx publint --strict
npx attw --pack . --profile esm-only --exclude-entrypoints worklet.js sourdine.wasm sourdine.safetensors.gz sourdine-lite.safetensors.gz
echo "web: all checks passed"
