#!/usr/bin/env python3
"""remote.py BEAMS COUNT SERVER...: starts SERVER, a program that takes the name of a node and
a cookie and says `ready`, and an Erlang node that measures calls to it (bench_remote in the
folder BEAMS). An epmd of its own serves both; all are ended by their pids."""

import os
import pathlib
import secrets
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
import epmd  # noqa: E402


def main():
    beams, count, server = sys.argv[1], sys.argv[2], sys.argv[3:]
    cookie = secrets.token_hex(8)
    target = f"server_{os.getpid()}@127.0.0.1"
    client = ["erl", "+S", "2:2", "-noshell", "-hidden", "-start_epmd", "false", "-pa", beams,
              "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
              "-run", "bench_remote", "client",
              f"client_{os.getpid()}@127.0.0.1", cookie, target, count]
    daemon, environment = epmd.start()
    started = [daemon]
    try:
        started.append(subprocess.Popen([*server, target, cookie], env=environment,
                                        stdout=subprocess.PIPE, text=True))
        if not started[-1].stdout.readline().startswith("ready"):
            sys.exit(f"{server[0]} did not become a node")
        return subprocess.run(client, env=environment).returncode
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


sys.exit(main())
