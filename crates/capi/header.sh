#!/bin/sh
# Makes include/sourdine.h anew; with --verify, only says whether it is current. Needs cbindgen 0.29 (cargo install
# cbindgen).
set -eu
cd "$(dirname "$0")"
made=$(mktemp)
trap 'rm -f "$made"' EXIT
# Rust's word for what the caller promises about pointers is none of C's.
cbindgen --quiet --config cbindgen.toml --lang c . | sed '/^ \* # Safety$/{N;s/# Safety\n \* /Pointers: /;}' >"$made"
if [ "${1-}" = --verify ]; then
    cmp -s "$made" include/sourdine.h || { echo "include/sourdine.h is not current: run crates/capi/header.sh" >&2; exit 1; }
else
    cat "$made" >include/sourdine.h
fi
