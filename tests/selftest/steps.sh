# The counting of ./test itself.

# counted LINES: runs a step of these lines as ./test does and prints the total. In a shell of
# its own: bash forgets `set -e` inside of whatever is part of a condition, as all is in here.
counted() {
    mkdir -p "$scratch/results"
    cat >"$scratch/counted.sh" <<SCRIPT
set -euo pipefail
results=$scratch/results
. scripts/steps.sh
fixture() {
    $1
}
run_step fixture fixture
print_total
SCRIPT
    bash "$scratch/counted.sh"
}

green "the count of a good step" counted "echo ok - one; echo ok - two '# SKIP' no luck"
red "the count of a bad result" "1 passed, 1 failed" counted "echo ok - one; echo not ok - two"
red "a step that breaks without a word" "0 passed, 1 failed" counted "echo half done; exit 3"
red "a step whose command fails halfway" "0 passed, 1 failed" counted "false; echo ok - never"
red "a step that checks nothing" "fixture checked nothing" counted "true"
