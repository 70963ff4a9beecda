#!/bin/bash
# A check that cannot fail is no check: each of them is given something bad here, mostly from
# tests/selftest, and must go red and name what is bad.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tap.sh
. scripts/builds.sh
fixtures=tests/selftest
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# red NAME EXPECTED COMMAND...: the command must fail, and say EXPECTED (a fixed string)
red() {
    local name="$1 goes red" expected=$2 output code=0
    shift 2
    output=$("$@" 2>&1) || code=$?
    if [ "$code" -eq 0 ]; then
        not_ok "$name" "succeeded: $*"$'\n'"$output"
    elif ! grep -qF -- "$expected" <<<"$output"; then
        not_ok "$name" "does not say \"$expected\": $*"$'\n'"$output"
    else
        ok "$name"
    fi
}

# green NAME COMMAND...: the same check on something good, so that red means something
green() {
    local name="$1 stays green"
    shift
    check "$name" "$@"
}

if ! build_release >"$scratch/build"; then
    cat "$scratch/build"
    exit 1
fi
for part in build cases runner sources libraries documents programs steps; do
    . "$fixtures/$part.sh"
done
finish
