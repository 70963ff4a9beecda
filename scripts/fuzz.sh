#!/bin/sh
# fuzz.sh SECONDS PROGRAM...: gives each libFuzzer program so much time to find an input that
# breaks it. What it learns stays beside the program and serves the next time; tests/fuzz/NAME
# may hold inputs to start from. An input that breaks it is kept and named.
set -eu
. "$(dirname "$0")/tap.sh"
seconds=$1
shift

for program; do
    name=$(basename "$program")
    learned=$program.corpus
    given=tests/fuzz/$name
    mkdir -p "$learned"
    [ -d "$given" ] || given=
    check "$name holds for $seconds s" "$program" "-max_total_time=$seconds" -timeout=20 \
        -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 "-artifact_prefix=$learned." \
        "$learned" $given
done
finish
