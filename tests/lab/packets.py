"""Ask the living data plane with packets: sockets born inside namespaces, no system booted."""

from __future__ import annotations

import contextlib
import errno
import itertools
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from lab.apply.namespaces import bind_socket
from lab.apply.network import Network
from lab.compile.names import short
from lab.config import LabConfig
from lab.run import in_namespace, run
from lab.sweep import sweep
from tests.worlds import build_model, machine_id

# Packets need well under a millisecond here. What should be open is waited for, as this machine may be busy;
# what has not come shortly after all that was dropped.
PATIENCE_SECONDS = 2.0
GRACE_SECONDS = 0.15
STRANGER_HOST = 3
LISTENING_PORTS = (22, 80, 443, 3306, 5000, 8080)
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "icmp": socket.SOCK_RAW}
ECHO_REPLY = 0
_echo_ids = itertools.count(1)


def echo_request() -> bytes:
    """An ICMP echo request (RFC 792) with an identifier of its own, so that it is a flow of its own."""
    identifier = next(_echo_ids)
    return struct.pack("!BBHHH", 8, 0, 0xFFFF - (0x0800 + identifier), identifier, 0)


@dataclass(frozen=True)
class Question:
    """`internet -> a/web tcp 80`, and the answer the case expects."""

    source: str
    target: str
    protocol: str
    port: int
    expected: str

    @classmethod
    def parse(cls, text: str, expected: str) -> Question:
        source, _, target, protocol, *port = text.split()
        return cls(source, target, protocol, int(port[0]) if port else 0, expected)

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} {self.protocol} {self.port}"


