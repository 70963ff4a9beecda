#!/usr/bin/env python3
"""example.py SERVICE [--picture FILE]: the service of examples/cluster and its Elixir script in
one cluster, with an epmd of their own. Prints TAP: what the script says must be what
examples/cluster/README.md shows. With --picture it draws that instead."""

import html
import pathlib
import re
import secrets
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import epmd  # noqa: E402
import tap  # noqa: E402

EXAMPLE = ROOT / "examples" / "cluster"
NODE = "c@127.0.0.1"


def run(service):
    """What the script prints."""
    cookie = secrets.token_hex(8)
    daemon, environment = epmd.start()
    started = subprocess.Popen([service, "--name", NODE, "--cookie", cookie], env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        if not started.stdout.readline().startswith("ready"):
            return "the service did not start\n"
        done = subprocess.run(["elixir", "--name", "iex@127.0.0.1", "--cookie", cookie,
                               EXAMPLE / "cluster.exs", NODE], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return done.stdout
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(20)
        daemon.kill()
        daemon.wait()


def shown():
    text = (EXAMPLE / "README.md").read_text()
    return re.search(r"^```text\n(.*?)^```", text, re.S | re.M)[1]


# --- the picture ---

STYLE = """
    .paper { fill: #fdfdfb; stroke: #d8d8d0; }
    .node { fill: #fff; stroke: #7d8a97; stroke-width: 2; }
    .elixir { stroke: #6a4c93; }
    .keel { stroke: #2f5d8a; }
    .supervisor { fill: #e8f0f8; stroke: #2f5d8a; stroke-width: 2; }
    .worker { fill: #eef6ec; stroke: #3f7d3a; stroke-width: 2; }
    .edge { fill: none; stroke: #7d8a97; stroke-width: 2; }
    .wire { fill: none; stroke: #a08a55; stroke-width: 3; }
    .name { fill: #1c2733; text-anchor: middle; }
    .note { fill: #5a6672; font-size: 12px; text-anchor: middle; }
    .heading { fill: #1c2733; font-weight: 600; text-anchor: middle; }
    .terminal { fill: #1c2733; }
    .said { fill: #e4eaf0; font: 13px ui-monospace, 'DejaVu Sans Mono', monospace; white-space: pre; }"""


def box(kind, x, y, width, height):
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'


def text(kind, x, y, words):
    return f'<text class="{kind}" x="{x}" y="{y}">{html.escape(words)}</text>'


def draw(said):
    lines = ["$ elixir --name iex@127.0.0.1 --cookie … cluster.exs c@127.0.0.1", *said.splitlines()]
    height = 300 + 20 * len(lines)
    parts = [
        box("paper", 1, 1, 878, height - 2),
        text("heading", 440, 32, "one cluster"),
        box("node elixir", 40, 60, 300, 170), text("name", 190, 88, "iex@127.0.0.1"),
        text("note", 190, 108, "Elixir on the BEAM"),
        box("worker", 115, 140, 150, 50), text("name", 190, 170, "cluster.exs"),
        box("node keel", 540, 60, 300, 170), text("name", 690, 88, NODE),
        text("note", 690, 108, "C, with Keel"),
        box("supervisor", 560, 140, 110, 50), text("name", 615, 170, "service"),
        box("worker", 720, 140, 100, 50), text("name", 770, 170, "sums"),
        '<path class="edge" d="M 670 165 H 720"/>',
        '<path class="wire" d="M 340 165 H 540"/>',
        text("note", 440, 150, "Erlang distribution"),
        text("note", 440, 188, "calls, monitors, links, rpc"),
        box("terminal", 40, 255, 800, height - 280),
    ]
    parts += [text("said", 60, 285 + 20 * number, line) for number, line in enumerate(lines)]
    body = "\n  ".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 {height}" '
            'font-family="system-ui, -apple-system, \'Segoe UI\', sans-serif" font-size="14" role="img" '
            'aria-labelledby="title">\n  <title id="title">An Elixir node and a node in C in one cluster, and '
            f'what the Elixir script prints.</title>\n  <style>{STYLE}\n  </style>\n  {body}\n</svg>\n')


def main():
    said = run(sys.argv[1])
    if "--picture" in sys.argv:
        pathlib.Path(sys.argv[sys.argv.index("--picture") + 1]).write_text(draw(said))
        return
    expected = shown()
    tap.result(said == expected, "an Elixir script and a service in C work in one cluster, as the example tells",
               [f"printed: {line}" for line in said.splitlines()] if said != expected else [])
    picture = (ROOT / "docs" / "images" / "cluster.svg").read_text()
    tap.result(picture == draw(expected), "the picture of the cluster shows what the example prints",
               ["tests/cluster/example.py SERVICE --picture docs/images/cluster.svg draws it anew"])
    tap.finish()


main()
