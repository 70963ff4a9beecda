#!/usr/bin/env python3
"""misuse.py [ROOT]: every public function, declared with KEEL_API or written in a header, has
a row in the table of misuse (tests/misuse) or a line in scripts/misuse_excused.txt that says
why it needs none; and each is named in some test. A name counts that a test writes, and
those that a public macro or inline function it writes becomes."""

import pathlib
import re
import sys

import tap

NAME = re.compile(r"\b(?:keel|KEEL)_\w+")
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)((?:[^\n]*\\\n)*[^\n]*)", re.M)
INLINE = re.compile(r"static inline[^;{(]*?\b(keel_\w+)\s*\([^;{]*\)\s*\{(.*?)^\}", re.M | re.S)


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def read_headers(root):
    """What the headers declare (name: header), and what their macros and inline functions
    become (name: names)."""
    declared, becomes = {}, {}
    for path in sorted((root / "include").rglob("*.h")):
        text = without_comments(path.read_text())
        for declaration in re.findall(r"\bKEEL_API\b([^;{]*)", text):
            name = re.search(r"\b(keel_[a-z0-9_]+)\s*\(", declaration)
            if name:
                declared[name[1]] = path.relative_to(root)
        bodies = MACRO.findall(text)
        for name, body in INLINE.findall(text):
            if not name.endswith("_"):
                declared[name] = path.relative_to(root)
            bodies.append((name, body))
        for name, body in bodies:
            becomes.setdefault(name, set()).update(NAME.findall(body))
    return declared, becomes


def reached(paths, becomes):
    """All names that the sources write, and what they become."""
    todo = set()
    for path in paths:
        todo.update(NAME.findall(without_comments(path.read_text())))
    seen = set()
    while todo:
        name = todo.pop()
        seen.add(name)
        todo |= becomes.get(name, set()) - seen
    return seen


def read_excused(root):
    """Lines "name: why"."""
    path = root / "scripts" / "misuse_excused.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = [line.split(":", 1) for line in lines if line.strip() and not line.startswith("#")]
    return {pair[0].strip(): pair[1].strip() if len(pair) > 1 else "" for pair in pairs}


def tests_under(root):
    folders = [root / name for name in ("src", "tests", "examples", "apps")]
    return [path for folder in folders for path in sorted(folder.rglob("*.c*"))
            if "selftest" not in path.parts and
            (folder.name == "tests" or path.stem.endswith(("_test", "_testing", "_fixture")))]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parent.parent
    declared, becomes = read_headers(root)
    excused = read_excused(root)

    misused = reached(sorted((root / "tests" / "misuse").glob("*_test.c")), becomes)
    details = [f"{name} of {declared[name]} has no row in tests/misuse" for name in sorted(declared)
               if name not in misused and name not in excused]
    details += [f"{name} is excused and has a row" for name in excused if name in misused]
    details += [f"{name} is excused without a reason" for name in excused if not excused[name]]
    details += [f"{name} is excused and is no function" for name in excused if name not in declared]
    tap.result(not details, f"misuse of all {len(declared)} public functions is tried, or excused", details)

    # A row of misuse alone does not show what a function is for.
    named = reached([path for path in tests_under(root) if path.parent.name != "misuse"], becomes)
    details = [f"{name} of {declared[name]} is named in no test" for name in sorted(declared)
               if name not in named]
    tap.result(not details, "every public function is named in a test besides", details)
    tap.finish()


main()
