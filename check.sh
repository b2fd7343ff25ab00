#!/usr/bin/env bash
# Everything that has to pass before a change lands: format, lints, tests, docs. Installs what it needs on Debian.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v cargo >/dev/null; then
    echo "check.sh: no cargo; install Rust 1.88 or newer first (https://rustup.rs)" >&2
    exit 1
fi
# A C linker is all that the build needs beside cargo; mount is for the full-disk test, kill for the interrupt test.
if command -v apt-get >/dev/null && ! { command -v cc && command -v mount && command -v kill; } >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends gcc libc6-dev mount procps
fi

run() {
    echo "== $*"
    "$@"
}
run cargo fmt --all --check
run cargo clippy --workspace --all-targets --locked -- -D warnings
run cargo test --workspace --locked
RUSTDOCFLAGS="-D warnings" run cargo doc --workspace --no-deps --locked
echo "all checks passed"
