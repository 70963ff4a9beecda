#!/usr/bin/env python3
"""Runs the test programs of a build directory, several at a time, and prints one line of TAP
for each test case: "ok - program: case". `meson test` runs the same programs; this one
counts cases instead of programs, passes seeds on, and puts a wrapper before each.

A word that is part of a program's name chooses all of its cases, any other word those
cases whose names have it."""

import argparse
import concurrent.futures
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import tap

alive = set()  # programs that run now
LINE = re.compile(r"(not )?ok\b *\d* *-? *(.*?)(?: # SKIP ?(.*))?$")
PLAN = re.compile(r"1\.\.(\d+)")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="a build directory of meson")
    parser.add_argument("--suite", action="append", default=[], help="only programs in all of these")
    parser.add_argument("--long", action="store_true", help="also programs of the suite `long`")
    parser.add_argument("--wrapper", default="", help="a command to put before each program")
    parser.add_argument("--slower", type=int, default=1, help="time limits grow by this factor")
    # More programs than processors: some wait for time to pass.
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) * 3 // 2 + 1)
    parser.add_argument("--seeds", type=int, help="how many seeds a seeded test runs over")
    parser.add_argument("--seed", type=int, help="the one or the first seed")
    parser.add_argument("--ids", help="a file for the conformance lines proved: id, program, case")
    parser.add_argument("words", nargs="*")
    return parser.parse_intermixed_args()


def read_programs(options):
    """What meson knows of the tests. `build` may also hold a tests.json of the same form."""
    ready = os.path.join(options.build, "tests.json")
    if os.path.exists(ready):
        with open(ready) as file:
            entries = json.load(file)
    else:
        entries = json.loads(subprocess.check_output(["meson", "introspect", "--tests", options.build]))
    programs = []
    for entry in entries:
        suites = [suite.split(":")[-1] for suite in entry["suite"]]
        wanted = all(suite in suites for suite in options.suite)
        if wanted and ("long" not in suites or options.long):
            programs.append(entry)
    return programs


def command_of(program, options):
    """The command line for a program, or None when no word chooses it."""
    command = shlex.split(options.wrapper) + program["cmd"]
    if options.seed is not None:
        command += ["--seed", str(options.seed)]
    if options.seeds is not None:
        command += ["--seeds", str(options.seeds)]
    if "seeded" in options.suite:
        command += ["--seeded"]
    if not any(word in program["name"] for word in options.words):
        command += options.words
    return command


def run(command, program, options):
    """Runs one program; returns its lines and what went wrong with it as a whole."""
    environment = {**os.environ, **program["env"], "KEEL_TEST_SLOWER": str(options.slower),
                   "KEEL_TEST_WRAPPER": options.wrapper}
    # The harness limits each case and seed; this is for a harness that hangs itself.
    limit = program["timeout"] * options.slower * max(1, (options.seeds or 0) // 20)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment, start_new_session=True, errors="replace")
    alive.add(process)
    try:
        output, _ = process.communicate(timeout=limit)
        problem = None
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        problem = f"still running after {limit} s"
    alive.discard(process)
    if problem is None and process.returncode not in (0, 1):
        problem = f"ended with exit code {process.returncode}"
    return output.splitlines(), problem, process.returncode


def read_results(lines):
    """Splits the output of a program into its plan, its cases and the lines after each."""
    plan, cases, stray = None, [], []
    for line in lines:
        if match := PLAN.match(line):
            plan = int(match[1])
        elif match := LINE.match(line):
            cases.append({"bad": bool(match[1]), "name": match[2], "skip": match[3], "details": []})
        elif cases:
            cases[-1]["details"].append(line.removeprefix("# "))
        else:
            stray.append(line)
    return plan, cases, stray


def run_program(program, options):
    command = command_of(program, options)
    start = time.monotonic()
    lines, problem, code = run(command, program, options)
    plan, cases, stray = read_results(lines)
    bad = sum(case["bad"] for case in cases)
    if problem is None and plan != len(cases):
        problem = f"{len(cases)} results where {plan} were planned"
    if problem is None and (code != 0) != (bad > 0):
        problem = f"ended with exit code {code} after {bad} bad results"
    ids = []
    if options.ids and problem is None:
        good = {case["name"] for case in cases if not case["bad"] and case["skip"] is None}
        listed = subprocess.run(program["cmd"] + ["--ids"], capture_output=True, text=True).stdout
        for line in listed.splitlines():
            conformance_id, name = line.split("\t", 1)
            if name in good:
                ids.append(f"{conformance_id}\t{program['name']}\t{name}")
    details = [] if problem is None else [shlex.join(command), problem] + (stray + lines)[-40:]
    return program["name"], cases, problem, details, ids, time.monotonic() - start


def print_results(name, cases, problem, details):
    for case in cases:
        title = f"{name}: {case['name']}"
        if case["bad"]:
            tap.result(False, title, case["details"])
        elif case["skip"] is not None:
            print(f"ok - {title} # SKIP {case['skip']}")
        else:
            tap.result(True, title)
    if problem:
        tap.result(False, f"{name}: the program as a whole", details)
    sys.stdout.flush()


def end_all(number, _frame):
    """Programs have sessions of their own, so an interrupt must be passed on."""
    for process in list(alive):
        os.killpg(process.pid, signal.SIGKILL)
    os._exit(128 + number)


def main():
    signal.signal(signal.SIGINT, end_all)
    signal.signal(signal.SIGTERM, end_all)
    options = read_arguments()
    programs = read_programs(options)
    # The long ones first, so that none of them is left alone at the end.
    programs.sort(key=lambda program: -program["timeout"])
    ids, times = [], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = [pool.submit(run_program, program, options) for program in programs]
        for finished in concurrent.futures.as_completed(running):
            name, cases, problem, details, proved, seconds = finished.result()
            print_results(name, cases, problem, details)
            times.append((seconds, name))
            ids += proved
    if options.ids:
        with open(options.ids, "w") as file:
            file.writelines(line + "\n" for line in sorted(ids))
    for seconds, name in sorted(times)[:-6:-1]:
        tap.note(f"took {seconds:.1f} s: {name}")
    tap.finish()


main()
