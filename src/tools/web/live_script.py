#!/usr/bin/env python3
"""live_script.py LIVE_JS OUTPUT_C: makes the script that live pages load. Takes morphdom from
npm into a folder of the build, checks that it is the very file we know, and puts its license
in front of it. Without npm, or when it is not reachable, pages work all the same: what has
changed is then replaced instead of patched."""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "morphdom@2.7.8"
FILE = "package/dist/morphdom-umd.min.js"
SHA256 = "1bea1e3733860f75e851bf53e2cd97af8bd24d88e70f15cc643f4a737cd2fe2a"


def fetch():
    """The library with its license, or None and why not."""
    npm = shutil.which("npm")
    if not npm:
        return None, "there is no npm"
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run([npm, "pack", "--silent", "--prefer-offline", "--fetch-retries=0",
                            "--fetch-timeout=15000", PACKAGE], cwd=folder, check=True, timeout=40,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with tarfile.open(next(pathlib.Path(folder).glob("*.tgz"))) as archive:
                script = archive.extractfile(FILE).read()
                notice = archive.extractfile("package/LICENSE").read().decode()
        except (subprocess.SubprocessError, OSError, KeyError, StopIteration, tarfile.TarError) as error:
            return None, f"npm did not bring {PACKAGE} ({type(error).__name__})"
    if hashlib.sha256(script).hexdigest() != SHA256:
        return None, f"what npm brought as {PACKAGE} is not the file we know"
    return f"/*! {PACKAGE}\n{notice.strip()}\n*/\n".encode() + script + b"\n", None


def main():
    source, output = sys.argv[1:]
    library, why_not = fetch()
    if why_not:
        print(f"live pages without morphdom: {why_not}; install npm, be online, and build again "
              f"after removing {output}", file=sys.stderr)
    script = (library or b"") + pathlib.Path(source).read_bytes()
    rows = [", ".join(f"0x{byte:02x}" for byte in script[at:at + 16])
            for at in range(0, len(script), 16)]
    version = hashlib.sha256(script).hexdigest()[:12]
    pathlib.Path(output).write_text(
        '#include "tools/web/live_script.h"\n\n'
        "static const unsigned char script[] = {\n    " + ",\n    ".join(rows) + "};\n\n"
        f'const char kl_live_script_version[] = "{version}";\n'
        "const keel_web_asset kl_live_script = {\n"
        '    "/keel/live.js", "text/javascript; charset=utf-8", script, sizeof(script)};\n')


main()
