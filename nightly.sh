#!/usr/bin/env bash
# The checks that take too long for every change. Needs nightly Rust with rust-src (`rustup toolchain install nightly -c rust-src`)
# and a C++ compiler; the last part needs cargo-mutants.
#
#   ./nightly.sh [PART…]     conformance, sanitizers, fuzz, mutants; without a part all of them
#
# FUZZ_SECONDS is the time for each fuzz target (default 600).
set -euo pipefail
cd "$(dirname "$0")"
host=$(rustc -vV | sed -n 's/^host: //p')

run() {
    echo "== $*"
    "$@"
}

# Runs cargo test with a sanitizer, the standard library included: otherwise ThreadSanitizer does not see its
# synchronisation, and reports races where there are none.
sanitized() {
    local sanitizer=$1
    shift
    CARGO_TARGET_DIR=target/$sanitizer RUSTFLAGS="-Zsanitizer=$sanitizer" \
        run cargo +nightly test -Zbuild-std --target "$host" --locked "$@"
}

# Every rate, number of channels and block length with every model.
conformance() {
    run cargo test --release --locked -p sourdine --test conformance -- --include-ignored
}

# Data races between the audio thread and the controls; memory errors in everything that is `unsafe`: kernels and the C interface.
sanitizers() {
    sanitized thread -p sourdine --test threads
    sanitized address -p sourdine --lib --test golden
    SOURDINE_CALLS=1000000 sanitized address -p sourdine-capi --lib
}

# Parsers of foreign bytes.
fuzz() {
    for target in fuzz/fuzz_targets/*.rs; do
        run fuzz/run.sh "$(basename "$target" .rs)" -max_total_time="${FUZZ_SECONDS:-600}"
    done
}

# Planted faults that no test sees; the files are named in .cargo/mutants.toml.
mutants() {
    run cargo mutants -p sourdine -p sourdine-soundfile
}

if (($# == 0)); then set -- conformance sanitizers fuzz mutants; fi
for part in "$@"; do
    case $part in
    conformance | sanitizers | fuzz | mutants) "$part" ;;
    *)
        echo "nightly.sh: no part named $part; there are conformance, sanitizers, fuzz, mutants" >&2
        exit 2
        ;;
    esac
done
