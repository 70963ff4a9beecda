#!/usr/bin/env python3
"""The systems of docs/seeds.md: each row's files exist, each has its test, and the lines of C
are as told. A line counts, on both sides by the same rule, when it says something: not blank ones, comments and
documentation, nor what is only a brace, a bracket or an `end`, nor what only brings in another file or module
(#include and the guard around a header; use, require, import, alias).

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
EVERY = re.compile(r"^\| \*\*the same, every line with code\*\* \| \| \*\*(\d+)\*\* \| \| \*\*(\d+)")
LINK = re.compile(r"\]\(([^)]+)\)")


CLOSING = re.compile(r"(?:end\b|[][{}(),;\s])*")
C_BRINGS_IN = re.compile(r"#\s*(?:include\b|ifndef \w+_H$|define \w+_H$|endif$)")
ELIXIR_BRINGS_IN = re.compile(r"(?:use|require|import|alias)\b")


def count(lines, brings_in):
    stripped = (line.strip() for line in lines)
    return sum(not CLOSING.fullmatch(line) and not brings_in.match(line) for line in stripped)


def c_code(path):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.S).splitlines()


def c_lines(path):
    return count(c_code(path), C_BRINGS_IN)


def every_c_line():
    """Of the systems with an original: braces and all."""
    paths = [path for _, row in rows() if row["elixir"] != "none" for path in files_of(row["files"])]
    return sum(bool(line.strip()) for path in paths for line in c_code(path))


def elixir_code(text, module):
    """Of the last module of that name: examples grow in these documents."""
    start = text.rindex(f"defmodule {module} do")
    indent = start - text.rindex("\n", 0, start) - 1
    end = re.compile(rf"^{' ' * indent}end\b", re.M).search(text, start).end()
    code = re.sub(r'@(?:module)?doc\s+""".*?"""', "", text[start:end], flags=re.S)
    return [re.sub(r"(^|\s)#(?!\{).*", "", line).strip() for line in code.splitlines()]


def rows():
    for number, line in enumerate(PAGE.read_text().splitlines()):
        match = ROW.match(line)
        if match and not match["elixir"].startswith(("-", "Elixir", "**")):
            yield number, match


def files_of(cell):
    return [(PAGE.parent / link).resolve() for link in LINK.findall(cell)]


def elixir_of(seeds, cell):
    name, _, modules = cell.partition(": ")
    text = next(seeds.glob(name.strip("`") + "*")).read_text(errors="replace")
    return [line for module in modules.split(", ") for line in elixir_code(text, module.strip("` "))]


def write(seeds):
    lines = PAGE.read_text().splitlines()
    elixir_sum = elixir_every = c_sum = 0
    for number, row in rows():
        c = sum(map(c_lines, files_of(row["files"])))
        elixir = row["elixir"]
        if elixir != "none" and seeds:
            code = elixir_of(seeds, row["seed"])
            elixir = str(count(code, ELIXIR_BRINGS_IN))
            elixir_every += sum(map(bool, code))
        ratio = "" if elixir == "none" else f"{c / int(elixir):.2f}"
        if elixir != "none":
            elixir_sum, c_sum = elixir_sum + int(elixir), c_sum + c
        lines[number] = (f"| {row['what']} | {row['seed']} | {elixir} | {row['files']} | {c} |"
                         f" {row['test']} | {ratio or '-'} |")
    for number, line in enumerate(lines):
        if line.startswith("| **all"):
            lines[number] = (f"| **all with an original** | | **{elixir_sum}** | | **{c_sum}** | |"
                             f" **{c_sum / elixir_sum:.2f}** |")
        elif EVERY.match(line):
            every, c_every = elixir_every or int(EVERY.match(line)[1]), every_c_line()
            lines[number] = (f"| **the same, every line with code** | | **{every}** | | **{c_every}** | |"
                             f" **{c_every / every:.2f}** |")
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
    told = next(int(match[2]) for match in map(EVERY.match, PAGE.read_text().splitlines()) if match)
    tap.result(told == every_c_line(), f"every line with code: {told} are told", [f"there are {every_c_line()}"])
    tap.finish()


if "--write" in sys.argv:
    folder = sys.argv[sys.argv.index("--write") + 1:]
    write(pathlib.Path(folder[0]) if folder else None)
else:
    check()
