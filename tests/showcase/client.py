"""What the showcase's tests need of the world: the program itself, HTTP, WebSockets.
Nothing beyond Python's own library."""

import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
import urllib.parse


def wait_for(what, check, seconds=20):
    """Asks again and again until `check` gives something true, which is returned."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)


class Showcase:
    """The program, on a port of its own."""

    def __init__(self, program, data, *options, **environment):
        self.command = [program, "--data", str(data), *options]
        self.environment = {**os.environ, **environment}
        self.port = 0
        self.start()

    def start(self):
        self.log = open(str(self.command[2]) + ".log", "a+")
        self.process = subprocess.Popen(
            [*self.command, "--port", str(self.port)], stdout=subprocess.PIPE, stderr=self.log,
            env=self.environment, text=True)
        for line in self.process.stdout:
            if match := re.search(r"http://[\d.]+:(\d+)/", line):
                self.port = int(match[1])
                return
        raise AssertionError("the showcase did not start: " + pathlib.Path(self.log.name).read_text()[-2000:])

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(120)
        self.process.stdout.close()
        self.log.close()
        return code

    def ask(self, method, path, body=None, headers=None, raw=False):
        """Status and what was answered, read as JSON unless `raw`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        data = json.dumps(body) if body is not None and not isinstance(body, (str, bytes)) else body
        connection.request(method, path, data, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        self.headers = answer.headers
        return answer.status, text if raw else json.loads(text)

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, f"GET {path}: {status} {answer}"
        return answer


class Postgres:
    """A server of its own on a free port of loopback; run by an ordinary user, as it insists."""

    @staticmethod
    def find():
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        return programs[-1].parent if programs else None

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        as_user = []
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            os.chmod(self.folder.parent, 0o755)
            as_user = ["runuser", "-u", "postgres", "--"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        data = str(self.folder / "data")
        subprocess.run([*as_user, self.find() / "initdb", "-D", data, "-A", "trust", "-U", "keel", "-N"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self.process = subprocess.Popen(
            [*as_user, self.find() / "postgres", "-D", data, "-p", str(self.port), "-k", str(self.folder),
             "-c", "listen_addresses=127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd=self.folder)
        wait_for("PostgreSQL", lambda: subprocess.run(
            [self.find() / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL).returncode == 0)
        self.url = f"postgres://keel@127.0.0.1:{self.port}/postgres"

    def end(self):
        # SIGINT: at once, and orderly. Behind runuser the server is a child of its.
        subprocess.run(["kill", "-INT", (self.folder / "data" / "postmaster.pid").read_text().split()[0]],
                       check=True)
        self.process.wait(30)


class WebSocket:
    """A client's half of RFC 6455, as far as tests need it."""

    def __init__(self, host, port, path, headers=""):
        self.socket = socket.create_connection((host, port), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"{headers}\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.read_more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.split(b"\r\n")[0], head.decode()

    def read_more(self):
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError("closed")
        self.buffer += more

    def take(self, count):
        while len(self.buffer) < count:
            self.read_more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def send(self, value):
        self.send_frame(b"\x81", json.dumps(value).encode())

    def send_frame(self, first, data):
        size = len(data)
        head = first + (bytes([0x80 | size]) if size < 126 else
                          b"\xfe" + struct.pack(">H", size) if size < 65536 else
                          b"\xff" + struct.pack(">Q", size))
        self.socket.sendall(head + b"\0\0\0\0" + data)

    def take_frame(self):
        """The next frame: its first byte and data. Pings are answered."""
        first, second = self.take(2)
        size = second & 127
        if size == 126:
            size, = struct.unpack(">H", self.take(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.take(8))
        data = self.take(size)
        if first & 15 == 8:
            raise ConnectionError("closed")
        if first & 15 == 9:  # a ping, which wants its data back
            self.send_frame(b"\x8a", data)
        return first, data

    def frames(self):
        """The data of all frames that have begun to come; to be called when there is something to read."""
        self.read_more()
        while self.buffer:
            yield self.take_frame()[1]

    def hear(self):
        """The next text, read as JSON."""
        whole = b""
        while True:
            first, data = self.take_frame()
            if first & 15 in (0, 1):
                whole += data
                if first & 128:
                    return json.loads(whole)

    def close(self):
        self.socket.close()


def open_page(showcase, path):
    """The WebSocket of a page, as its script opens it."""
    _, document = showcase.ask("GET", path, raw=True)
    cookie = showcase.headers["set-cookie"].split(";")[0]
    csrf = re.search(r'data-csrf="(\w+)"', document)[1]
    parts = urllib.parse.urlsplit(path)
    query = urllib.parse.urlencode({"path": parts.path, "csrf": csrf, "query": parts.query})
    page = WebSocket("127.0.0.1", showcase.port, f"/keel/live?{query}",
                     f"Origin: http://127.0.0.1:{showcase.port}\r\nCookie: {cookie}\r\n"
                     "Sec-WebSocket-Protocol: keel-live\r\n")
    page.first = page.hear()
    return page


def hear_until(page, text):
    """Listens until something pushed has the text."""
    while True:
        said = json.dumps(page.hear(), ensure_ascii=False)
        if text in said:
            return said
