#!/usr/bin/env python3
"""otp_cases.py NODE DRIVER [WORD...]: has a genuine Erlang node try our conformance fixture.
NODE is the program fixture-node, DRIVER the folder with `run` and `cases`; words are
prefixes of cases. One line of TAP a case. An epmd of its own serves both, on a free port;
whatever is started is ended by its pid."""

import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import threading

import epmd
import tap

READY_SECONDS = 20
RESULT = re.compile(r"^(\S+)  (ok|skip|fail)  (\d+) ms$")


def wait_until_ready(node):
    """True once the node has said that it is."""
    timer = threading.Timer(READY_SECONDS, node.kill)
    timer.start()
    try:
        return any(line.startswith("fixture ready") for line in node.stdout)
    finally:
        timer.cancel()


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def tell(lines):
    """Cases as TAP; what the driver says of a failure follows its line."""
    count, bad = 0, []
    for line in lines:
        line = line.rstrip("\n")
        if match := RESULT.match(line):
            count += 1
            name, outcome = match[1], match[2]
            print({"ok": f"ok - {name}", "skip": f"ok - {name} # SKIP unsupported",
                   "fail": f"not ok - {name}"}[outcome], flush=True)
            bad += [name] if outcome == "fail" else []
        else:
            print("# " + line)
    return count, bad


def main():
    program, driver, words = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    name, cookie = f"keel_{os.getpid()}@127.0.0.1", secrets.token_hex(8)
    daemon, environment = epmd.start()
    node = subprocess.Popen([program, "--name", name, "--cookie", cookie], env=environment,
                            stdout=subprocess.PIPE, text=True)
    count, bad, ran = 0, [], None
    try:
        if wait_until_ready(node):
            ran = subprocess.Popen(
                [str(driver / "run"), "--target", name, "--cookie", cookie, "--verbose", *words],
                env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            count, bad = tell(ran.stdout)
            ran.wait()
    finally:
        if ran is not None:
            end(ran)
        code = end(node)
        end(daemon)
    tap.result(code == 0, "the fixture stops when it is told to", [f"exit status {code}"])
    if count == 0:
        tap.result(False, "the driver ran its cases")
    sys.exit(1 if bad or code != 0 or count == 0 else 0)


main()
