#!/usr/bin/env python3
"""run.py PROGRAM [WORD...]: drives the showcase from outside, as people and their programs do:
over HTTP, over WebSockets and with kill -9; browser.mjs beside it does the same with a browser. One
line of TAP a case; words choose cases."""

import pathlib
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"))
import tap
from client import Postgres, Showcase, hear_until, open_page, wait_for

PAGES = ["/jobs", "/rooms", "/services", "/tokens", "/patterns", "/tree"]
FAST = {"SHOWCASE_SERVICE_CHECK_MS": "100", "SHOWCASE_TOKEN_LIFETIME_MS": "400",
        "SHOWCASE_TOKEN_CHECK_MS": "60000"}
cases = []


def case(function):
    cases.append(function)
    return function


def expect(showcase, method, path, body, status, why=None):
    got, answer = showcase.ask(method, path, body)
    assert got == status, f"{method} {path} {body}: {got} {answer}, not {status}"
    assert why is None or why in answer.get("error", ""), f"{answer} does not say {why}"
    return answer


# --- the cases: each gets a running showcase, its program and a folder ---

@case
def every_page_can_be_read_without_javascript(showcase, **_):
    for path in PAGES:
        status, text = showcase.ask("GET", path, raw=True)
        assert status == 200 and "<h1>" in text and "<main" in text, f"{path}: {status}"
        assert "style=" not in text and "onclick" not in text, f"{path} breaks the policy"
        assert "default-src 'none'" in showcase.headers["content-security-policy"]
        assert showcase.get("/api" + path)


@case
def jobs_keep_the_contract(showcase, **_):
    job = expect(showcase, "POST", "/api/jobs", {"name": "report", "duration_ms": 150}, 201)
    assert job["status"] in ("pending", "processing") and job["id"] == 1, job
    done = wait_for("the job", lambda: (found := showcase.get("/api/jobs/1"))["status"] == "completed" and found)
    for field in ("id", "name", "status", "progress", "inserted_at", "started_at", "finished_at"):
        assert done[field] is not None, f"{field} in {done}"
    long = expect(showcase, "POST", "/api/jobs", {"name": "long", "duration_ms": 60000}, 201)["id"]
    wait_for("it to run", lambda: showcase.get(f"/api/jobs/{long}")["status"] == "processing")
    assert expect(showcase, "DELETE", f"/api/jobs/{long}", None, 200)["status"] == "cancelled"
    expect(showcase, "DELETE", f"/api/jobs/{long}", None, 409)
    answer = showcase.get("/api/jobs")
    assert [found["id"] for found in answer["jobs"]] == [2, 1], answer
    stats = {name: answer["stats"][name] for name in ("pending", "processing", "completed", "failed", "cancelled")}
    assert stats == {"pending": 0, "processing": 0, "completed": 1, "failed": 0, "cancelled": 1}, stats
    expect(showcase, "POST", "/api/jobs", {"duration_ms": 1}, 400, "name: must be a text")
    expect(showcase, "POST", "/api/jobs", {"name": "", "duration_ms": 1}, 400, "name: must not be empty")
    expect(showcase, "POST", "/api/jobs", {"name": "a", "duration_ms": "1"}, 400, "duration_ms: must be a whole")
    expect(showcase, "POST", "/api/jobs", {"name": "a", "duration_ms": -1}, 400, "duration_ms")
    expect(showcase, "POST", "/api/jobs", "{nonsense", 400, "no JSON")
    expect(showcase, "POST", "/api/jobs", {"name": "a" * 70000, "duration_ms": 1}, 413)
    expect(showcase, "GET", "/api/jobs/99", None, 404)
    expect(showcase, "GET", "/api/jobs/x", None, 404)
    expect(showcase, "PUT", "/api/jobs/1", None, 405)


@case
def a_job_that_fails_is_tried_again_and_then_failed(showcase, **_):
    number = expect(showcase, "POST", "/api/jobs", {"name": "fail this", "duration_ms": 0}, 201)["id"]
    job = wait_for("its end", lambda: (found := showcase.get(f"/api/jobs/{number}"))["status"] == "failed" and found)
    assert job["attempt"] == 2, job


@case
def rooms_keep_the_contract(showcase, **_):
    expect(showcase, "POST", "/api/rooms", {"id": "lobby"}, 201)
    expect(showcase, "POST", "/api/rooms", {"id": "lobby"}, 409)
    expect(showcase, "POST", "/api/rooms", {"id": "no blanks"}, 400, "id: must be")
    expect(showcase, "POST", "/api/rooms/lobby/messages", {"user": "Ada", "text": "Hé <b>"}, 201)
    expect(showcase, "POST", "/api/rooms/lobby/messages", {"user": "Ada"}, 400, "text: must be a text")
    expect(showcase, "POST", "/api/rooms/none/messages", {"user": "Ada", "text": "x"}, 404)
    room = showcase.get("/api/rooms/lobby")
    assert [(said["user"], said["text"]) for said in room["messages"]] == [("Ada", "Hé <b>")], room
    expect(showcase, "DELETE", "/api/rooms/lobby", None, 200)
    expect(showcase, "GET", "/api/rooms/lobby", None, 404)


