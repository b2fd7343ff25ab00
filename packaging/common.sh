# What the builders of packages share; each sources it with its own arguments. Sets `out`, `version` and CARGO_TARGET_DIR.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:-target/packages}
mkdir -p "$out"
out=$(cd "$out" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
export CARGO_TARGET_DIR=$PWD/target

run() {
    echo "== $*"
    "$@"
}
