#!/usr/bin/env python3
"""corpus.py FOLDER: writes inputs for the fuzzers of frames, control messages and handshakes to
start from, as FOLDER/<name>_fuzz/*: what a genuine peer sends, one of each kind. What the
fuzzers do with an input is told at the top of each."""

import pathlib
import struct
import sys

# --- terms in external format ---


def atom(text):
    data = text.encode()
    return bytes([119, len(data)]) + data


def small(number):
    return bytes([97, number])


def integer(number):
    return b"b" + struct.pack(">i", number)


def pid(node, creation=7):
    return b"X" + atom(node) + struct.pack(">III", 5, 6, creation)


def ref(node, creation=7):
    return b"Z" + struct.pack(">H", 3) + atom(node) + struct.pack(">IIII", creation, 1, 2, 3)


def group(*items):
    return bytes([104, len(items)]) + b"".join(items)


def sequence(*items):
    return b"l" + struct.pack(">I", len(items)) + b"".join(items) + b"j"


def binary(data):
    return b"m" + struct.pack(">I", len(data)) + data


YOU, ME, NONE = pid("you@box"), pid("me@box"), atom("")
FUN = (b"p" + struct.pack(">I", 70) + bytes([1]) + bytes(16) + struct.pack(">II", 0, 0) + atom("mod")
       + small(0) + small(0) + YOU)
PAYLOADS = [atom("ok"), group(atom("$gen_call"), group(YOU, b"l" + struct.pack(">I", 1) + atom("alias") +
                                                       ref("you@box")), atom("value")),
            sequence(small(1), integer(-7), b"F" + struct.pack(">d", 2.5), binary(b"text")),
            b"t" + struct.pack(">I", 1) + atom("key") + b"k\0\2ab", b"n\x08\1" + bytes(range(1, 9)), FUN,
            b"M" + struct.pack(">IB", 2, 3) + b"\xff\xe0", group(), b"j"]

# Every control message with the elements it has, and whether a payload follows.
CONTROLS = [
    (group(small(1), YOU, ME), False), (group(small(2), NONE, ME), True), (group(small(3), YOU, ME, atom("why")), False),
    (group(small(6), YOU, NONE, atom("name")), True), (group(small(7), YOU, ME), False),
    (group(small(8), YOU, ME, atom("kill")), False), (group(small(12), NONE, ME, atom("token")), True),
    (group(small(13), YOU, ME, atom("token"), atom("why")), False),
    (group(small(16), YOU, NONE, atom("name"), atom("token")), True),
    (group(small(19), YOU, ME, ref("you@box")), False), (group(small(19), YOU, atom("name"), ref("you@box")), False),
    (group(small(20), YOU, ME, ref("you@box")), False), (group(small(21), YOU, ME, ref("me@box"), atom("why")), False),
    (group(small(22), YOU, ME), True), (group(small(23), YOU, ME, atom("token")), True), (group(small(24), YOU, ME), True),
    (group(small(26), YOU, ME), True), (group(small(28), YOU, ME, ref("me@box")), True),
    (group(small(29), ref("you@box"), YOU, YOU, group(atom("erpc"), atom("execute_call"), small(4)),
           sequence(atom("monitor"))), True),
    (group(small(31), ref("me@box"), ME, small(2), YOU), False), (group(small(33), YOU, ref("me@box")), True),
    (group(small(35), small(99), YOU, ME), False), (group(small(36), small(99), YOU, ME), False),
]

# --- frames ---


def framed(*frames):
    return b"".join(struct.pack(">H", len(frame)) + frame for frame in frames)


def frames():
    for number, (control, carries) in enumerate(CONTROLS):
        payload = PAYLOADS[number % len(PAYLOADS)] if carries else b""
        yield f"header_{number}", b"\0" + framed(b"", b"\x83\x44\0" + control + payload)
        yield f"plain_{number}", b"\1" + framed(b"\x70\x83" + control + (b"\x83" + payload if carries else b""))
    control, payload = CONTROLS[1][0], binary(bytes(300))
    first = b"\x83\x45" + struct.pack(">QQ", 1, 3) + b"\0" + control + payload[:100]
    other = b"\x83\x45" + struct.pack(">QQ", 2, 2) + b"\0" + control + payload[:200]
    yield "parts", b"\0" + framed(first, other, b"\x83\x46" + struct.pack(">QQ", 1, 2) + payload[100:200],
                                  b"\x83\x46" + struct.pack(">QQ", 2, 1) + payload[200:], b"",
                                  b"\x83\x46" + struct.pack(">QQ", 1, 1) + payload[200:])


# --- recipes of control messages: the op, how many elements, which ---


def recipes():
    for op in (*range(1, 38), 255):
        for elements in (bytes([3, 2, 4, 5]), bytes([4, 3, 6, 7, 1]), bytes([2, 4, 3, 8, 9])):
            yield f"op_{op}_{elements.hex()}", bytes([op, len(elements)]) + elements


# --- handshakes: role and answers, size of the pieces, then what the peer says ---

FLAGS = 0xD07DF7FBD


def handshakes():
    name = b"you@box"
    told = b"N" + struct.pack(">QIH", FLAGS, 9, len(name)) + name
    challenge = b"N" + struct.pack(">QIIH", FLAGS, 1234, 9, len(name)) + name
    old = b"n\0\5" + struct.pack(">I", FLAGS & 0xFFFFFFFF) + name
    reply, ack = b"r" + struct.pack(">I", 77) + bytes(16), b"a" + bytes(16)
    talks = {"asked": (0, [told, reply]), "old": (0, [old]), "kept": (8, [told, b"struee"[:5], reply]),
             "let_in": (1, [b"sok", challenge, ack]), "both": (1, [b"sok_simultaneous", challenge, ack]),
             "busy": (1, [b"snok"]), "closed": (1, [b"snot_allowed"]), "alive": (33, [b"salive", challenge, ack])}
    for title, (choice, packets) in talks.items():
        for wide, form in ((0, ">H"), (4, ">I")):
            said = b"".join(struct.pack(form, len(packet)) + packet for packet in packets)
            for piece in (0, 255):
                yield f"{title}_{wide}_{piece}", bytes([choice | wide, piece]) + said


def main():
    for kind, inputs in {"frame": frames, "control": recipes, "handshake": handshakes}.items():
        folder = pathlib.Path(sys.argv[1]) / f"{kind}_fuzz"
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in inputs():
            (folder / name).write_bytes(data)


main()
