# Test cases that are bad, under each of the ways test cases are run.

# program NAME COMPILER FLAGS...: builds cases.c and a folder that run_tests.py takes for a
# build directory
program() {
    local folder=$scratch/$1 compiler=$2
    shift 2
    mkdir -p "$folder"
    "$compiler" -g -D_GNU_SOURCE -Isrc -pthread "$@" "$fixtures/cases.c" src/testing/harness.c \
        -o "$folder/cases"
    cat >"$folder/tests.json" <<JSON
[{"name": "selftest", "suite": ["unit", "seeded"], "cmd": ["$folder/cases"], "env": {}, "timeout": 60}]
JSON
}

run_case() {
    local folder=$scratch/$1
    shift
    python3 scripts/run_tests.py "$folder" --suite unit "$@"
}

program plain gcc
green "the runner on a good case" run_case plain "a good case"
red "a failing unit test" "zero is 0, expected 1" run_case plain "a wrong number"
red "a crashing unit test" "ended by signal 6 (Aborted)" run_case plain "a crash"

run_seeds() {
    python3 scripts/run_tests.py "$scratch/plain" --suite seeded "$@"
}
red "a bad seed among 200" "failed with --seed 137" run_seeds --seeds 200
red "the replay of the bad seed" "failed with --seed 137" run_seeds --seed 137
green "the replay of another seed" run_seeds --seed 138

if command -v clang >/dev/null; then
    program asan clang -fsanitize=address,undefined -fno-sanitize-recover=all
    program tsan clang -fsanitize=thread
    wrapper=$(fixed_addresses)
    green "a good case under AddressSanitizer" run_case asan --wrapper "$wrapper" "a good case"
    red "a use after free under AddressSanitizer" "heap-use-after-free" \
        run_case asan --wrapper "$wrapper" "a use after free"
    red "a leak under LeakSanitizer" "LeakSanitizer: detected memory leaks" \
        run_case asan --wrapper "$wrapper" "a leak"
    red "an overflow under UndefinedBehaviorSanitizer" "signed integer overflow" \
        run_case asan --wrapper "$wrapper" "an overflow"
    green "a good case under ThreadSanitizer" run_case tsan --wrapper "$wrapper" "a good case"
    red "a race under ThreadSanitizer" "ThreadSanitizer: data race" \
        run_case tsan --wrapper "$wrapper" "a race"
    clang -g -fsanitize=fuzzer,address "$fixtures/letter_fuzz.c" -o "$scratch/letter_fuzz"
    red "an input that crashes a fuzz target" "deadly signal" \
        scripts/fuzz.sh 60 "$scratch/letter_fuzz"
else
    echo "ok - bad cases under sanitizers # SKIP no clang"
fi
if command -v valgrind >/dev/null; then
    red "a decision on unwritten memory under valgrind" "ended with exit code 99" \
        run_case plain --wrapper "valgrind --quiet --error-exitcode=99" "a decision"
    red "a leak under valgrind" "ended with exit code 99" run_case plain --wrapper \
        "valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite" \
        "a leak"
else
    echo "ok - bad cases under valgrind # SKIP no valgrind"
fi
