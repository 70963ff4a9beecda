# Test programs that are bad as a whole.

# says SCRIPT...: runs a shell script as if it were a test program
says() {
    mkdir -p "$scratch/script"
    printf '#!/bin/sh\n%s\n' "$1" >"$scratch/script/program"
    chmod +x "$scratch/script/program"
    cat >"$scratch/script/tests.json" <<JSON
[{"name": "selftest", "suite": ["unit"], "cmd": ["$scratch/script/program"], "env": {}, "timeout": 1}]
JSON
    python3 scripts/run_tests.py "$scratch/script"
}

green "the runner on a good program" says "echo 1..1; echo ok 1 - fine"
red "a program that stops before its plan" "1 results where 2 were planned" \
    says "echo 1..2; echo ok 1 - fine"
red "a program without a plan" "0 results where None were planned" says "echo hello"
red "a program that fails without a bad result" "ended with exit code 1 after 0 bad results" \
    says "echo 1..1; echo ok 1 - fine; exit 1"
red "a program with a bad result and a good end" "ended with exit code 0 after 1 bad results" \
    says "echo 1..1; echo not ok 1 - bad"
red "a program that crashes" "ended with exit code -6" says "echo 1..1; echo ok 1 - fine; kill -6 \$\$"
red "a program that hangs" "still running after 1 s" \
    says "echo 1..1; echo ok 1 - fine; exec sleep 60"
