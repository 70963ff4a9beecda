#!/usr/bin/env python3
"""The manual pages in docs/man have their sections in one order, a behaviour's page all of
them; they and docs/rosetta.md name only what the public headers declare; and whatever a
behaviour's header says is OTP's or Elixir's stands in docs/rosetta.md. manual.py [ROOT]"""

import pathlib
import re
import sys

import tap

SECTIONS = ["What it is", "Smallest example", "Client and server", "Supervising it", "Naming", "Timeouts",
            "When not to use it", "Debugging", "See also"]
ALWAYS = ["What it is", "Smallest example", "When not to use it", "See also"]
NAME = re.compile(r"\b(?:keel|KEEL)_[A-Za-z0-9_]*[A-Za-z0-9](?![A-Za-z0-9_…])")
# A doc comment, and what is declared right behind it.
DECLARATION = re.compile(r"((?:^///.*\n)+)((?:^(?!///|$).*\n){1,4})", re.M)
PAGES = ["agent", "application", "dynamic_supervisor", "gen_server", "gen_statem", "partition_supervisor", "pubsub",
         "registry", "supervisor", "task", "tracker"]
BEHAVIOURS = [*PAGES, "request", "sys", "task_stream", "task_supervisor"]


def check_page(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.S | re.M)
    title = re.search(r"^# (.*)$", text, re.M)
    found = re.findall(r"^## (.*)$", text, re.M)
    # What is no behaviour, such as a function that tries again, has no name and no supervisor.
    expected = SECTIONS if path.stem in PAGES else [name for name in SECTIONS if name in found or name in ALWAYS]
    tap.result(title and title[1] == path.stem and found == expected,
               f"{path.name} has a title and the sections of a manual page",
               [f"found: {title and title[1]}: {', '.join(found)}", f"expected: {', '.join(expected)}"])


def check_names(path, declared):
    unknown = sorted(set(NAME.findall(path.read_text())) - declared)
    tap.result(not unknown, f"{path.name} names what the headers declare", unknown)


def check_listed(pages, index):
    text = index.read_text()
    missing = [page.name for page in pages if f"](man/{page.name})" not in text]
    tap.result(not missing, "docs/README.md lists every manual page", missing)


def check_translated(headers, rosetta):
    """Each function that tells its name in OTP or Elixir, the first of its declaration; the
    behaviours must have them all, of others it is told."""
    missing = []
    for path in sorted(headers.glob("*.h")):
        for comment, declaration in DECLARATION.findall(path.read_text()):
            function = re.search(r"\b(keel_[a-z0-9_]+)\s*\(", declaration)
            if not function or not re.search(r"\b(OTP|Elixir): ", comment):
                continue
            # A function of terms stands behind a macro that is told of in its place.
            plain = re.sub(r"_(term|opt|named)$", "", function[1])
            if not re.search(rf"\b{plain}\b", rosetta):
                if path.stem in BEHAVIOURS:
                    missing.append(f"{path.name}: {function[1]}")
                else:
                    tap.note(f"not in docs/rosetta.md: {path.name}: {function[1]}")
    tap.result(not missing, "docs/rosetta.md has what the behaviours' headers call by OTP's names", missing)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parent.parent
    headers = root / "include" / "keel"
    declared = set(NAME.findall("\n".join(path.read_text() for path in headers.rglob("*.h"))))
    statuses = (headers / "status.def").read_text()
    declared |= {f"KEEL_E_{name}" for name in re.findall(r"^KEEL_STATUS\((\w+)", statuses, re.M)}
    pages = sorted((root / "docs" / "man").glob("*.md"))
    rosetta = root / "docs" / "rosetta.md"
    for page in pages:
        check_page(page)
    for page in [*pages, rosetta]:
        check_names(page, declared)
    check_listed(pages, root / "docs" / "README.md")
    check_translated(headers, rosetta.read_text())
    tap.finish()


main()
