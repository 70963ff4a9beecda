"""For the checks written in Python: each result is a line of TAP, and finish() says by the
exit code whether one was bad."""

import sys

bad_results = 0


def result(good, name, details=()):
    """Prints one result; `details` are lines shown when it is bad."""
    global bad_results
    print(("ok - " if good else "not ok - ") + name)
    if not good:
        bad_results += 1
        for line in details:
            print("# " + line)


def skip(name, why):
    print(f"ok - {name} # SKIP {why}")


def note(text):
    print("# " + text)


def finish():
    sys.exit(1 if bad_results else 0)
