#!/usr/bin/env bash
# Everything that has to pass before a change lands: format, lints, tests, docs. Installs what it needs on Debian.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v cargo >/dev/null; then
    echo "check.sh: no cargo; install Rust 1.89 or newer first (https://rustup.rs)" >&2
    exit 1
fi
# What the tests need: a C and C++ compiler (the C interfaces), ALSA's headers and a PulseAudio server without a sound
# card (live), ffmpeg and sox (files of every kind), mount and kill (full disk, interrupts), hosts for the plug-ins.
.ci/install-debian gcc g++ libc6-dev valgrind libasound2-dev pkg-config pulseaudio pulseaudio-utils ffmpeg sox mount procps \
    ladspa-sdk ecasound lilv-utils lv2-dev sordi libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev gstreamer1.0-plugins-base gstreamer1.0-plugins-good
# With all of them there, no test may skip itself for want of one.
! command -v apt-get >/dev/null || export SOURDINE_REQUIRE_TOOLS=1

# One build of each crate is all that happens here: what a second one could take over is gigabytes.
export CARGO_INCREMENTAL=0

run() {
    echo "== $*"
    "$@"
}
# Ends a test binary that hangs, and names it.
triple=$(rustc -vV | sed -n 's/^host: //p')
runner=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$triple")_RUNNER
export "$runner=$PWD/.ci/run-test"

run cargo fmt --all --check
# With `rust-version` in Cargo.toml this refuses what an older Rust lacks, too (clippy::incompatible_msrv).
run cargo clippy --workspace --all-targets --locked -- -D warnings
# The features, and the fuzz targets.
run cargo check -p sourdine --no-default-features --locked
run cargo check -p sourdine-cli --no-default-features --all-targets --locked
run cargo test -p sourdine-soundfile --no-default-features --locked
for feature in jack pipewire; do
    library=${feature/pipewire/libpipewire-0.3}
    ! pkg-config --exists "$library" || run cargo check -p sourdine-live --features "$feature" --locked
done
run cargo check --manifest-path fuzz/Cargo.toml --locked --target-dir target/fuzz
run cargo test --workspace --locked
run cargo test -p sourdine-plugin --features vst3 --test vst3 --locked
# Published packages have to package; the engine, which all others need, has to compile from its package.
run cargo package --locked --no-verify -p sourdine -p sourdine-soundfile -p sourdine-settings -p sourdine-measures -p sourdine-clean -p sourdine-cli -p sourdine-live
run cargo package --locked -p sourdine
RUSTDOCFLAGS="-D warnings" run cargo doc --workspace --no-deps --locked
# Where these are installed: licences and sources of all packages; the trainer's tests (models/train/README.md).
! cargo deny --version >/dev/null 2>&1 || run cargo deny check bans licenses sources
! python3 -c "import pytest, torch" 2>/dev/null || run python3 -m pytest -q models/train
echo "all checks passed"
