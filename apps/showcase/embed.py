#!/usr/bin/env python3
"""embed.py OUTPUT_C PATH=FILE...: makes C of the files the showcase serves, showcase_assets[].
Sources are served as plain text."""

import pathlib
import sys

TYPES = {".css": "text/css", ".svg": "image/svg+xml", ".c": "text/plain"}
output, *files = sys.argv[1:]
files = [file.split("=", 1) for file in files]
text = '#include "apps/showcase/showcase.h"\n\n'
for number, (_, name) in enumerate(files):
    data = pathlib.Path(name).read_bytes()
    rows = [", ".join(f"0x{byte:02x}" for byte in data[at:at + 16])
            for at in range(0, len(data), 16)]
    text += f"static const unsigned char file_{number}[] = {{\n    " + ",\n    ".join(rows) + "};\n"
text += "const keel_web_asset showcase_assets[] = {\n"
for number, (path, name) in enumerate(files):
    kind = TYPES[pathlib.Path(name).suffix]
    text += (f'    {{"{path}", "{kind}; charset=utf-8", file_{number}, '
             f"sizeof(file_{number})}},\n")
text += "};\n"
pathlib.Path(output).write_text(text)
