#!/bin/sh
# run.sh BUILD PREFIX: installs a build directory into its prefix and uses what lies there as a
# stranger would: through pkg-config, shared and static, and through CMake.
set -eu
. "$(dirname "$0")/../../scripts/tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
prefix=$2

rm -rf "$prefix"
check "installs into a prefix" meson install -C "$1" --no-rebuild --quiet
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name keel.pc)")
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libkeel.so)")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

check "the shared library is called libkeel.so.0" \
    sh -c "readelf -d '$LD_LIBRARY_PATH/libkeel.so' | grep -q 'soname: \[libkeel.so.0\]'"
check "pkg-config and a program linked with the shared library" \
    sh -c "cc -std=c11 -Wall -Wextra -Werror '$here/consumer.c' -o '$scratch/shared' \$(pkg-config --cflags --libs keel)"
check "which runs" "$scratch/shared"
check "pkg-config and a program linked statically" \
    sh -c "cc -std=c11 -static '$here/consumer.c' -o '$scratch/static' \$(pkg-config --static --cflags --libs keel)"
check "which runs without a library beside it" env -u LD_LIBRARY_PATH "$scratch/static"
check "the command keel runs without a library beside it" \
    sh -c "env -u LD_LIBRARY_PATH '$prefix/bin/keel' --version | grep -q '^keel [0-9]'"
check "a C++ program" \
    sh -c "c++ -std=c++17 -Wall -Wextra -Werror -x c++ '$here/consumer.c' -x none -o '$scratch/cpp' \$(pkg-config --cflags --libs keel)"
check "which runs as well" "$scratch/cpp"
# Fields by name are standard C++ from C++20 on; before, the macros must not be complained of.
for standard in c++17 c++20; do
    check "a supervised server in $standard" \
        sh -c "c++ -std=$standard -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror '$here/consumer.cpp' -o '$scratch/$standard' \$(pkg-config --cflags --libs keel)"
    check "which is started anew after its end" sh -c "'$scratch/$standard' | grep -qx good"
done

check "the test kit is a library of its own, linked with the shared one" \
    sh -c "cc -std=c11 -Wall -Wextra -Werror '$here/kit_consumer.c' -o '$scratch/kit' \$(pkg-config --cflags --libs keel-test)"
check "it runs a virtual hour" "$scratch/kit"
check "the seams between the two carry their release" \
    sh -c "readelf -W --dyn-syms '$LD_LIBRARY_PATH/libkeel-test.so' | grep -q 'keel_extend_simulate@KEEL_EXTEND_0_1'"
check "a statically linked test" \
    sh -c "cc -std=c11 -static '$here/kit_consumer.c' -o '$scratch/kit-static' \$(pkg-config --static --cflags --libs keel-test)"
check "which runs too" env -u LD_LIBRARY_PATH "$scratch/kit-static"
check "a test in C++" \
    sh -c "c++ -std=c++17 -Wall -Wextra -Werror -x c++ '$here/kit_consumer.c' -x none -o '$scratch/kit-cpp' \$(pkg-config --cflags --libs keel-test)"
check "which runs as well" "$scratch/kit-cpp"

if command -v cmake >/dev/null; then
    check "CMake finds the package" cmake -S "$here" -B "$scratch/cmake" "-DCMAKE_PREFIX_PATH=$prefix"
    check "and builds programs with either library" cmake --build "$scratch/cmake"
    check "the one with the shared library runs" "$scratch/cmake/consumer"
    check "the one with the static library runs" env -u LD_LIBRARY_PATH "$scratch/cmake/consumer-static"
    check "the test of the test kit runs" "$scratch/cmake/kit-consumer"
    check "it refuses whoever asks for another minor release" \
        sh -c "! cmake -S '$here' -B '$scratch/cmake-other' '-DCMAKE_PREFIX_PATH=$prefix' -DKEEL_WANTED=0.2"
    # A package that was built elsewhere and moved here.
    mv "$prefix" "$scratch/moved"
    check "CMake finds it after the prefix was moved" \
        cmake -S "$here" -B "$scratch/cmake-moved" "-DCMAKE_PREFIX_PATH=$scratch/moved"
    check "and builds with it" cmake --build "$scratch/cmake-moved"
    mv "$scratch/moved" "$prefix"
else
    echo "ok - CMake # SKIP no cmake"
fi
finish
