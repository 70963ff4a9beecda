#!/bin/sh
# fuzz.sh SECONDS PROGRAM...: gives each libFuzzer program so much time to find an input that
# breaks it, one on each processor at a time. What it learns stays beside the program and serves
# the next time; tests/fuzz/NAME may hold inputs to start from, and tests/fuzz/corpus.py writes
# those that are bytes. An input that breaks it is kept and named.
set -eu
. "$(dirname "$0")/tap.sh"
seconds=$1
shift

# fuzz PROGRAM
fuzz() {
    name=$(basename "$1")
    learned=$1.corpus
    mkdir -p "$learned"
    written=$(mktemp -d)
    trap 'rm -rf "$written"' EXIT
    python3 tests/fuzz/corpus.py "$written"
    given=
    for folder in "tests/fuzz/$name" "$written/$name"; do
        [ ! -d "$folder" ] || given="$given $folder"
    done
    check "$name holds for $seconds s" "$1" "-max_total_time=$seconds" -timeout=20 \
        -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 "-artifact_prefix=$learned." \
        "$learned" $given
}

if [ $# -eq 1 ]; then
    fuzz "$1"
    finish
fi
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 "$0" "$seconds"
