# How ./test runs its steps and counts. A step is a command that prints TAP; what it prints
# goes to a file of the step's name, one line to the terminal says how it went. Sourced by
# bash; the caller sets `results`, a folder.

# count PATTERN FILE...
count() {
    local pattern=$1
    shift
    cat "$@" 2>/dev/null | grep -cE "$pattern" || true
}

bad_lines='^not ok\b'
skipped_lines='^ok\b.*# SKIP'
good_lines='^ok\b'

# run_step NAME COMMAND...
# The command runs in a subshell with `set -e`. A step that ends badly without saying what, or
# that says nothing at all, is itself one failure.
run_step() {
    local name=$1 start=$SECONDS code file=$results/$1.tap
    shift
    set +e
    (
        set -e
        trap 'times >"$results/$name.times"' EXIT
        "$@"
    ) >"$file" 2>&1 </dev/null
    code=$?
    set -e
    if [ "$code" -ne 0 ] && [ "$(count "$bad_lines" "$file")" -eq 0 ]; then
        echo "not ok - $name ended with exit code $code" >>"$file"
    elif [ "$(count "$good_lines|$bad_lines" "$file")" -eq 0 ] && [ -z "${nothing_is_fine-}" ]; then
        echo "not ok - $name checked nothing" >>"$file"
    fi
    report_step "$name" "$((SECONDS - start))"
}

# One printf, so that lines of two steps that end together do not mix.
report_step() {
    local file=$results/$1.tap good bad skipped text
    good=$(count "$good_lines" "$file")
    bad=$(count "$bad_lines" "$file")
    skipped=$(count "$skipped_lines" "$file")
    text=$(printf '%-14s %5d passed %4d failed %4d skipped %5d s %6d s cpu' \
        "$1" "$((good - skipped))" "$bad" "$skipped" "$2" "$(processor_seconds "$results/$1.times")")
    if [ "$bad" -gt 0 ]; then
        text+=$'\n'$(failures_of "$file" | sed 's/^/    /')
    fi
    printf '%s\n' "$text"
}

# What `times` of the shell printed, such as "1m2.345s", summed up.
processor_seconds() {
    tr ' ' '\n' <"$1" | awk -F '[ms]' '{ sum += $1 * 60 + $2 } END { printf "%d", sum }'
}

# The bad results of a file with the lines that explain them. Of a step that broke, the lines
# before it do.
failures_of() {
    if grep -qE '^not ok - .* ended with exit code [0-9]+$' "$1"; then
        tail -n 60 "$1"
    else
        awk '/^not ok/ { show = 1; lines = 0 } /^ok/ || /^1\.\./ { show = 0 }
             show && lines++ < 60' "$1"
    fi
}

# The last line of all: "N passed, N failed", and ", N skipped" when any. Fails when any did.
print_total() {
    local good bad skipped
    good=$(count "$good_lines" "$results"/*.tap)
    bad=$(count "$bad_lines" "$results"/*.tap)
    skipped=$(count "$skipped_lines" "$results"/*.tap)
    printf '%d passed, %d failed' "$((good - skipped))" "$bad"
    if [ "$skipped" -gt 0 ]; then
        printf ', %d skipped' "$skipped"
    fi
    printf '\n'
    [ "$bad" -eq 0 ] && [ "$good" -gt 0 ]
}
