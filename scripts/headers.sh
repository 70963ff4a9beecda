#!/bin/sh
# headers.sh INCLUDE_DIR: each public header compiles alone and twice, in C11, C17 and
# C++17, with gcc and clang, pedantically.
set -eu
. "$(dirname "$0")/tap.sh"
include=$1
warnings="-Wall -Wextra -Wpedantic -Werror"

compile() {
    printf '#include <%s>\n#include <%s>\n' "$1" "$1" |
        $3 $warnings "-I$include" "-x$2" -fsyntax-only -
}

for path in $(find "$include/keel" -name '*.h' | sort); do
    header=${path#"$include"/}
    name=${header#keel/}
    for standard in c11 c17; do
        check "$name in $standard, gcc" compile "$header" c "gcc -std=$standard"
        check "$name in $standard, clang" compile "$header" c "clang -std=$standard"
    done
    check "$name in c++17, gcc" compile "$header" c++ "g++ -std=c++17"
    check "$name in c++17, clang" compile "$header" c++ "clang++ -std=c++17"
done
finish
