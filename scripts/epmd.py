"""An epmd of one's own on a free port of loopback, for nodes that shall not meet others."""

import os
import pathlib
import shutil
import socket
import subprocess
import time


def start():
    """The process, to be ended by who asked for it, and the environment for its nodes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([_path(), "-port", str(port), "-address", "127.0.0.1"])
    _wait_until_listening(port)
    return process, dict(os.environ, ERL_EPMD_PORT=str(port), ERL_EPMD_ADDRESS="127.0.0.1")


def _path():
    """Debian keeps epmd beside the emulator as well."""
    found = shutil.which("epmd")
    return found or next(map(str, pathlib.Path("/usr/lib/erlang").glob("erts-*/bin/epmd")), None)


def _wait_until_listening(port):
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
