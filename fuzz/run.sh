#!/bin/sh
# Runs one target: fuzz/run.sh TARGET [libFuzzer options]. Needs nightly Rust and a C++ compiler, not cargo-fuzz; the
# flags are those of cargo-fuzz. Memory is bounded at 256 MiB, each input at 64 KiB and 20 s; targets that read sound start
# from a small file of every container (seeds.sh). With SANITIZER=none it runs
# without AddressSanitizer, several times as fast: our own code has no `unsafe` here.
set -eu
cd "$(dirname "$0")"
target=$1
shift
triple=$(rustc -vV | sed -n 's/^host: //p')
case ${SANITIZER:-address} in
none) sanitizer= ;;
*) sanitizer="-Zsanitizer=${SANITIZER:-address}" ;;
esac
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares $sanitizer --cfg fuzzing -Ccodegen-units=1" \
    cargo +nightly build --release --target "$triple" --bin "$target"
mkdir -p "corpus/$target" "artifacts/$target"
case $target in
sound_reader | wav_reader) ./seeds.sh "corpus/$target" ;;
esac
[ ! -f "$target.dict" ] || set -- "-dict=$target.dict" "$@"
exec "${CARGO_TARGET_DIR:-target}/$triple/release/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" \
    -rss_limit_mb=256 -malloc_limit_mb=256 -max_len=65536 -timeout=20 "$@"
