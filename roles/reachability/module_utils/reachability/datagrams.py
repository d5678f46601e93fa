"""Ask by UDP and ICMP, where silence is an answer too."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess

UNASKED = "not asked"
DNS_PORT, NTP_PORT = 53, 123
ECHO_REQUEST, ECHO_REPLY = 8, 0
# A recursive question for the address of amazonaws.com (RFC 1035); any answer to it will do.
DNS_QUESTION = b"\x0b\x0e\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09amazonaws\x03com\x00\x00\x01\x00\x01"
NTP_QUESTION = b"\x23" + 47 * b"\0"  # version 4, client (RFC 5905)


def udp(address: str, port: int, seconds: float) -> str:
    """open: somebody answered; refused: the machine said that nobody listens; filtered: silence."""
    content = {DNS_PORT: DNS_QUESTION, NTP_PORT: NTP_QUESTION}.get(port, b"onebox")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.settimeout(seconds)
        try:
            caller.connect((address, port))
            caller.send(content)
            caller.recv(512)
        except ConnectionRefusedError:
            return "refused"
        except (socket.timeout, TimeoutError):
            return "filtered"
        except OSError:
            return "unreachable"
    return "open"


def checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo_request(identity: int) -> bytes:
    """RFC 792."""
    content = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, identity, 1) + b"onebox\0\0"
    return content[:2] + struct.pack("!H", checksum(content)) + content[4:]


def icmp_socket() -> socket.socket | None:
    """Without root where the system allows it (ping_group_range), else with it; None: neither."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        with contextlib.suppress(PermissionError):
            return socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
    return None


def icmp(address: str, seconds: float) -> str:
    """open: an echo came back; filtered: silence; not asked: this machine does not let us."""
    caller = icmp_socket()
    if caller is None:
        return by_program(address, seconds)
    with caller:
        caller.settimeout(seconds)
        try:
            caller.connect((address, 0))
            caller.send(echo_request(id(caller) & 0xFFFF))
            while True:
                content = caller.recv(256)
                # A raw socket has the IP header before it, and sees what is for others on this machine.
                start = (content[0] & 0x0F) * 4 if caller.type == socket.SOCK_RAW else 0
                if content[start] == ECHO_REPLY:
                    return "open"
        except (socket.timeout, TimeoutError):
            return "filtered"
        except OSError:
            return "unreachable"


def by_program(address: str, seconds: float) -> str:
    """`ping` may what we may not."""
    ping = shutil.which("ping")
    if not ping:
        return UNASKED
    argv = [ping, "-n", "-c", "1", "-W", f"{seconds:.0f}", address]
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds + 5)
    return "open" if done.returncode == 0 else "filtered"
