#!/bin/bash
# Installs what ./test needs and the machine lacks: with apt when we are root, otherwise says
# what is missing. Fails only when nothing can be built without it.
set -euo pipefail

# what to look for (a command, or a path) and the Debian package that brings it
needed="
meson meson
ninja ninja-build
gcc gcc
g++ g++
python3 python3
pkg-config pkg-config
git git
"
wished="
clang clang
clang-format clang-format
ld.lld lld
cmake cmake
erl erlang-base
escript erlang-base
elixir elixir
valgrind valgrind
qemu-aarch64-static qemu-user-static
aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
/usr/aarch64-linux-gnu/include/stdio.h libc6-dev-arm64-cross
/usr/include/zlib.h zlib1g-dev
llvm-symbolizer llvm
/usr/lib/debug/.build-id libc6-dbg
/usr/include/sqlite3.h libsqlite3-dev
/usr/include/postgresql/libpq-fe.h libpq-dev
/usr/lib/postgresql postgresql
/usr/bin/curl-config libcurl4-openssl-dev
/usr/include/jansson.h libjansson-dev
/usr/include/libwebsockets.h libwebsockets-dev
/usr/include/openssl/ssl.h libssl-dev
openssl openssl
curl curl
chromium chromium
ip iproute2
"
runtime_dir=$(clang -print-runtime-dir 2>/dev/null || echo /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux)
wished+="$runtime_dir/libclang_rt.fuzzer-$(uname -m).a libclang-rt-14-dev
"

missing_of() {
    while read -r what package; do
        if [ -z "$what" ]; then
            continue
        elif [[ $what == /* ]]; then
            [ -e "$what" ] || echo "$package"
        else
            command -v "$what" >/dev/null || echo "$package"
        fi
    done <<<"$1" | sort -u
}

missing=$(missing_of "$needed$wished" | tr '\n' ' ')
if [ -n "$missing" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing: $missing"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # Recommended packages are left out, so what compilers only recommend is named above.
    if ! { apt-get update && apt-get install -y --no-install-recommends $missing libc6-dev; } >"$log" 2>&1; then
        echo "apt-get failed:"
        tail -n 5 "$log"
    fi
    rm -f "$log"
fi
missing=$(missing_of "$needed$wished" | tr '\n' ' ')
if [ -n "$missing" ]; then
    echo "missing, install them for the whole of the tests: apt-get install $missing"
fi
[ -z "$(missing_of "$needed")" ]
