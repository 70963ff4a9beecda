#!/bin/sh
# format.sh [FILE...]: our C files are as clang-format 14 would write them. Without arguments
# all files git knows, but for those scripts/unformatted.txt lists with a reason.
set -eu
. "$(dirname "$0")/tap.sh"

if [ $# -eq 0 ]; then
    excepted=$(sed -n 's/^\([^#: ][^:]*\):.*/\1/p' scripts/unformatted.txt)
    set -- $({ git ls-files --cached --others --exclude-standard '*.c' '*.h' 2>/dev/null ||
        find apps bench examples include src tests -name '*.[ch]'; } |
        grep -v '^tests/selftest/' | grep -vxF "$excepted")
    for path in $excepted; do
        check "$path, which scripts/unformatted.txt names, exists" test -e "$path"
    done
fi
for path; do
    [ -e "$path" ] || continue
    check "$path is formatted" clang-format --dry-run -Werror --style=file "$path"
done
finish
