"""The resolver at VPC+2: private names from the model, a few of the lab's own, the rest from the host's resolver.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab.apply.namespaces import bind_socket

Names = Mapping[str, tuple[IPv4Address, ...]]  # each with its addresses

UPSTREAM_TIMEOUT_SECONDS = 5.0
PRIVATE_NAME = re.compile(r"ip-(\d+)-(\d+)-(\d+)-(\d+)\.[a-z0-9-]+\.compute\.internal\.")


def answer_locally(query: bytes, *, own_names: Names) -> bytes | None:
    """Answer a question about a private or lab name; None means that somebody else must be asked."""
    message = dns.message.from_wire(query)
    if not message.question:
        return None
    question = message.question[0]
    name = question.name.to_text().lower()
    addresses = own_names.get(name) or own_names.get(f"*.{name.partition('.')[2]}") or ()
    if match := PRIVATE_NAME.fullmatch(name):
        with contextlib.suppress(AddressValueError):
            addresses = (IPv4Address(".".join(match.groups())),)
    if not addresses:
        return None
    reply = dns.message.make_response(message)
    reply.flags |= dns.flags.RA
    if question.rdtype == dns.rdatatype.A:
        reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", *map(str, addresses)))
    return reply.to_wire()


def host_nameserver(path: Path = Path("/etc/resolv.conf")) -> str | None:
    """The first nameserver that this machine itself uses."""
    words = (line.split() for line in path.read_text().splitlines()) if path.exists() else iter(())
    return next((line[1] for line in words if len(line) > 1 and line[0] == "nameserver"), None)


def ask_upstream(query: bytes, *, kind: socket.SocketKind) -> bytes:
    """Hand a question to this machine's own resolver, from this machine's own namespace."""
    server = host_nameserver()
    if server is None:
        raise OSError("this machine has no nameserver")
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, kind) as upstream:
        upstream.settimeout(UPSTREAM_TIMEOUT_SECONDS)
        upstream.connect((server, 53))
        if kind is socket.SOCK_DGRAM:
            upstream.send(query)
            return upstream.recv(65535)
        upstream.sendall(struct.pack("!H", len(query)) + query)
        return read_framed(upstream)


def read_framed(stream: socket.socket) -> bytes:
    """One DNS message over TCP: two bytes of length, then the message (RFC 1035, 4.2.2)."""
    with stream.makefile("rb") as reader:
        (length,) = struct.unpack("!H", reader.read(2))
        return reader.read(length)


class Resolver:
    """Serves DNS on one VPC's resolver addresses until closed; the VPC's namespace may go before it does."""

    def __init__(self, namespace: str, addresses: list[str], *, own_names: Names) -> None:
        self._own_names = own_names
        self._sockets: list[socket.socket] = []
        for address in addresses:
            self._serve(bind_socket(namespace, socket.SOCK_DGRAM, (address, 53)), self._serve_datagrams)
            self._serve(bind_socket(namespace, socket.SOCK_STREAM, (address, 53)), self._serve_streams)

    def close(self) -> None:
        """Stop answering; a thread that waits on a socket is woken before the socket is closed."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self, bound: socket.socket, loop: Callable[[socket.socket], None]) -> None:
        self._sockets.append(bound)
        threading.Thread(target=loop, args=(bound,), daemon=True).start()

    def _reply(self, query: bytes, kind: socket.SocketKind) -> bytes:
        return answer_locally(query, own_names=self._own_names) or ask_upstream(query, kind=kind)

    def _serve_datagrams(self, bound: socket.socket) -> None:
        while bound.fileno() >= 0:
            try:
                query, peer = bound.recvfrom(65535)
            except OSError:
                return
            threading.Thread(target=self._answer_datagram, args=(bound, query, peer), daemon=True).start()

    def _answer_datagram(self, bound: socket.socket, query: bytes, peer: tuple[str, int]) -> None:
        # A question that cannot be answered is left unanswered, as a lost datagram would be.
        with contextlib.suppress(OSError, dns.exception.DNSException):
            bound.sendto(self._reply(query, socket.SOCK_DGRAM), peer)

    def _serve_streams(self, bound: socket.socket) -> None:
        while bound.fileno() >= 0:
            try:
                stream, _ = bound.accept()
            except OSError:
                return
            threading.Thread(target=self._answer_stream, args=(stream,), daemon=True).start()

    def _answer_stream(self, stream: socket.socket) -> None:
        with stream, contextlib.suppress(OSError, struct.error, dns.exception.DNSException):
            stream.settimeout(UPSTREAM_TIMEOUT_SECONDS)
            reply = self._reply(read_framed(stream), socket.SOCK_STREAM)
            stream.sendall(struct.pack("!H", len(reply)) + reply)
