# Checks of headers and of what the libraries show.

gcc -shared -fPIC "-I$fixtures/exports/include" "$fixtures/exports/library.c" -o "$scratch/libfixture.so"
exports() { scripts/exports.sh "$fixtures/exports/include" "$scratch/libfixture.so"; }
red "an exported name that is not ours" "# stray" exports
red "an exported name that no header declares" "# keel_only_exported" exports
red "a declared name that is not exported" "# keel_only_declared" exports

if command -v clang >/dev/null; then
    red "a header that does not stand alone" "not ok - fixture.h in c11, gcc" \
        scripts/headers.sh "$fixtures/headers/include"
    red "a header that is no C++" "not ok - only_c.h in c++17, clang" \
        scripts/headers.sh "$fixtures/headers/include"
else
    echo "ok - bad headers # SKIP no clang"
fi

# A library that lost its pkg-config file is not installed well.
cp -r tests/install "$scratch/install-fixture"
sed 's/keel_version()/keel_no_such_function()/' tests/install/consumer.c >"$scratch/install-fixture/consumer.c"
mkdir -p "$scratch/tests" "$scratch/scripts"
mv "$scratch/install-fixture" "$scratch/tests/install"
cp scripts/tap.sh "$scratch/scripts"
broken_consumer() {
    (
        flock 9
        "$scratch/tests/install/run.sh" build/release "$PWD/build/prefix"
    ) 9>build/release.lock
}
red "a program that the installed library cannot serve" \
    "not ok - pkg-config and a program linked with the shared library" broken_consumer
