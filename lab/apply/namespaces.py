"""Network namespaces: made, removed, entered, and listed by whose they are."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from lab.run import in_namespace, run

NETNS_DIR = Path("/run/netns")


def names(prefix: str) -> list[str]:
    """The namespaces whose name starts with `prefix`."""
    return sorted(path.name for path in NETNS_DIR.glob(f"{prefix}*")) if NETNS_DIR.exists() else []


def create(name: str) -> None:
    """Make a namespace with its loopback up; one of that name that exists already is an error."""
    run(["ip", "netns", "add", name])
    run(["ip", "-n", name, "link", "set", "lo", "up"])


def delete(name: str) -> None:
    """Remove a namespace after ending every process in it, so that its interfaces go at once."""
    for pid in run(["ip", "netns", "pids", name], check=False).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue
    run(["ip", "netns", "delete", name], check=False)


def sysctl(name: str, values: Mapping[str, str | int]) -> None:
    """Set kernel parameters inside a namespace; one that this kernel does not have is passed over."""
    text = "".join(f"{key} = {value}\n" for key, value in values.items())
    run(in_namespace(name, ["sysctl", "-e", "-q", "-p", "-"]), stdin=text)


def batch(name: str, commands: list[str], *, tolerant: bool = False) -> None:
    """Run `ip` commands inside a namespace in one process; a tolerant batch goes on after a failure."""
    if commands:
        force = ["-force"] if tolerant else []
        run(["ip", *force, "-n", name, "-batch", "-"], stdin="\n".join([*commands, ""]), check=not tolerant)


def bind_socket(name: str, kind: socket.SocketKind, address: tuple[str, int], *, listen: bool = True) -> socket.socket:
    """A socket bound inside a namespace but served from here: a socket keeps the namespace it was born in."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(NETNS_DIR / name, os.O_RDONLY)
    try:
        os.setns(there, os.CLONE_NEWNET)
        try:
            protocol = socket.IPPROTO_ICMP if kind is socket.SOCK_RAW else 0
            bound = socket.socket(socket.AF_INET, kind, protocol)
        finally:
            os.setns(home, os.CLONE_NEWNET)
    finally:
        os.close(there)
        os.close(home)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(address)
    if listen and kind is socket.SOCK_STREAM:
        bound.listen(128)
    return bound
