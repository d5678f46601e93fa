"""Promise 24: nobody waits for a resolver that does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from .living import Living

DROP = "sudo iptables {} OUTPUT -p udp --dport 53 -j DROP; sudo iptables {} OUTPUT -p tcp --dport 53 -j DROP"


@pytest.fixture
def nameless(site: Living) -> Iterator[Living]:
    for machine in ("public", "private"):
        site.ssh(machine, "command -v iptables > /dev/null || sudo apt-get install -qq iptables")
        site.ssh(machine, DROP.format("-I", "-I"))
    yield site
    for machine in ("public", "private"):
        site.ssh(machine, DROP.format("-D", "-D"))


def fastest(action: Callable[[], object], *, of: int = 10) -> float:
    """The machine has other work; a resolver that is waited for makes every turn slow."""
    took = []
    for _ in range(of):
        began = time.monotonic()
        action()
        took.append(time.monotonic() - began)
    return min(took)


def test_24_database_and_logins_do_without_names(nameless: Living, capsys: pytest.CaptureFixture[str]) -> None:
    with nameless.tunnel() as port:
        database = fastest(lambda: nameless.connect(port).close())
    logins = {m: fastest(partial(nameless.ssh, m, "true"), of=3) for m in ("public", "private")}
    figures = f"database {database * 1000:.0f} ms, " + ", ".join(f"{m} {took:.2f} s" for m, took in logins.items())
    with capsys.disabled():
        print(f"\n    without names: {figures}")  # noqa: T201 - figures for their reader
    assert database < 0.05
    assert all(took < 2 for took in logins.values())
