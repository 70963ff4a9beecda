# The checks that drive whole programs, given programs that do it wrong.

# The showcase: a server that answers every request with its own trouble.
cat >"$scratch/troubled" <<'PYTHON'
#!/usr/bin/env python3
import http.server

server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
PYTHON
printf '#!/bin/sh\necho no such file >&2\n' >"$scratch/stillborn"
chmod +x "$scratch/troubled" "$scratch/stillborn"
showcase() { python3 tests/showcase/run.py "$scratch/$1" "every page"; }
red "a showcase that answers badly" "/jobs: 501" showcase troubled
red "a showcase that does not start" "the showcase did not start: no such file" showcase stillborn

# conforms LINE STATUS: a driver that says LINE of a node that ends with STATUS when it is told to
conforms() {
    mkdir -p "$scratch/driver"
    printf '#!/bin/sh\necho "%s"\n' "$1" >"$scratch/driver/run"
    cat >"$scratch/node" <<PYTHON
#!/usr/bin/env python3
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("fixture ready", flush=True)
signal.sigwait([signal.SIGTERM])
raise SystemExit($2)
PYTHON
    chmod +x "$scratch/driver/run" "$scratch/node"
    python3 scripts/otp_cases.py "$scratch/node" "$scratch/driver"
}
if command -v erl >/dev/null; then
    green "a conformance case that passes" conforms "calls.reply  ok  3 ms" 0
    red "a conformance case that fails" "not ok - calls.reply" conforms "calls.reply  fail  3 ms" 0
    red "a conformance driver that tries nothing" "not ok - the driver ran its cases" conforms "bye" 0
    red "a fixture that ends badly" "exit status 3" conforms "calls.reply  ok  3 ms" 3
else
    echo "ok - bad conformance cases # SKIP no Erlang"
fi