@case
def tokens_are_lent_expire_and_are_taken_from_the_oldest(showcase, **_):
    lent = [expect(showcase, "POST", "/api/tokens/use", {"user": f"u{number}"}, 200) for number in range(10)]
    assert len({token["token"] for token in lent}) == 10
    again = expect(showcase, "POST", "/api/tokens/use", {"user": "late"}, 200)
    assert again["token"] == lent[0]["token"] and again["released_from"] == "u0", again
    expect(showcase, "POST", "/api/tokens/use", {}, 400, "user")
    time.sleep(0.5)  # their lifetime
    assert expect(showcase, "POST", "/api/tokens/check", None, 200) == {"released": 10}
    assert expect(showcase, "POST", "/api/tokens/check", None, 200) == {"released": 0}
    assert showcase.get("/api/tokens")["stats"] == {"used": 0, "free": 10}


@case
def a_service_goes_healthy_degraded_critical_and_back(showcase, **_):
    address = f"http://127.0.0.1:{showcase.port}/test-service"
    expect(showcase, "POST", "/api/services", {"name": "local", "url": address}, 201)
    expect(showcase, "POST", "/api/services", {"name": "local", "url": address}, 409)
    expect(showcase, "POST", "/api/services", {"name": "b", "url": "gopher:x"}, 400, "url: must begin")

    def status():
        return showcase.get("/api/services/local")["status"]

    wait_for("healthy", lambda: status() == "healthy")
    expect(showcase, "POST", "/api/test-service", {"fails": True}, 200)
    wait_for("critical", lambda: status() == "critical")
    expect(showcase, "POST", "/api/test-service", {"fails": False}, 200)
    wait_for("healthy again", lambda: status() == "healthy")
    expect(showcase, "DELETE", "/api/services/local", None, 200)
    expect(showcase, "DELETE", "/api/services/local", None, 404)


@case
def the_parts_can_be_played_with(showcase, **_):
    for pattern in ("cache", "limiter", "pool", "workers", "batcher"):
        expect(showcase, "POST", f"/api/patterns/{pattern}", {"argument": "x"}, 200)
    for _ in range(4):
        expect(showcase, "POST", "/api/patterns/limiter", {"argument": "x"}, 200)
    expect(showcase, "POST", "/api/patterns/limiter", {"argument": "x"}, 429)
    assert int(showcase.headers["retry-after"]) > 0
    for _ in range(4):
        expect(showcase, "POST", "/api/patterns/breaker", {"argument": "fail"}, 503)
    expect(showcase, "POST", "/api/patterns/none", {"argument": "x"}, 404)
    expect(showcase, "POST", "/api/patterns/none", {}, 404)
    stats = showcase.get("/api/patterns")
    assert stats["breaker"]["state"] == "open" and stats["limiter"]["refused"] == 1, stats


@case
def pages_see_what_others_do(showcase, **_):
    expect(showcase, "POST", "/api/rooms", {"id": "lobby"}, 201)
    one, two = open_page(showcase, "/rooms?room=lobby&as=Ada"), open_page(showcase, "/rooms?room=lobby")
    one.send({"event": "say", "values": {"room": "lobby", "user": "Ada", "text": "hello <i>"}})
    said = hear_until(two, "hello &lt;i&gt;")
    assert '"all"' not in said, "the whole page was sent for one message"
    one.send({"event": "create", "values": {"id": "second"}})
    hear_until(two, "second")
    jobs = open_page(showcase, "/jobs")
    expect(showcase, "POST", "/api/jobs", {"name": "watched", "duration_ms": 100}, 201)
    hear_until(jobs, "watched")
    hear_until(jobs, 'pill completed')
    for page in (one, two, jobs):
        page.close()


def nodes_of(node):
    yield node
    for child in node["children"]:
        yield from nodes_of(child)


@case
def whatever_is_killed_comes_back(showcase, **_):
    long = expect(showcase, "POST", "/api/jobs", {"name": "survivor", "duration_ms": 300}, 201)["id"]

    def find(name, kind="worker"):
        tree = showcase.get("/api/tree")["tree"]
        return next((node for node in nodes_of(tree) if node["name"] == name and node["kind"] == kind
                     and node["alive"]), None)

    for name in ("jobs", "tokens", "services", "health", "tree"):
        before = find(name)
        assert before, f"no {name} in the tree"
        expect(showcase, "POST", "/api/tree/kill", {"key": before["key"]}, 200)

        def is_back():
            status, answer = showcase.ask("GET", "/api/tree")
            now = status == 200 and next((node for node in nodes_of(answer["tree"]) if node["name"] == name
                                          and node["kind"] == "worker" and node["alive"]), None)
            # The tree's own server begins to count anew.
            return now and now["key"] != before["key"] and (now["restarts"] >= 1 or name == "tree")
        wait_for(f"{name} to be back", is_back)
    wait_for("all systems", lambda: showcase.ask("GET", "/health")[0] == 200)
    wait_for("the job", lambda: showcase.get(f"/api/jobs/{long}")["status"] == "completed")
    expect(showcase, "POST", "/api/tree/kill", {"key": "12345"}, 404)
    root = showcase.get("/api/tree")["tree"]
    expect(showcase, "POST", "/api/tree/kill", {"key": root["key"]}, 404)


