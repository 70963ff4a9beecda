# For the checks written in sh: each result is a line of TAP, and the exit code says whether
# one was bad. Sourced, not run.

bad_results=0

# ok NAME
ok() {
    echo "ok - $1"
}

# not_ok NAME [DETAILS]
not_ok() {
    echo "not ok - $1"
    [ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/# /'
    bad_results=$((bad_results + 1))
}

# check NAME COMMAND...: good when the command succeeds; otherwise its output is shown
check() {
    check_name=$1
    shift
    if check_output=$("$@" 2>&1); then
        ok "$check_name"
    else
        not_ok "$check_name" "$check_output"
    fi
}

finish() {
    [ "$bad_results" -eq 0 ]
    exit
}
