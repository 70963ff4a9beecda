#!/usr/bin/env python3
"""Which lines of the conformance checklist have a test that ran and passed.

conformance.py PROVED      counts; PROVED is what run_tests.py --ids wrote
conformance.py --missing PROVED   also lists the lines without a test
conformance.py --write FOLDER     keeps the ids of the checklist (FOLDER/*.md) in
                                  docs/conformance/ids.txt, so that counting works without it"""

import pathlib
import re
import sys

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
IDS = ROOT / "docs" / "conformance" / "ids.txt"
LINE = re.compile(r"^- \*\*([A-Z]{2}-\d{3})\*\*", re.M)


def write_ids(folder):
    lines = ["# The ids of the conformance checklist, file by file. Written by scripts/conformance.py."]
    for path in sorted(folder.glob("*.md")):
        lines += [f"{conformance_id} {path.stem}" for conformance_id in LINE.findall(path.read_text())]
    IDS.parent.mkdir(parents=True, exist_ok=True)
    IDS.write_text("\n".join(lines) + "\n")
    print(f"{len(lines) - 1} ids")


def read_ids():
    """File of the checklist by id."""
    return dict(line.split() for line in IDS.read_text().splitlines() if not line.startswith("#"))


def count(proved_path, show_missing):
    file_of = read_ids()
    proved = {}
    for line in pathlib.Path(proved_path).read_text().splitlines():
        conformance_id, program, case = line.split("\t")
        proved.setdefault(conformance_id, []).append(f"{program}: {case}")
    unknown = sorted(set(proved) - set(file_of))
    tap.result(not unknown, "every id that a test names is in the checklist",
               [f"{name}: {proved[name][0]}" for name in unknown])
    total = 0
    for file in dict.fromkeys(file_of.values()):
        ids = [name for name, where in file_of.items() if where == file]
        done = [name for name in ids if name in proved]
        total += len(done)
        tap.note(f"conformance  {file:22} {len(done):4} of {len(ids):4}")
        if show_missing:
            for name in ids:
                if name not in proved:
                    tap.note(f"  missing {name}")
    tap.note(f"conformance  {'total':22} {total:4} of {len(file_of):4}")
    tap.finish()


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--write":
        write_ids(pathlib.Path(arguments[1]))
    elif arguments:
        count(arguments[-1], "--missing" in arguments)
    else:
        sys.exit(__doc__)


main()
