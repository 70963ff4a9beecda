#!/usr/bin/env python3
"""The systems of docs/seeds.md: each row's files exist, each has its test, and the lines of C
are as told. Lines are those with code: no blank ones, no comments, no documentation.

    seeds.py                    checks
    seeds.py --write [SEEDS]    writes the lines of C, and with the folder of the seed documents
                                those of Elixir as well, and the sums"""

import pathlib
import re
import sys

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "seeds.md"
ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<seed>[^|]+) \| (?P<elixir>[^|]+) \| (?P<files>[^|]+) \|"
                 r" (?P<c>[^|]+) \| (?P<test>[^|]+) \| (?P<ratio>[^|]+) \|$")
LINK = re.compile(r"\]\(([^)]+)\)")


def c_lines(path):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.S)
    return sum(bool(line.strip()) for line in text.splitlines())


def elixir_lines(text, module):
    """Of the last module of that name: examples grow in these documents."""
    start = text.rindex(f"defmodule {module} do")
    indent = start - text.rindex("\n", 0, start) - 1
    end = re.compile(rf"^{' ' * indent}end\b", re.M).search(text, start).end()
    code = re.sub(r'@(?:module)?doc\s+""".*?"""', "", text[start:end], flags=re.S)
    lines = (re.sub(r"(^|\s)#(?!\{).*", "", line).strip() for line in code.splitlines())
    return sum(bool(line) for line in lines)


def rows():
    for number, line in enumerate(PAGE.read_text().splitlines()):
        match = ROW.match(line)
        if match and not match["elixir"].startswith(("-", "Elixir", "**")):
            yield number, match


def files_of(cell):
    return [(PAGE.parent / link).resolve() for link in LINK.findall(cell)]


def count_elixir(seeds, cell):
    name, _, modules = cell.partition(": ")
    text = next(seeds.glob(name.strip("`") + "*")).read_text(errors="replace")
    return sum(elixir_lines(text, module.strip("` ")) for module in modules.split(", "))


def write(seeds):
    lines = PAGE.read_text().splitlines()
    elixir_sum = c_sum = 0
    for number, row in rows():
        c = sum(map(c_lines, files_of(row["files"])))
        elixir = row["elixir"]
        if elixir != "none" and seeds:
            elixir = str(count_elixir(seeds, row["seed"]))
        ratio = "" if elixir == "none" else f"{c / int(elixir):.2f}"
        if elixir != "none":
            elixir_sum, c_sum = elixir_sum + int(elixir), c_sum + c
        lines[number] = (f"| {row['what']} | {row['seed']} | {elixir} | {row['files']} | {c} |"
                         f" {row['test']} | {ratio or '-'} |")
    for number, line in enumerate(lines):
        if line.startswith("| **all"):
            lines[number] = (f"| **all with an original** | | **{elixir_sum}** | | **{c_sum}** | |"
                             f" **{c_sum / elixir_sum:.2f}** |")
    PAGE.write_text("\n".join(lines) + "\n")


def check():
    for _, row in rows():
        files, tests = files_of(row["files"]), files_of(row["test"])
        missing = [str(path) for path in files + tests if not path.exists()]
        told = int(row["c"])
        counted = sum(c_lines(path) for path in files if path.exists())
        tap.result(not missing and files and tests, f"{row['what']}: its files and its test are there", missing)
        tap.result(told == counted, f"{row['what']}: {told} lines of C are told",
                   [f"it has {counted}; scripts/seeds.py --write counts anew"])
    tap.finish()


if "--write" in sys.argv:
    folder = sys.argv[sys.argv.index("--write") + 1:]
    write(pathlib.Path(folder[0]) if folder else None)
else:
    check()
