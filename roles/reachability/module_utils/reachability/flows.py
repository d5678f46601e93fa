"""Which connections the kernel tracks: asked by netlink, as /proc/net/nf_conntrack is left out of many kernels.

The messages are those of linux/netfilter/nfnetlink_conntrack.h; nothing beyond the standard library reads them.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

NETLINK_NETFILTER = 12
GET_CONNECTIONS = (1 << 8) | 1  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
REQUEST_ALL = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
ERROR, DONE = 2, 3
HEADER, GENERAL = struct.Struct("=LHHLL"), struct.Struct("=BBH")
ORIGINAL, ADDRESSES, SOURCE, TARGET = 1, 1, 1, 2  # CTA_TUPLE_ORIG, CTA_TUPLE_IP, CTA_IP_V4_SRC, CTA_IP_V4_DST
PATIENCE_SECONDS = 5.0


def attributes(data: bytes) -> dict[int, bytes]:
    """By their types; the two highest bits are flags."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= HEADER.size:
        length, kind, *_ = HEADER.unpack_from(data)
        yield kind, data[HEADER.size : length]
        data = data[(length + 3) & ~3 :]


def ends(body: bytes) -> list[str]:
    """Source and target of a connection as it came."""
    addresses = attributes(attributes(attributes(body[GENERAL.size :])[ORIGINAL])[ADDRESSES])
    return [socket.inet_ntoa(addresses[SOURCE]), socket.inet_ntoa(addresses[TARGET])]


def asked() -> list[list[str]]:
    """From the kernel itself; OSError where it does not tell."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as line:
        line.settimeout(PATIENCE_SECONDS)
        general = GENERAL.pack(socket.AF_INET, 0, 0)
        line.send(HEADER.pack(HEADER.size + len(general), GET_CONNECTIONS, REQUEST_ALL, 1, 0) + general)
        found: list[list[str]] = []
        while True:
            for kind, body in messages(line.recv(1 << 18)):
                if kind == ERROR:
                    raise OSError(-struct.unpack_from("=i", body)[0], "the kernel does not tell its connections")
                if kind == DONE:
                    return found
                found.append(ends(body))


def parse(text: str) -> list[list[str]]:
    """The same from the lines of /proc/net/nf_conntrack."""
    pairs = (re.search(r"src=(\S+) dst=(\S+)", line) for line in text.splitlines())
    return [list(match.groups()) for match in pairs if match]


def flows() -> list[list[str]] | None:
    """Source and target of each connection, once; None where nobody tells."""
    try:
        found = asked()
    except (OSError, LookupError, struct.error):
        file = Path("/proc/net/nf_conntrack")
        if not file.exists():
            return None
        found = parse(file.read_text(encoding="ascii"))
    return [list(pair) for pair in sorted({(source, target) for source, target in found})]
