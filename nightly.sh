#!/usr/bin/env bash
# The checks that take too long for every change. Needs nightly Rust with rust-src (`rustup toolchain install nightly -c rust-src`)
# and a C++ compiler; the last part needs cargo-mutants.
#
#   ./nightly.sh [PART…]     packages, conformance, sanitizers, fuzz, mutants; without a part all of them
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

# What is published compiles and passes its own tests somewhere else, with the other packages as a registry would have them.
# (Tests of `measures`, `cli` and `live` use the testkit, which is not published.)
packages() {
    local names=(sourdine sourdine-soundfile sourdine-settings sourdine-measures sourdine-clean sourdine-cli sourdine-live)
    local version elsewhere name
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
    run cargo package --locked "${names[@]/#/--package=}"
    elsewhere=$(mktemp -d)
    {
        printf '[workspace]\nresolver = "3"\nmembers = ["*"]\nexclude = ["target"]\n[patch.crates-io]\n'
        for name in "${names[@]}"; do echo "$name = { path = \"$name-$version\" }"; done
    } >"$elsewhere/Cargo.toml"
    for name in "${names[@]}"; do tar -xzf "target/package/$name-$version.crate" -C "$elsewhere"; done
    cp Cargo.lock "$elsewhere/"
    (cd "$elsewhere" && CARGO_TARGET_DIR=$elsewhere/target run cargo build --workspace)
    (cd "$elsewhere" && CARGO_TARGET_DIR=$elsewhere/target run cargo test -p sourdine -p sourdine-soundfile -p sourdine-settings -p sourdine-clean)
    run "$elsewhere/target/debug/sourdine" clean samples/fan-hum-48k.wav -o "$elsewhere/clean.wav"
    rm -rf "$elsewhere"
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

if (($# == 0)); then set -- packages conformance sanitizers fuzz mutants; fi
for part in "$@"; do
    case $part in
    packages | conformance | sanitizers | fuzz | mutants) "$part" ;;
    *)
        echo "nightly.sh: no part named $part; there are packages, conformance, sanitizers, fuzz, mutants" >&2
        exit 2
        ;;
    esac
done
