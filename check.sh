#!/usr/bin/env bash
# Everything that has to pass before a change lands: format, lints, tests, docs. Installs what it needs on Debian.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v cargo >/dev/null; then
    echo "check.sh: no cargo; install Rust 1.89 or newer first (https://rustup.rs)" >&2
    exit 1
fi
# What the tests need: a C and C++ compiler (the C interfaces), ALSA's headers and a PulseAudio server without a sound
# card (live), ffmpeg and sox (files of every kind), mount and kill (full disk, interrupts).
if command -v apt-get >/dev/null; then
    needed=(gcc g++ libc6-dev valgrind libasound2-dev pkg-config pulseaudio pulseaudio-utils ffmpeg sox mount procps)
    missing=()
    for package in "${needed[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing+=("$package")
    done
    if ((${#missing[@]})); then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    fi
    # With all of them there, no test may skip itself for want of one.
    export SOURDINE_REQUIRE_TOOLS=1
fi

run() {
    echo "== $*"
    "$@"
}
run cargo fmt --all --check
run cargo clippy --workspace --all-targets --locked -- -D warnings
run cargo check -p sourdine --no-default-features --locked
run cargo check -p sourdine-cli --no-default-features --all-targets --locked
run cargo test --workspace --locked
# What is published has to package; the engine, which all others need, has to compile by itself.
run cargo package --locked --no-verify -p sourdine -p sourdine-soundfile -p sourdine-settings -p sourdine-measures -p sourdine-cli -p sourdine-live
run cargo package --locked -p sourdine
RUSTDOCFLAGS="-D warnings" run cargo doc --workspace --no-deps --locked
echo "all checks passed"
