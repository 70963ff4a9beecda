# Checks of documents and of the conformance lines.

meson install -C build/release --no-rebuild --quiet --destdir "$scratch/prefix"
documents() { python3 scripts/docs.py "$scratch/prefix" "$fixtures/docs/broken.md"; }
red "an example that does not compile" "keel_no_such_function" documents
red "an example that ends badly" "ended with exit code 3" documents
red "an example that prints something else" "# two" documents
red "a link to nowhere" "# nowhere.md" documents

printf 'ZZ-001\ttesting.harness\ta case\n' >"$scratch/proved.txt"
red "an unknown conformance line" "ZZ-001: testing.harness: a case" \
    python3 scripts/conformance.py "$scratch/proved.txt"
