#!/usr/bin/env python3
"""The showcase under load, on an otherwise quiet machine:

    ./bench/web.py [--program PATH] [--pages 10000] [--seconds 10; 0: no wrk]

Has wrk ask it, and nginx for a static file of the same size beside it, in turns; then opens
so many pages at once, has all of them updated again and again, and says what a page costs in
memory and processor time and how long a message takes to reach the first, half and all of
them. `name value unit` lines; nothing is asserted. Needs wrk and nginx, and a file limit
above the number of pages."""

import argparse
import os
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
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "showcase"))
import client  # noqa: E402

ROUNDS = 20
CONNECTIONS = 64


def say(name, value, unit):
    print(f"{name} {value:,.4g} {unit}", flush=True)


def resident(pid):
    """Bytes of memory of a process."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def busy(pid):
    """Seconds of processor time of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Pages:
    """Open pages, read by one thread as soon as anything comes, pings answered."""

    def __init__(self):
        self.poll = select.epoll()
        self.by_number = {}
        self.ended = False
        self.closed = ""  # why the first one was that was closed
        self.waited_for = b""
        self.heard = {}  # of which pages, and when
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def add(self, page):
        self.by_number[page.socket.fileno()] = page
        self.poll.register(page.socket.fileno(), select.EPOLLIN)

    def read(self):
        while not self.ended:
            for number, _ in self.poll.poll(0.1):
                try:
                    for data in self.by_number[number].frames():
                        if self.waited_for in data:
                            self.heard.setdefault(number, time.monotonic())
                except OSError as error:
                    self.poll.unregister(number)
                    self.closed = self.closed or f"one of {len(self.by_number)} pages: {error}"

    def end(self):
        self.ended = True
        self.thread.join()
        for page in self.by_number.values():
            page.close()

    def time_of(self, text, tell):
        """Seconds until each of the pages has heard `text`, which `tell` causes."""
        self.heard = {}
        self.waited_for = text.encode()
        start = time.monotonic()
        tell(text)
        client.wait_for("an update of every page",
                        lambda: self.closed or len(self.heard) == len(self.by_number), 120)
        assert not self.closed, self.closed
        return sorted(at - start for at in self.heard.values())


def measure_pages(showcase, count):
    pid = showcase.process.pid
    client.open_page(showcase, "/rooms").close()
    assert showcase.ask("POST", "/api/rooms", {"id": "full"})[0] == 201
    before, idle, start = resident(pid), busy(pid), time.monotonic()
    pages = Pages()
    for _ in range(count):
        pages.add(client.open_page(showcase, "/rooms?room=full"))
    say("page_open", (time.monotonic() - start) / count * 1e6, "us")
    say("page_open_busy", (busy(pid) - idle) / count * 1e6, "us")
    say("page_bytes", (resident(pid) - before) / count, "B")

    def tell(text):
        assert showcase.ask("POST", "/api/rooms/full/messages", {"user": "Ada", "text": text})[0] == 201

    firsts, medians, lasts, idle = [], [], [], busy(pid)
    for number in range(ROUNDS):
        times = pages.time_of(f"message number {number}", tell)
        firsts.append(times[0])
        medians.append(times[len(times) // 2])
        lasts.append(times[-1])
    say("page_update_first", statistics.median(firsts) * 1e3, "ms")
    say("page_update_median", statistics.median(medians) * 1e3, "ms")
    say("page_update_all", statistics.median(lasts) * 1e3, "ms")
    say("page_update_busy", (busy(pid) - idle) / ROUNDS / count * 1e6, "us")
    say("page_bytes_updated", (resident(pid) - before) / count, "B")
    pages.end()


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
    if options.program == parser.get_default("program"):
        # What is measured is what stands here now. `./run` makes the folder.
        subprocess.run(["ninja", "-C", str(ROOT / "build" / "release"), "apps/showcase/showcase"], check=True,
                       stdout=subprocess.DEVNULL)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="keel-web-"))
    showcase = client.Showcase(options.program, folder / "data")
    try:
        if options.seconds > 0:
            measure_requests(showcase, folder, options.seconds)
        measure_pages(showcase, options.pages)
    except Exception:
        print(pathlib.Path(showcase.log.name).read_text()[-3000:], file=sys.stderr)
        raise
    finally:
        showcase.end()
        shutil.rmtree(folder)


main()
