# Checks of documents and of the conformance lines.

meson install -C build/release --no-rebuild --quiet
documents() { python3 scripts/docs.py build/prefix "$fixtures/docs/broken.md"; }
red "an example that does not compile" "keel_no_such_function" documents
red "an example that ends badly" "ended with exit code 3" documents
red "an example that prints something else" "# two" documents
red "a link to nowhere" "# nowhere.md" documents

mkdir "$scratch/manual"
cp -r include docs "$scratch/manual"
manual() { python3 scripts/manual.py "$scratch/manual"; }
green "a manual of names that exist" manual
cp "$scratch/manual/docs/man/agent.md" "$scratch/manual/docs/man/nobody.md"
red "a manual page that nobody finds" "# nobody.md" manual
rm "$scratch/manual/docs/man/nobody.md"
echo 'And `keel_no_such_thing`.' >>"$scratch/manual/docs/man/agent.md"
red "a manual page with a name that nobody declares" "# keel_no_such_thing" manual
sed -i 's/^## Naming$/## Names/' "$scratch/manual/docs/man/task.md"
red "a manual page with other sections" "found: task: What it is" manual
sed -i 's/keel_multi_call/keel_call/' "$scratch/manual/docs/rosetta.md"
red "a function that nobody has translated" "request.h: keel_multi_call" manual

# rosetta CHANGE: the page after a change by sed
rosetta() {
    sed "$1" docs/rosetta.md >"$scratch/rosetta.md"
    python3 scripts/rosetta.py "$scratch/rosetta.md"
}
red "a function of a library without a row" "# broadcast/4" rosetta 's/`broadcast\/3,4`/`broadcast\/3`/'
red "a row that gives nothing" "# | \`GenServer.cast/2\`" rosetta 's/| `keel_cast` |$/| |/'
if command -v erl >/dev/null; then
    red "a function of Erlang without a row" "# multi_call/4" rosetta 's/gen_server:multi_call\/2,3,4/gen_server:multi_call\/2,3/'
fi
if command -v elixir >/dev/null; then
    red "a function of Elixir without a row" "# find/2" rosetta 's/Task.find\/2/Task.find\/3/'
fi

printf 'ZZ-001\ttesting.harness\ta case\n' >"$scratch/proved.txt"
red "an unknown conformance line" "ZZ-001: testing.harness: a case" \
    python3 scripts/conformance.py "$scratch/proved.txt"

# The page of the seeds beside a system that has grown and another that lost its test.
mkdir "$scratch/seeds"
cp -r scripts docs examples "$scratch/seeds"
seeds() { python3 "$scratch/seeds/scripts/seeds.py"; }
green "a page of seeds that counts right" seeds
echo 'int one_more_line;' >>"$scratch/seeds/examples/counter.c"
red "a system with more lines than are told" "not ok - counter: " seeds
rm "$scratch/seeds/examples/rooms_test.c"
red "a system without its test" "examples/rooms_test.c" seeds
