# The build directories of ./test, ./run and the self-test. Each function brings one up to
# date under build/ and prints a line of TAP. Sourced by bash, from the repository's root.

# build_in NAME SETUP_ARGUMENTS...
# Several callers may come at once: one builds, the others wait and find it done. With `only`
# set that target is built and nothing else.
build_in() {
    mkdir -p build
    (
        flock 9
        make_build "$@"
    ) 9>"build/$1.lock"
}

make_build() {
    local name=$1 log=build/$1.log
    shift
    if configure "build/$name" "$@" >"$log" 2>&1 9>&- &&
        ninja -C "build/$name" ${only:-} >>"$log" 2>&1 9>&-; then
        echo "ok - the build $name compiles without a warning"
    else
        echo "not ok - the build $name compiles without a warning"
        # What failed, not what went well before it.
        grep -nE 'FAILED|error|ERROR|warning:|undefined reference' "$log" | head -n 40 | sed 's/^/# /'
        return 1
    fi
}

# A new option is not found by meson's own way of configuring again.
configure() {
    if [ ! -e "$1/build.ninja" ]; then
        meson setup "$@"
    elif [ meson_options.txt -nt "$1/build.ninja" ]; then
        meson setup --reconfigure "$@"
    fi
}

build_gcc() {
    CC=gcc build_in gcc
}

# Builds that only tests use know lines, not variables: a seventh less time. For a debugger
# there is build/gcc.
lines=-Dc_args=-g1

# The whole library, and the tests of the core, which is what one compiler's optimizer may
# take otherwise than another's. The other tests run as clang compiles them for a sanitizer.
build_clang() {
    with_clang clang $lines -Drooms=base,term,sched,proc,testing
}

# A quick linker, where there is one: three hundred programs a build.
with_clang() {
    if command -v ld.lld >/dev/null; then
        CC=clang CC_LD=lld build_in "$@"
    else
        CC=clang build_in "$@"
    fi
}

no_libraries="-Dbacktrace=disabled -Dzlib=disabled -Dsqlite=disabled -Dpostgres=disabled
    -Dcurl=disabled -Dtls=disabled -Dweb=disabled"

# Without anything a machine may lack: assembly for its processor, optional libraries. What
# that changes lies in the lower rooms.
build_portable() {
    CC=gcc build_in portable $lines -Dswitch=ucontext -Drooms=base,term,sched,proc,testing $no_libraries
}

build_asan() {
    with_clang asan -Db_sanitize=address,undefined -Db_lundef=false -Dparanoid=true \
        -Dbuildtype=debug -Doptimization=1 "$lines -fno-sanitize-recover=all"
}

build_tsan() {
    with_clang tsan -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debug -Doptimization=1 $lines
}

build_fuzz() {
    only=fuzzers with_clang fuzz -Db_sanitize=address,undefined -Db_lundef=false -Dparanoid=true \
        -Dtests=false -Dfuzz=true -Dbuildtype=debug -Doptimization=1 \
        "$lines -fno-sanitize-recover=all -fsanitize=fuzzer-no-link"
}

build_aarch64() {
    # The headers of the libraries here are this machine's, not the other's. Above these rooms
    # nothing is written for one architecture.
    build_in aarch64 $lines --cross-file scripts/cross/aarch64.ini \
        -Drooms=base,term,sched,proc,testing,otp $no_libraries
}

build_release() {
    CC=gcc build_in release -Dbuildtype=release -Ddebug=true -Dtests=false \
        "-Dprefix=$PWD/build/prefix"
}

# The sanitizers of clang 14 lay their shadow where a kernel that randomises more than 28 bits
# may put something else: there the programs run at fixed addresses.
fixed_addresses() {
    local bits
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
    if [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
        echo "setarch -R"
    fi
}
