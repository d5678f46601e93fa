"""Connections that stay open while the world changes around them."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import time
from dataclasses import dataclass, field

from lab.apply.namespaces import bind_socket
from tests.lab.packets import STRANGER_HOST, DataPlane

PATIENCE_SECONDS = 2.0
# A living connection carries a byte both ways in less than a millisecond; a dead one is given this.
GRACE_SECONDS = 0.3
_tokens = itertools.count(1)


@dataclass
class Connection:
    """Both ends of one TCP connection."""

    caller: socket.socket
    served: socket.socket

    def is_alive(self, seconds: float) -> bool:
        """Whether a byte comes through in each direction; what an earlier try has left behind is no answer."""
        return _carries(self.caller, self.served, seconds) and _carries(self.served, self.caller, seconds)


def _carries(sender: socket.socket, receiver: socket.socket, seconds: float) -> bool:
    token = bytes([next(_tokens) % 256])
    deadline = time.monotonic() + seconds
    try:
        sender.send(token)
        while select.select([receiver], [], [], max(0.0, deadline - time.monotonic()))[0]:
            received = receiver.recv(256)
            if token in received or not received:
                return bool(received)
    except OSError:
        return False
    return False


@dataclass
class Flows:
    """The connections of one case; `internet -> a/web@public tcp 7000` is opened when it is first named."""

    plane: DataPlane
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    connections: dict[str, Connection] = field(default_factory=dict)
    listeners: dict[tuple[str, int], socket.socket] = field(default_factory=dict)

    def verdict(self, text: str, expected: str) -> str:
        """`alive` or `dead`; one that should be alive is waited for."""
        if text not in self.connections:
            self.connections[text] = self._open(text)
        alive = self.connections[text].is_alive(PATIENCE_SECONDS if expected == "alive" else GRACE_SECONDS)
        return "alive" if alive else "dead"

    def _open(self, text: str) -> Connection:
        source, _, target, _, port = text.split()
        listener = self._listener(target.partition("@")[0], int(port))
        caller = self.stack.enter_context(self._bind(source, 0, listen=False))
        caller.settimeout(PATIENCE_SECONDS)
        caller.connect((self.plane.address(target), int(port)))
        listener.settimeout(PATIENCE_SECONDS)
        served = self.stack.enter_context(listener.accept()[0])
        for one in (caller, served):
            one.setblocking(False)
        return Connection(caller, served)

    def _listener(self, place: str, port: int) -> socket.socket:
        if (place, port) not in self.listeners:
            self.listeners[place, port] = self.stack.enter_context(self._bind(place, port, listen=True))
        return self.listeners[place, port]

    def _bind(self, place: str, port: int, *, listen: bool) -> socket.socket:
        own = str(self.plane.config.pool[STRANGER_HOST]) if place == "internet" else "0.0.0.0"
        return bind_socket(self.plane.namespace(place), socket.SOCK_STREAM, (own, port), listen=listen)
