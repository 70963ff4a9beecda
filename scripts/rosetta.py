#!/usr/bin/env python3
"""docs/rosetta.md has a row for every function that the real modules of Erlang and Elixir
export: the installed ones are asked. A row gives what Keel has in its place, or "no: " and the
reason. rosetta.py [FILE]

In the table a function stands as `module:name/1,2` or `Module.name/1,2`; without a module it
is of that before it in its cell, else of one that its heading names."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import tap

ERLANG = ["gen_server", "gen_statem", "gen", "supervisor", "proc_lib", "sys", "global", "pg", "rpc", "erpc",
          "application", "logger", "timer", "net_kernel", "net_adm"]
ELIXIR = ["GenServer", "Supervisor", "DynamicSupervisor", "PartitionSupervisor", "Registry", "Agent", "Task",
          "Task.Supervisor", "Application", "Process", "Node", "Logger"]
# The releases the page was written for. What a later one has more is told, and is no failure.
OTP, ELIXIR_MINOR = 25, 14

# No part of Debian, hence by list: version 2.1.
PHOENIX_PUBSUB = """child_spec/1 subscribe/2 subscribe/3 unsubscribe/2 broadcast/3 broadcast/4 broadcast!/3
    broadcast!/4 broadcast_from/4 broadcast_from/5 broadcast_from!/4 broadcast_from!/5 local_broadcast/3
    local_broadcast/4 local_broadcast_from/4 local_broadcast_from/5 direct_broadcast/4 direct_broadcast/5
    direct_broadcast!/4 direct_broadcast!/5 node_name/1""".split()

# Of the module erlang those that are about processes, their names, messages, timers and nodes.
PROCESSES = re.compile(
    r"(?:spawn\w*|(?:un)?link|(?:de)?monitor\w*|(?:un)?alias|exit|error|throw|raise|halt|send\w*|!|self"
    r"|(?:un)?register|registered|whereis|process\w*|is_process_alive|(?:suspend|resume)_process"
    r"|hibernate|yield|group_leader|put|get|get_keys|erase|start_timer|cancel_timer|read_timer|make_ref"
    r"|nodes?|is_alive|[sg]et_cookie|disconnect_node|monotonic_time|system_time|unique_integer|memory"
    r"|garbage_collect|open_port|ports?|port_(?:call|close|command|connect|control|info)|apply|system_monitor"
    r"|bump_reductions|trace)/\d+")
# What a module exports because it is a behaviour's callback module itself, or any module.
CALLBACKS = {"init/1", "handle_call/3", "handle_cast/2", "handle_info/2", "terminate/2", "code_change/3",
             "format_status/2", "format_status/1", "behaviour_info/1", "module_info/0", "module_info/1"}

SUPERVISORS = ["Supervisor", "DynamicSupervisor"] # whose init/1 a program calls

SPAN = re.compile(r"`:?(?:([A-Za-z_][\w.]*)[:.])?([a-z_!][\w]*[!?]?|!)/(\d+(?:,\d+)*)`")


def functions_of_erlang():
    code = ('[begin io:format("~s", [M]), [io:format(" ~s/~b", [F, A]) || {F, A} <- M:module_info(exports)], io:nl() end'
            f' || M <- [{", ".join([*ERLANG, "erlang"])}]], io:format("release ~s~n", [erlang:system_info(otp_release)]),'
            " halt().")
    printed = subprocess.check_output(["erl", "-noshell", "-eval", code], text=True)
    found = {words[0]: words[1:] for words in map(str.split, printed.splitlines())}
    later = int(found.pop("release")[0]) > OTP
    found["erlang"] = [name for name in found["erlang"] if PROCESSES.fullmatch(name)]
    return {module: set(names) - CALLBACKS for module, names in found.items()}, later


def functions_of_elixir():
    code = (f"for m <- [{', '.join(ELIXIR)}] do "
            'IO.puts(Enum.join([inspect(m) | for({f, a} <- m.__info__(:functions) ++ m.__info__(:macros), do: "#{f}/#{a}")], " "))'
            ' end; IO.puts("release " <> System.version())')
    printed = subprocess.check_output(["elixir", "-e", code], text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    found = {words[0]: words[1:] for words in map(str.split, printed.splitlines())}
    later = int(found.pop("release")[0].split(".")[1]) > ELIXIR_MINOR
    # What begins with two underscores is the compiler's.
    own = {module: {name for name in names if not name.startswith("__")} for module, names in found.items()}
    return {module: names - (CALLBACKS if module not in SUPERVISORS else CALLBACKS - {"init/1"})
            for module, names in own.items()}, later


def owners_of(heading, column):
    """The modules that a name without one may be of: those of its heading, in its column's language."""
    modules = [name.strip() for name in heading.split(",")]
    return [name for name in modules if column == "Elixir" and name[0].isupper() or column == "Erlang" and name[0].islower()
            or column not in ("Elixir", "Erlang")]


def translated(text):
    """The functions that have a row, by module, and the rows that give nothing for them."""
    rows, empty, heading, columns = {}, [], "", []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if line.startswith("## "):
            heading, columns = line[3:], []
        elif cells and not columns:
            columns = cells
        for column, cell in zip(columns[:-1], cells):
            named = None
            for module, name, arities in SPAN.findall(cell):
                named = module or named
                for owner in [named] if named else owners_of(heading, column):
                    rows.setdefault(owner, set()).update(f"{name}/{arity}" for arity in arities.split(","))
            if SPAN.search(cell) and not re.match(r"no: \S", cells[-1]) and not re.search(r"`|\bas of\b", cells[-1]):
                empty.append(line)
    return rows, empty


def check(modules, rows, later):
    for module, names in sorted(modules.items()):
        missing = sorted(names - rows.get(module, set()))
        name = f"docs/rosetta.md has a row for every function of {module}"
        if missing and later:
            tap.note(f"of a later release, without a row: {module}: {', '.join(missing)}")
            missing = []
        tap.result(not missing, name, missing)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "docs" / "rosetta.md"
    rows, empty = translated(path.read_text())
    tap.result(not empty, "each row of docs/rosetta.md gives a name of ours, or says why there is none", empty)
    check({"Phoenix.PubSub": set(PHOENIX_PUBSUB)}, rows, False)
    for program, ask in (("erl", functions_of_erlang), ("elixir", functions_of_elixir)):
        if shutil.which(program):
            modules, later = ask()
            check(modules, rows, later)
        else:
            tap.skip(f"docs/rosetta.md has a row for every function of {program}", f"no {program}")
    tap.finish()


main()
