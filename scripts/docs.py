#!/usr/bin/env python3
"""The documentation is executed: every ```c block that has a main function is compiled as a
user would, against the installed headers and library, and run; what a ```text block right
after it shows must be what it prints. Links between the documents must lead somewhere.
docs.py PREFIX [FILE...]: PREFIX as `meson install` left it."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import tap

BLOCK = re.compile(r"^```c\n(.*?)^```\n(?:\n*(?:[^\n]*\n)?\n*```text\n(.*?)^```)?", re.S | re.M)
PACKAGES = {"keel-test": "<keel/testing.h>", "keel-tls": "<keel/tls.h>", "keel-web": "<keel/web/", "keel-parts": "<keel/parts/"}
LINK = re.compile(r"\]\(([^)#\s]+)")


def compile_and_run(code, prefix, scratch):
    """Returns what went wrong, or None, and what the program printed."""
    source, program = scratch / "example.c", scratch / "example"
    source.write_text(code)
    environment = {**os.environ, "PKG_CONFIG_PATH": str(next(prefix.rglob("pkgconfig"))),
                   "PKG_CONFIG_SYSROOT_DIR": str(prefix)}  # as it was installed: below a DESTDIR
    package = next((name for name, header in PACKAGES.items() if header in code), "keel")
    flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", package],
                                    env=environment, text=True).split()
    library = next(prefix.rglob("libkeel.so"))
    built = subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", source, "-o", program, *flags],
                           capture_output=True, text=True)
    if built.returncode:
        return built.stderr, ""
    try:
        ran = subprocess.run([program], capture_output=True, text=True, timeout=120,
                             env={**environment, "LD_LIBRARY_PATH": str(library.parent)})
    except subprocess.TimeoutExpired:
        return "still running after 120 s", ""
    if ran.returncode:
        return f"ended with exit code {ran.returncode}\n{ran.stdout}{ran.stderr}", ran.stdout
    return None, ran.stdout


def check_examples(document, text, prefix):
    for match in BLOCK.finditer(text):
        code, expected = match[1], match[2]
        if not re.search(r"^int main\(", code, re.M):
            continue
        line = text.count("\n", 0, match.start()) + 1
        with tempfile.TemporaryDirectory() as scratch:
            problem, printed = compile_and_run(code, prefix, pathlib.Path(scratch))
        if problem is None and expected is not None and printed.strip() != expected.strip():
            problem = f"expected:\n{expected}printed:\n{printed}"
        tap.result(problem is None, f"{document}:{line}: the program compiles, runs and prints what is told",
                   (problem or "").splitlines())


def check_links(path, document, text):
    prose = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    broken = [link for link in LINK.findall(prose)
              if "://" not in link and not link.startswith("mailto:") and not (path.parent / link).exists()]
    tap.result(not broken, f"{document}: links lead somewhere", broken)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    prefix = pathlib.Path(sys.argv[1]).resolve()
    paths = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    paths = paths or sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("src/*/*.md"),
                             *root.glob("examples/**/*.md"), *root.glob("bench/*.md")])
    for path in paths:
        text = path.read_text()
        document = os.path.relpath(path, root)
        check_examples(document, text, prefix)
        check_links(path, document, text)
    tap.finish()


main()
