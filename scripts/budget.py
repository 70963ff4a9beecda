#!/usr/bin/env python3
"""How long files and functions are. Past a hard limit a file must say why, in a line that
begins "// Longer than N lines because"; for a function it stands above or inside of it. What is
past a soft limit is only listed. budget.py [ROOT]"""

import pathlib
import re
import sys

import tap

FILE_SOFT, FILE_HARD = 400, 800
HEADER_SOFT = HEADER_HARD = 250
FUNCTION_HARD = 60
REASON = re.compile(r"// Longer than \d+ lines because \S")
FOLDERS = ["src", "include", "apps", "examples"]


def functions_of(lines):
    """Name, first line and length of each function: from a brace in the first column that
    opens a body to the one that closes it."""
    start = None
    for number, line in enumerate(lines):
        if line.rstrip() == "{":
            start = number
        elif line.rstrip() == "}" and start is not None:
            head = start
            while head > 0 and lines[head - 1].strip() and not lines[head - 1].startswith(("}", "#", "//")):
                head -= 1
            name = re.search(r"(\w+)\(", " ".join(lines[head:start]))
            yield (name[1] if name else "?"), head, number - start - 1
            start = None


def reason_near(lines, first, length):
    return any(REASON.search(line) for line in lines[max(0, first - 6):first + length])


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parent.parent
    too_long_files, too_long_functions, listed, files, functions = [], [], [], 0, 0
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.[ch]")):
        lines = path.read_text().splitlines()
        name = str(path.relative_to(root))
        public = name.startswith("include/")
        hard, soft = (HEADER_HARD, HEADER_SOFT) if public else (FILE_HARD, FILE_SOFT)
        files += 1
        if len(lines) > hard and not any(REASON.search(line) for line in lines):
            too_long_files.append(f"{name}: {len(lines)} lines, more than {hard}, without a reason")
        elif len(lines) > soft:
            listed.append(f"{len(lines):5} lines  {name}")
        for function, first, length in functions_of(lines):
            functions += 1
            if length > FUNCTION_HARD and not reason_near(lines, first, length):
                too_long_functions.append(
                    f"{name}:{first + 1}: {function}: {length} lines, more than {FUNCTION_HARD}")
    tap.result(not too_long_files, f"{files} files are within their limits", too_long_files)
    tap.result(not too_long_functions, f"{functions} functions are within {FUNCTION_HARD} lines",
               too_long_functions)
    for line in sorted(listed, reverse=True):
        tap.note(line)
    tap.finish()


main()
