#!/bin/sh
# exports.sh INCLUDE_DIR LIBRARY...: what the shared libraries show is what the public headers
# mark with KEEL_API, neither more nor less, and all of it begins with keel_. Archives (.a)
# among the libraries are looked at for names that could clash with a user's.
set -eu
. "$(dirname "$0")/tap.sh"
include=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Declarations carry the attribute that KEEL_API expands to; the first keel_ name before a
# parenthesis is the function, a variable has none.
declared_names() {
    for header in "$include"/keel/*.h "$include"/keel/*/*.h; do
        echo "#include <${header#"$include"/}>"
    done >"$scratch/all.c"
    gcc -E -P "-I$include" "$scratch/all.c" | tr '\n' ' ' |
        grep -o 'visibility("default"))) *[^;{]*' | sed 's/^visibility("default")))//' |
        while read -r declaration; do
            name=$(echo "$declaration" | grep -o 'keel_[a-z0-9_]* *(' | head -n 1 | tr -d ' (')
            [ -n "$name" ] || name=$(echo "$declaration" | grep -o 'keel_[a-z0-9_]*' | tail -n 1)
            echo "$name"
        done | sort -u
}

: >"$scratch/exported"
for library; do
    case $library in
    *.a)
        stray=$(nm --defined-only -g "$library" 2>/dev/null |
            awk 'NF == 3 { print $3 }' | grep -Ev '^(keel|kl)_|^(__asan|__odr_asan|DW\.ref)' | sort -u) || true
        name="$(basename "$library") defines only keel_ and kl_ names"
        ;;
    *)
        nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' >>"$scratch/exported"
        stray=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | grep -v '^keel_') || true
        name="$(basename "$library") exports only keel_ names"
        ;;
    esac
    if [ -z "$stray" ]; then ok "$name"; else not_ok "$name" "$stray"; fi
done
sort -u -o "$scratch/exported" "$scratch/exported"
declared_names >"$scratch/declared"

missing=$(comm -23 "$scratch/declared" "$scratch/exported")
extra=$(comm -13 "$scratch/declared" "$scratch/exported")
name="all $(wc -l <"$scratch/declared") names that headers declare are exported"
if [ -z "$missing" ]; then ok "$name"; else not_ok "$name" "$missing"; fi
name="every exported name is declared in a public header"
if [ -z "$extra" ]; then ok "$name"; else not_ok "$name" "$extra"; fi
finish
