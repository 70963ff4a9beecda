# Building: a warning is an error.

broken_build() {
    cp -r "$fixtures/build" "$scratch/build-fixture"
    mkdir -p "$scratch/in"
    (cd "$scratch/in" && build_in warning "$scratch/build-fixture")
}
red "a build with a warning" "unused variable" broken_build
