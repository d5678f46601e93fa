"""Ask a database with a real client whose socket was born in the namespace of the machine that asks."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import dns.message
import pymysql

from lab.apply.namespaces import bind_socket

PATIENCE_SECONDS = 2.0
NAMES = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "unreachable", errno.ENETUNREACH: "unreachable"}


def resolve(namespace: str, resolver: str, name: str) -> str:
    """What a resolver answers to a machine."""
    with bind_socket(namespace, socket.SOCK_DGRAM, ("0.0.0.0", 0), listen=False) as asker:
        asker.settimeout(PATIENCE_SECONDS)
        asker.sendto(dns.message.make_query(name, "A").to_wire(), (resolver, 53))
        reply = dns.message.from_wire(asker.recv(4096))
    return " ".join(str(item) for rrset in reply.answer for item in rrset)


def knock(namespace: str, address: str, port: int) -> str:
    """What a connection meets: open, refused, unreachable, or filtered."""
    with bind_socket(namespace, socket.SOCK_STREAM, ("0.0.0.0", 0), listen=False) as stream:
        stream.settimeout(PATIENCE_SECONDS)
        try:
            stream.connect((address, port))
        except TimeoutError:
            return "filtered"
        except OSError as error:
            return NAMES[error.errno or 0]
        return "open"


@contextlib.contextmanager
def session(namespace: str, address: str, *, user: str, password: str, tls: bool = True) -> Iterator[Any]:
    """A cursor in a connection from that namespace."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream = bind_socket(namespace, socket.SOCK_STREAM, ("0.0.0.0", 0), listen=False)
    stream.settimeout(10)
    stream.connect((address, 3306))
    client = pymysql.connect(
        host=address, user=user, password=password, ssl=context if tls else None, autocommit=True, defer_connect=True
    )
    client.connect(stream)
    with contextlib.closing(client), client.cursor() as cursor:
        yield cursor