class DataPlane:
    """A network without machines: every namespace listens on a few ports and answers with who it saw."""

    def __init__(self, network: Network, config: LabConfig) -> None:
        self.network, self.config = network, config
        self.world: dict[str, Any] = {"vpcs": {}}
        self._listeners = {"internet": self._listen(config.internet_namespace, str(config.pool[STRANGER_HOST]))}
        self._masquerading: set[str] = set()

    def apply(self, world: dict[str, Any]) -> None:
        """Make the kernel follow a world, then let its machines listen."""
        self.world = world
        model = build_model(world, self.config.pool)
        powered = {nic.instance_id for vpc in model.vpcs for nic in vpc.interfaces}
        down = {machine_id(vpc, key) for vpc, key, one in self._machines() if one.get("power") is False}
        self.network.sync(model.powered(frozenset(powered - down)))
        present = {
            self.namespace(f"{vpc}/{key}") for vpc, key, one in self._machines() if one.get("power") is not False
        }
        for gone in self._listeners.keys() - present - {"internet"}:
            for listener in self._listeners.pop(gone):
                listener.close()
            self._masquerading.discard(gone)
        for name in present - self._listeners.keys():
            self._listeners[name] = self._listen(name)
        for vpc, key, one in self._machines():
            if one.get("power") is not False:
                self._forwarding(self.namespace(f"{vpc}/{key}"), on=bool(one.get("masquerade")))

    def _machines(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for vpc, spec in self.world["vpcs"].items():
            for key, one in spec.get("machines", {}).items():
                if "of" not in one:  # a further interface of another one
                    yield vpc, key, one

    def namespace(self, place: str) -> str:
        """`a/web` is a machine; `internet` is a stranger out there."""
        if place == "internet":
            return self.config.internet_namespace
        return f"{self.config.prefix}{short(machine_id(*place.split('/')))}"

    def _listen(self, namespace: str, address: str = "0.0.0.0") -> list[socket.socket]:
        kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
        return [bind_socket(namespace, kind, (address, port)) for kind in kinds for port in LISTENING_PORTS]

    def _forwarding(self, namespace: str, *, on: bool) -> None:
        """What a NAT instance does: forward, and hide the sender behind its own address."""
        if on and namespace not in self._masquerading:
            run(in_namespace(namespace, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]))
            rules = (
                "table ip nat { chain post { type nat hook postrouting priority srcnat; oifname ens5 masquerade; }; }"
            )
            run(in_namespace(namespace, ["nft", "-f", "-"]), stdin=rules)
            self._masquerading.add(namespace)

    def address(self, target: str) -> str:
        """`a/web` by its private address, `a/web@public` by its public one, `internet`, or a literal address."""
        if target[0].isdigit():
            return target
        if target == "internet":
            return str(self.config.pool[STRANGER_HOST])
        place, _, public = target.partition("@")
        vpc, key = place.split("/")
        machine = self.world["vpcs"][vpc]["machines"][key]
        return str(self.config.pool[machine["public"]]) if public else str(machine["address"])

    def expand(self, expected: str) -> str:
        """`open as a/web@public` with the address put in."""
        words = expected.split()
        return f"open as {self.address(words[2])}" if words[:2] == ["open", "as"] else expected

    def ask(self, questions: list[Question]) -> dict[Question, str]:
        """Every question at once; the answers are open as ADDRESS, refused, unreachable or filtered."""
        answers = dict.fromkeys(questions, "filtered")
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            for listener in (one for sockets in self._listeners.values() for one in sockets):
                listener.setblocking(False)
                selector.register(listener, selectors.EVENT_READ, None)
            waiting = set()
            for question in questions:
                caller = stack.enter_context(self._caller(question))
                error = caller.connect_ex((self.address(question.target), question.port))
                if error in (0, errno.EINPROGRESS):
                    with contextlib.suppress(OSError):
                        if caller.type != socket.SOCK_STREAM:
                            caller.send(echo_request())  # a datagram service ignores the content
                    selector.register(caller, selectors.EVENT_READ, question)
                    waiting.add(question)
                else:
                    answers[question] = _name_error(error)
            expected = {question for question in waiting if question.expected.startswith("open")}
            started = quiet_since = time.monotonic()
            while waiting:
                ends = started + PATIENCE_SECONDS if expected & waiting else quiet_since + GRACE_SECONDS
                if (left := ends - time.monotonic()) <= 0:
                    break
                for key, _ in selector.select(left):
                    quiet_since = time.monotonic()
                    sender = key.fileobj
                    assert isinstance(sender, socket.socket)
                    if key.data is None:
                        _answer(sender)
                    elif answer := _read_answer(sender):
                        answers[key.data] = answer
                        waiting.discard(key.data)
                        selector.unregister(sender)
        return answers

    def _caller(self, question: Question) -> socket.socket:
        namespace = self.namespace(question.source)
        address = str(self.config.pool[STRANGER_HOST]) if question.source == "internet" else "0.0.0.0"
        caller = bind_socket(namespace, KINDS[question.protocol], (address, 0), listen=False)
        caller.setblocking(False)
        return caller


def _answer(listener: socket.socket) -> None:
    """Tell the caller which address was seen."""
    with contextlib.suppress(BlockingIOError, ConnectionError):
        if listener.type == socket.SOCK_DGRAM:
            _, peer = listener.recvfrom(16)
            listener.sendto(peer[0].encode(), peer)
            return
        stream, peer = listener.accept()
        with stream:
            stream.sendall(peer[0].encode())


def _read_answer(caller: socket.socket) -> str | None:
    """What came back; None is a packet that is no answer, as a raw socket sees others too."""
    try:
        content = caller.recv(256)
    except OSError as error:
        return _name_error(error.errno or 0)
    if caller.type == socket.SOCK_RAW:
        return "open" if content[20] == ECHO_REPLY else None  # after the IP header of 20 bytes
    return f"open as {IPv4Address(content.decode())}"


def _name_error(number: int) -> str:
    names = {errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "unreachable", errno.ENETUNREACH: "unreachable"}
    return names.get(number, errno.errorcode.get(number, str(number)))


@contextlib.contextmanager
def data_plane(config: LabConfig) -> Iterator[DataPlane]:
    """An internet with one stranger in it and no way out; gone afterwards, whatever happened."""
    network = Network(config)
    sweep(config)  # after a run that was killed
    try:
        network.create(uplink=False)
        stranger = config.pool[STRANGER_HOST]
        run(["ip", "-n", config.internet_namespace, "address", "add", f"{stranger}/32", "dev", "lo"])
        yield DataPlane(network, config)
    finally:
        sweep(config)
