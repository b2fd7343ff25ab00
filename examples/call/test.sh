#!/usr/bin/env bash
# Builds the call and tests it: its cryptography and its server by themselves, then whole calls between headless browsers.
# Installs what it needs on Debian. Needs cargo, node 20 and npm.
set -euo pipefail
cd "$(dirname "$0")"

../../.ci/install-debian janus chromium ffmpeg
./build.sh
# The sound that arrives is compared with what this program makes of the same file. SOURDINE names another one.
[[ -n ${SOURDINE:-} ]] || cargo build --release --locked --manifest-path ../../Cargo.toml -p sourdine-cli

cargo fmt --all --check
cargo clippy --locked --all-targets -- -D warnings
cargo test --locked
# One after the other: each file has a server and up to three browsers.
for file in secrecy everyday load quality; do
    node --test --test-timeout=600000 "test/$file.test.mjs"
done
echo "call: all checks passed"
