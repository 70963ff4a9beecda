#!/usr/bin/env python3
"""House rules that a compiler does not know. mistakes.py [ROOT]: reads every text file that
git knows under ROOT."""

import pathlib
import re
import subprocess
import sys

import tap

# Files that must spell what they forbid or show.
EXEMPT = ["scripts/mistakes.py", "tests/selftest/"]

STRING = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
COMMENT = r"//[^\n]*|/\*.*?\*/"
C_FILES = (".c", ".h")

# name of the rule, which files, what must not be there. Run on the text without comments
# and strings where the flag says so.
LINE_RULES = [
    ("no empty parentheses where a prototype should say (void)", r"\.[ch]$", True,
     r"^[A-Za-z_][\w\s*]*\b\w+\(\)\s*[;{]?\s*$"),
    ("no test waits for things to settle", r"_test\.c$", True, r"\b(u|nano|clock_nano)?sleep\s*\("),
    ("no type ends in _t", r"^(src|include)/.*\.[ch]$", True,
     r"\btypedef\b.*\b\w+_t\s*;|^\s*(struct|union|enum)\s+\w+_t\s*\{|^\}\s*\w+_t\s*;"),
    ("no file names a place of one machine", r"", False,
     r"(?<![\w.$}/])/(work|tmp|home|root|Users)/"),
    ("no file names a package registry or mirror", r"", False,
     r"\b(deb\.debian\.org|pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|"
     r"static\.crates\.io|index\.crates\.io|proxy\.golang\.org|repo\.hex\.pm)\b"),
    ("nothing is left for later", r"", False,
     r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b|\bfor now\b"),
]


def files_of(root):
    """What git tracks or would; in a folder that is no repository of its own, all files."""
    if (root / ".git").exists():
        names = subprocess.check_output(
            ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"],
            text=True).split("\n")
        paths = [root / name for name in names if name]
    else:
        paths = [path for path in root.rglob("*") if path.is_file()]
    return sorted(path for path in paths if path.is_file())


def blank(match):
    """Keeps the lines, drops the text."""
    return re.sub(r"[^\n]", " ", match[0])


def without_comments_and_strings(text):
    return re.sub(f"({STRING})|{COMMENT}",
                  lambda match: '""' + " " * (len(match[0]) - 2) if match[1] else blank(match),
                  text, flags=re.S)


def closing(text, opening):
    """Where the parenthesis that opens at `opening` closes."""
    depth = 0
    for position in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return len(text) - 1


def missing_braces(text):
    """Lines with an if, else, for, while or do whose body has no braces."""
    for match in re.finditer(r"\b(if|for|while|else|do)\b", text):
        word, rest_at = match[1], match.end()
        line_start = text.rfind("\n", 0, match.start()) + 1
        if text[line_start:match.start()].lstrip().startswith("#"):
            continue
        if word in ("if", "for", "while"):
            opening = re.compile(r"\s*\(").match(text, rest_at)
            if not opening:
                continue
            rest_at = closing(text, opening.end() - 1) + 1
        rest = text[rest_at:].lstrip(" \t\n\\")
        ends_do = word == "while" and text[:match.start()].rstrip(" \t\n\\").endswith("}")
        if rest.startswith("{") or (word == "else" and re.match(r"if\b", rest)):
            continue
        if ends_do:
            continue
        yield text.count("\n", 0, match.start()) + 1


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = {name: [] for name, *_ in LINE_RULES}
    braceless = []
    for path in files_of(root):
        name = str(path.relative_to(root))
        if any(name.startswith(exempt) for exempt in EXEMPT):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # not text
        bare = without_comments_and_strings(text) if path.suffix in C_FILES else text
        for rule, names, wants_bare, pattern in LINE_RULES:
            if re.search(names, name):
                for number, line in enumerate((bare if wants_bare else text).split("\n"), 1):
                    if re.search(pattern, line):
                        found[rule].append(f"{name}:{number}: {line.strip()[:100]}")
        if path.suffix in C_FILES:
            braceless += [f"{name}:{number}" for number in missing_braces(bare)]
    for rule, places in found.items():
        tap.result(not places, rule, places)
    tap.result(not braceless, "every body of an if, else, for, while or do has braces", braceless)
    tap.finish()


main()
