#!/usr/bin/env bash
# The Python package's own test: builds the wheel, installs it into an empty environment, and runs everything there.
#
#   crates/python/test.sh [pytest's options]
#
# What it needs of Python's package index: maturin, and what the tests use. `SOURDINE_PYTHON` names another interpreter than
# python3, `SOURDINE_PYTHON_WORK` a folder for the environments (default: target/python), `SOURDINE_PYTHON_EXTRAS` further packages
# to install: tests of examples that lack theirs are skipped. With "librosa transformers torch daft pyspark pandas" all of them
# run (Spark wants Java, too).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${SOURDINE_PYTHON_WORK:-$root/target/python}
python=${SOURDINE_PYTHON:-python3}
cd "$here"

run() {
    echo "== $*"
    "$@"
}
mkdir -p "$work"
[ -x "$work/build/bin/maturin" ] || { "$python" -m venv "$work/build" && "$work/build/bin/pip" install -q "maturin>=1.9.4,<2"; }
rm -rf "$work/wheels"
run "$work/build/bin/maturin" build --release --locked --out "$work/wheels"
run cargo build --release --locked -p sourdine-cli --manifest-path "$root/Cargo.toml"

# An empty environment: the wheel brings what it needs.
rm -rf "$work/empty"
"$python" -m venv "$work/empty"
run "$work/empty/bin/pip" install -q "$work"/wheels/sourdine-*.whl
(cd "$work" && run "$work/empty/bin/python" -c "import sourdine; print('sourdine', sourdine.__version__, [m.name for m in sourdine.models()])")
# Licences, types and nothing else beside the code.
"$work/empty/bin/python" - "$work"/wheels/sourdine-*.whl <<'PY'
import sys, zipfile
names = zipfile.ZipFile(sys.argv[1]).namelist()
for wanted in ("LICENSE-MIT", "LICENSE-APACHE", "sourdine/py.typed", "sourdine/_native.pyi", "sourdine/_native.abi3.so"):
    assert any(name.endswith(wanted) for name in names), f"{wanted} is missing in {names}"
assert not any("tests" in name or "__pycache__" in name for name in names), names
PY

# The same environment with what the tests use.
run "$work/empty/bin/pip" install -q pytest mypy "pyright[nodejs]" pyarrow soundfile "ray[data]"
# shellcheck disable=SC2086 # several words
[ -z "${SOURDINE_PYTHON_EXTRAS:-}" ] || run "$work/empty/bin/pip" install -q $SOURDINE_PYTHON_EXTRAS
target=${CARGO_TARGET_DIR:-$root/target}
SOURDINE_PROGRAM=${SOURDINE_PROGRAM:-$target/release/sourdine} run "$work/empty/bin/python" -m pytest -q -p no:cacheprovider "$@"
