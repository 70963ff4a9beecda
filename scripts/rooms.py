#!/usr/bin/env python3
"""Who may include whom. A file may include its own room, the face of rooms below it
(src/<room>/<room>.h) and public headers; never another room's private headers and never
anything upstairs. Reads #include lines only. Also: each room has a README.md, and each
source a test beside it or a line in scripts/tested_elsewhere.txt that says where."""

import pathlib
import re
import sys

import tap

# ARCHITECTURE.md draws this table.
MAY_USE = {
    "base": [],
    "term": ["base"],
    "sched": ["base"],
    "proc": ["base", "term", "sched"],
    "otp": ["base"],
    "service": ["base"],
    "parts": [],
    "cluster": ["base", "term", "proc"],
    "tools": [],
    "testing": [],
}
# Outside src: public headers and what lies beside the file.
PUBLIC_ONLY = ["include", "apps", "examples"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
HARNESS = "testing/harness.h"
# What a room's tests share may serve the tests of other rooms: proc/proc_testing.h.
HELPER = re.compile(r"^\w+/\w+_testing\.h$")


def includes_of(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1], match[2]


def sources_under(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".c", ".h", ".S", ".def"))


def objection(root, path, room, bracket, name):
    """Why `path`, a file of `room` (None outside src), may not include `name`; or None."""
    if name.startswith("keel/"):
        return None if (root / "include" / name).exists() else "there is no such public header"
    if bracket == "<":
        return None
    if ".." in pathlib.PurePath(name).parts:
        return "paths start at src or beside the file"
    if (path.parent / name).exists():
        return None
    if room is None:
        return "only public headers and files beside it"
    first = name.split("/")[0]
    if first == room and (root / "src" / name).exists():
        return None
    if name == HARNESS or HELPER.match(name):
        is_test = path.stem.endswith(("_test", "_fixture")) or "testing" in path.stem
        return None if is_test else "the harness is for tests"
    if first not in MAY_USE or "/" not in name:
        return "there is no such file in this room"
    if first not in MAY_USE[room]:
        return f"{room} may not use {first}"
    if name != f"{first}/{first}.h":
        return f"private to {first}; its face is {first}/{first}.h"
    return None


def check_room(root, room, paths):
    details = []
    for path in paths:
        for number, bracket, name in includes_of(path):
            if reason := objection(root, path, room, bracket, name):
                details.append(f"{path.relative_to(root)}:{number}: {name}: {reason}")
    tap.result(not details, f"{room or 'outside src'} includes only what it may", details)


def read_tested_elsewhere(root):
    """Lines "path: where it is tested", both relative to the room."""
    listed = {}
    path = root / "scripts" / "tested_elsewhere.txt"
    if path.exists():
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                source, where = line.split(":", 1)
                listed[source.strip()] = where.strip()
    return listed


def has_test(path):
    """etf_build.c is tested by etf_build_test.c or, being a part of etf, by etf_test.c."""
    words = path.stem.split("_")
    return any(path.with_name("_".join(words[:count]) + "_test.c").exists()
               for count in range(1, len(words) + 1))


def check_tests(root, room, folder, elsewhere):
    details = []
    for path in sorted(folder.rglob("*.c")):
        name = str(path.relative_to(root))
        if path.stem.endswith(("_test", "_fixture", "_testing")):
            continue
        beside = has_test(path)
        if name in elsewhere and beside:
            details.append(f"{name} has a test beside it and a line in tested_elsewhere.txt")
        elif name in elsewhere:
            tests = re.findall(r"\S+_test\.c", elsewhere[name])
            details += [f"{name}: no {test} in this room" for test in tests
                        if not list(folder.rglob(test))]
            if not elsewhere[name]:
                details.append(f"{name} is listed without saying where it is tested")
        elif not beside:
            details.append(f"{name} has no {path.stem}_test.c beside it")
    details += [f"{name} is listed and does not exist" for name in elsewhere
                if name.startswith(f"src/{room}/") and not (root / name).exists()]
    tap.result(not details, f"each source of {room} has its test", details)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parent.parent
    elsewhere = read_tested_elsewhere(root)
    for folder in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        room = folder.name
        paths = sources_under(folder)
        if not paths:
            continue
        if room not in MAY_USE:
            tap.result(False, f"{room} is a room of the house", [f"scripts/rooms.py does not know {room}"])
            continue
        check_room(root, room, paths)
        check_tests(root, room, folder, elsewhere)
        tap.result((folder / "README.md").exists(), f"{room} has a README.md")
    check_room(root, None, [path for name in PUBLIC_ONLY for path in sources_under(root / name)])
    tap.finish()


main()
