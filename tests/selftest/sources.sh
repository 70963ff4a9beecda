# Checks that read sources.

rooms() { python3 scripts/rooms.py "$fixtures/rooms"; }
red "an include from upstairs" "upstairs.c:3: proc/proc.h: term may not use proc" rooms
red "an include past a face" "upstairs.c:2: base/secret.h: private to base" rooms
red "the harness outside a test" "upstairs.c:4: testing/harness.h: the harness is for tests" rooms
red "an include of no header" "upstairs.c:5: keel/none.h: there is no such public header" rooms
red "a source without a test" "src/term/upstairs.c has no upstairs_test.c" rooms
red "a room without a README" "not ok - term has a README.md" rooms

if command -v clang-format >/dev/null; then
    red "a crooked file" "crooked.c is formatted" scripts/format.sh "$fixtures/format/crooked.c"
else
    echo "ok - a crooked file # SKIP no clang-format"
fi

mistakes() { python3 scripts/mistakes.py "$1"; }
red "empty parentheses" "careless.c:5: int careless()" mistakes "$fixtures/mistakes"
red "a body without braces" "# src/base/careless.c:9" mistakes "$fixtures/mistakes"
red "an else without braces" "# src/base/careless.c:13" mistakes "$fixtures/mistakes"
red "a type that ends in _t" "careless.c:1: struct careless_t" mistakes "$fixtures/mistakes"
red "a test that sleeps" "careless_test.c:3" mistakes "$fixtures/mistakes"
# Made here, since these would be mistakes of the fixture's own.
mkdir -p "$scratch/mistakes"
echo "see /ho""me/someone/notes" >"$scratch/mistakes/place.md"
echo "get it from py""pi.org" >"$scratch/mistakes/host.md"
echo "// TO""DO: the rest" >"$scratch/mistakes/later.c"
red "a place of one machine" "place.md:1" mistakes "$scratch/mistakes"
red "the host of a registry" "host.md:1" mistakes "$scratch/mistakes"
red "work left for later" "later.c:1" mistakes "$scratch/mistakes"

budget() { python3 scripts/budget.py "$scratch/budget"; }
mkdir -p "$scratch/budget/src/base"
seq -f '// line %g' 801 >"$scratch/budget/src/base/long.c"
{
    printf 'int endless(void)\n{\n'
    seq -f '    step(%g);' 61
    printf '}\n'
} >"$scratch/budget/src/base/function.c"
red "a file of 801 lines" "src/base/long.c: 801 lines" budget
red "a function of 61 lines" "function.c:1: endless: 61 lines" budget
echo "// Longer than 800 lines because it is a fixture." >>"$scratch/budget/src/base/long.c"
sed -i '1i // Longer than 60 lines because it is a fixture.' "$scratch/budget/src/base/function.c"
green "what says why it is long" budget

misuse() { python3 scripts/misuse.py "$scratch/misuse"; }
mkdir -p "$scratch/misuse/include/keel" "$scratch/misuse/tests/misuse" \
    "$scratch/misuse/src/base" "$scratch/misuse/scripts"
cat >"$scratch/misuse/include/keel/boat.h" <<'HEADER'
KEEL_API void keel_boat_row(int oars);
#define keel_boat_row_hard(n) keel_boat_row(2 * (n))
static inline int keel_boat_oars(void)
{
    return 2;
}
HEADER
echo 'HARMLESS(keel_boat_row_hard(-1));' >"$scratch/misuse/tests/misuse/boat_test.c"
echo 'keel_boat_row(1); // keel_boat_oars is only spoken of' >"$scratch/misuse/src/base/boat_test.c"
red "a public function without a row of misuse" "keel_boat_oars of include/keel/boat.h has no row" misuse
red "a public function that no test names" "keel_boat_oars of include/keel/boat.h is named in no test" misuse
echo 'keel_boat_oars();' >>"$scratch/misuse/src/base/boat_test.c"
echo 'keel_boat_oars: it takes nothing and knows nothing' >"$scratch/misuse/scripts/misuse_excused.txt"
green "a public function that is excused" misuse
echo 'keel_boat_row:' >>"$scratch/misuse/scripts/misuse_excused.txt"
red "an excuse for what has a row" "keel_boat_row is excused and has a row" misuse
red "an excuse without a reason" "keel_boat_row is excused without a reason" misuse
