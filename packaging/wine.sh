#!/usr/bin/env bash
# Runs a Windows program in Wine, with the one function that Rust's standard library needs and Wine before version 9 lacks.
#
#   packaging/wine.sh PROGRAM.exe [ARGUMENT…]
set -euo pipefail
export WINEDEBUG=-all WINEPREFIX=${WINEPREFIX:-$PWD/target/wine}
library=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
if [ ! -e "$library" ]; then
    wine wineboot --init >/dev/null 2>&1
    x86_64-w64-mingw32-gcc -shared -x c - -o "$library" -ladvapi32 <<'C'
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) { return RtlGenRandom(data, (ULONG)length); }
C
fi
exec wine "$@"
