#!/usr/bin/env python3
"""The showcase under load, on an otherwise quiet machine:

    ./bench/web.py [--program PATH] [--pages 10000] [--seconds 10]

Opens so many pages at once, has all of them updated and says what a page costs and how long
a message takes to reach them all; then has wrk ask it, and nginx for a static file of the
same size beside it, in turns. `name value unit` lines; nothing is asserted. Needs wrk and
nginx, and a file limit of twice the pages."""

import argparse
import pathlib
import re
import resource
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "showcase"))
import client  # noqa: E402

ROUNDS = 5
CONNECTIONS = 64


def say(name, value, unit):
    print(f"{name} {value:,.4g} {unit}", flush=True)


def resident(pid):
    """Bytes of memory of a process."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def answer_pings(pages):
    """Who is silent for long is asked whether it is there, and closed when it does not answer."""
    poll = select.poll()
    by_number = {page.socket.fileno(): page for page in pages}
    for number in by_number:
        poll.register(number, select.POLLIN)
    for number, _ in poll.poll(0):
        by_number[number].hear(only_pings=True)


def measure_pages(showcase, count):
    client.open_page(showcase, "/rooms").close()
    assert showcase.ask("POST", "/api/rooms", {"id": "full"})[0] == 201
    before = resident(showcase.process.pid)
    start = time.monotonic()
    pages = []
    for _ in range(count):
        pages.append(client.open_page(showcase, "/rooms?room=full"))
        if len(pages) % 500 == 0:
            answer_pings(pages)
    say("page_open", (time.monotonic() - start) / count * 1e6, "us")
    say("page_bytes", (resident(showcase.process.pid) - before) / count, "B")
    times = []
    for number in range(ROUNDS):
        text = f"message number {number}"
        start = time.monotonic()
        assert showcase.ask("POST", "/api/rooms/full/messages", {"user": "Ada", "text": text})[0] == 201
        for page in pages:
            client.hear_until(page, text)
        times.append(time.monotonic() - start)
    say("page_update_all", statistics.median(times), "s")
    say("page_bytes_updated", (resident(showcase.process.pid) - before) / count, "B")
    for page in pages:
        page.close()


def start_nginx(folder, size):
    """nginx with a static file of that size; its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "static").write_text("x" * size)
    (folder / "nginx.conf").write_text(f"""
        daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/errors;
        events {{ worker_connections 1024; }}
        http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
            scgi_temp_path {folder}/scgi; keepalive_requests 100000000;
            server {{ listen 127.0.0.1:{port}; root {folder}; }} }}""")
    folder.chmod(0o755)
    process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf"])
    client.wait_for("nginx", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    return process, port


def ask_with_wrk(address, seconds):
    """Requests a second, and the median latency in microseconds."""
    text = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", address],
                          capture_output=True, text=True, check=True).stdout
    number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", text).groups()
    scale = {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(number) * scale


def measure_requests(showcase, folder, seconds):
    size = len(showcase.ask("GET", "/api/rooms", raw=True)[1])
    nginx, port = start_nginx(folder, size)
    sides = {"keel": f"http://127.0.0.1:{showcase.port}/api/rooms",
             "nginx": f"http://127.0.0.1:{port}/static"}
    results = {name: [] for name in sides}
    try:
        for _ in range(3):
            for name, address in sides.items():
                results[name].append(ask_with_wrk(address, seconds))
    finally:
        nginx.terminate()
        nginx.wait()
    for name, found in results.items():
        say(f"requests_{name}", statistics.median(rate for rate, _ in found), "1/s")
        say(f"latency_{name}", statistics.median(latency for _, latency in found), "us")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build" / "release" / "apps" / "showcase" / "showcase")
    parser.add_argument("--pages", type=int, default=10000)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="keel-web-"))
    showcase = client.Showcase(options.program, folder / "data")
    try:
        measure_requests(showcase, folder, options.seconds)
        measure_pages(showcase, options.pages)
    finally:
        showcase.end()
        shutil.rmtree(folder)


main()
