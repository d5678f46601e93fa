"""Log in to MySQL anew, as the application does when it needs one more connection.

A pool goes on with the connections it has, so a page is no proof that the account is still admitted.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct
from typing import Any

# https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
WITH_DATABASE, PROTOCOL_41, TLS, SECURE, PLUGIN_AUTH = 0x8, 0x200, 0x800, 0x8000, 0x80000
FLAGS = WITH_DATABASE | PROTOCOL_41 | TLS | SECURE | PLUGIN_AUTH
PLUGIN = b"caching_sha2_password"
UTF8, LARGEST = 45, 1 << 24
OK, MORE, ERROR = 0x00, 0x01, 0xFF
FAST_AUTH_DONE, WANTS_PASSWORD = 3, 4


def receive(stream: socket.socket) -> tuple[int, bytes]:
    """The number of a packet and its content."""

    def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = stream.recv(count - len(data))
            if not part:
                raise OSError("the server hung up")
            data += part
        return data

    head = exactly(4)
    return head[3], exactly(int.from_bytes(head[:3], "little"))


def send(stream: socket.socket, number: int, content: bytes) -> None:
    stream.sendall(len(content).to_bytes(3, "little") + bytes([number]) + content)


def refusal(content: bytes) -> str:
    """`1045 Access denied ...` of an error packet."""
    text = content[3:].decode(errors="replace")
    return f"{int.from_bytes(content[1:3], 'little')} {text[6:] if text.startswith('#') else text}"


def nonce(greeting: bytes) -> bytes:
    """The 20 bytes that the answer is made with."""
    after = greeting.index(b"\0", 1) + 5
    return greeting[after : after + 8] + greeting[after + 27 : after + 39]


def scrambled(password: str, salt: bytes) -> bytes:
    """What proves the password without telling it."""
    once = hashlib.sha256(password.encode()).digest()
    mixed = hashlib.sha256(hashlib.sha256(once).digest() + salt).digest()
    return bytes(a ^ b for a, b in zip(once, mixed))


def log_in(host: str, port: int, user: str, password: str, name: str, seconds: float) -> str:
    """`ok`, or why not; encrypted, and into the database of that name, as the application's own connections are."""
    with socket.create_connection((host, port), timeout=seconds) as plain:
        _, greeting = receive(plain)
        if greeting[0] == ERROR:
            return refusal(greeting)
        head = struct.pack("<IIB23x", FLAGS, LARGEST, UTF8)
        send(plain, 1, head)
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        with anybody.wrap_socket(plain) as stream:
            answer = scrambled(password, nonce(greeting))
            who = user.encode() + b"\0" + bytes([len(answer)]) + answer
            send(stream, 2, head + who + name.encode() + b"\0" + PLUGIN + b"\0")
            return verdict(stream, password)


def verdict(stream: socket.socket, password: str) -> str:
    number, content = receive(stream)
    if content[0] == MORE and content[1] == WANTS_PASSWORD:
        send(stream, number + 1, password.encode() + b"\0")  # inside TLS
        number, content = receive(stream)
    elif content[0] == MORE and content[1] == FAST_AUTH_DONE:
        number, content = receive(stream)
    if content[0] == ERROR:
        return refusal(content)
    return "ok" if content[0] == OK else "an answer of another kind"


def attempt(database: dict[str, Any], seconds: float) -> str:
    """The answer in one line; a network that drops it is an answer, too."""
    try:
        who = database["user"], database["password"], database["name"]
        return log_in(database["host"], int(database["port"]), *who, seconds)
    except (OSError, ValueError, IndexError) as error:
        return str(error) or type(error).__name__