def kill_and_count(showcase):
    """Kills it while twenty jobs wait and run; all of them must be done in the end, each once."""
    ids = [expect(showcase, "POST", "/api/jobs", {"name": f"job {number}", "duration_ms": 100 + 20 * number},
                  201)["id"] for number in range(20)]
    wait_for("some to be done", lambda: showcase.get("/api/jobs")["stats"]["completed"] >= 3)
    before = {job["id"]: job["finished_at"] for job in showcase.get("/api/jobs?status=completed")["jobs"]}
    showcase.end(signal.SIGKILL)
    showcase.start()
    wait_for("all to be done", lambda: showcase.get("/api/jobs")["stats"]["completed"] == 20)
    jobs = {job["id"]: job for job in showcase.get("/api/jobs")["jobs"]}
    assert sorted(jobs) == sorted(ids), sorted(jobs)
    for number, finished in before.items():
        assert jobs[number]["finished_at"] == finished, f"job {number} was done again"


@case
def kill_9_loses_no_job(showcase, **_):
    kill_and_count(showcase)


@case
def kill_9_loses_no_job_in_postgres(program, folder, **_):
    if not Postgres.find():
        return "no PostgreSQL"
    postgres = Postgres(folder / "postgres")
    try:
        showcase = Showcase(program, folder / "other", "--database", postgres.url, **FAST)
        try:
            kill_and_count(showcase)
            expect(showcase, "POST", "/api/tokens/use", {"user": "Ada"}, 200)
            expect(showcase, "POST", "/api/services", {"name": "a", "url": "http://127.0.0.1:1/"}, 201)
        finally:
            showcase.end(signal.SIGKILL)
    finally:
        postgres.end()
    return None


@case
def pages_come_back_with_the_server(showcase, folder, **_):
    expect(showcase, "POST", "/api/jobs", {"name": "kept", "duration_ms": 0}, 201)
    _, document = showcase.ask("GET", "/jobs", raw=True)
    page = open_page(showcase, "/jobs")
    showcase.end()
    try:
        while True:
            page.hear()
    except (ConnectionError, OSError):
        pass
    showcase.start()
    assert "kept" in open_page(showcase, "/jobs").first["all"]


@case
def hostile_clients_are_endured(showcase, **_):
    address = ("127.0.0.1", showcase.port)
    slow = [socket.create_connection(address) for _ in range(300)]
    for index, one in enumerate(slow):
        one.sendall([b"GET /jobs HT", b"\x16\x03\x01", b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Length: 9999\r\n\r\n{"][index % 3])
    for _ in range(20):
        status, _ = showcase.ask("GET", "/health")
        assert status == 200
    one = socket.create_connection(address)
    one.sendall(b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n\r\n")
    one.settimeout(20)
    try:
        while one.recv(4096):
            pass
    except OSError:
        pass
    expect(showcase, "POST", "/api/jobs", b"x" * 100000, 413)
    expect(showcase, "GET", "/health", None, 200)
    status, _ = showcase.ask("GET", "/jobs", headers={"Host": "evil.example"}, raw=True)
    assert status == 403
    status, _ = showcase.ask("POST", "/api/rooms", {"id": "x"}, {"Origin": "http://evil.example"})
    assert status == 403
    for one in slow:
        one.close()


@case
def many_at_once_are_served(showcase, **_):
    failures = []

    def work():
        try:
            for _ in range(50):
                showcase.ask("GET", "/api/rooms")
        except Exception as error:
            failures.append(error)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    text = showcase.ask("GET", "/metrics", raw=True)[1]
    assert "keel_processes " in text and 'keel_web_responses_total{code="2xx"}' in text


@case
def an_orderly_stop_waits_for_no_job(showcase, **_):
    open_page(showcase, "/tree")
    expect(showcase, "POST", "/api/jobs", {"name": "an hour", "duration_ms": 3600000}, 201)
    code = showcase.end(signal.SIGINT)
    assert code == 0, f"exit code {code}"
    showcase.start()


def run(function, program):
    with tempfile.TemporaryDirectory(prefix="keel-showcase-") as folder:
        folder = pathlib.Path(folder)
        showcase = Showcase(program, folder / "data", **FAST)
        try:
            return function(showcase=showcase, program=program, folder=folder)
        finally:
            if showcase.process.poll() is None:
                showcase.end(signal.SIGKILL)


def main():
    program, *words = sys.argv[1:]
    if not pathlib.Path(program).exists():
        print("ok - the showcase # SKIP it was not built: libwebsockets, jansson or SQLite is missing")
        return
    for function in cases:
        name = "showcase: " + function.__name__.replace("_", " ")
        if words and not any(word in name for word in words):
            continue
        try:
            skipped = run(function, program)
            if skipped:
                print(f"ok - {name} # SKIP {skipped}")
            else:
                tap.result(True, name)
        except Exception:
            tap.result(False, name, traceback.format_exc().splitlines()[-12:])
        sys.stdout.flush()
    tap.finish()


main()
