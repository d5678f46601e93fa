"""The API throttles, fails and loses answers at random: a run outlasts it or stops cleanly; the next repairs."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.network.accounts import AT_LENGTH, Operator, empty_account

pytestmark = AT_LENGTH
LOG = logging.getLogger(__name__)
BUILD = (("create_network", "launch_instances"), ())
TEARDOWN = (("teardown",), ("confirm=alpha",))
AT_MOST = 3  # times a calm run: promise 16, on a machine that does nothing else


@dataclass
class Calm:
    """The same runs while the API works: their seconds, and what there is after building."""

    seconds: dict[str, float] = field(default_factory=dict)
    built: Counter[str] = field(default_factory=Counter)


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[name] = time.monotonic() - began
    LOG.info("%s: %.0f s, load %.1f", name, seconds[name], os.getloadavg()[0])


# Anew before each fault: what else this machine does should fall on both.
@pytest.fixture
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    seen = Calm()
    with empty_account(tmp_path_factory.mktemp("calm") / "account") as operator:
        for playbooks, extra in (BUILD, TEARDOWN):
            with timed(seen.seconds, playbooks[0]):
                operator.succeeds(*playbooks, extra=extra)
            seen.built = seen.built or operator.account.things()
    return seen


@pytest.fixture
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with empty_account(tmp_path_factory.mktemp("fault") / "account") as one:
        yield one


@pytest.mark.parametrize(
    ("kind", "chance", "mutating"),
    [
        ("throttle", 0.1, False),
        ("throttle", 0.3, False),
        ("internal-error", 0.1, False),
        ("unavailable", 0.1, False),
        ("lost-request", 0.1, True),
        ("lost-reply", 0.1, True),
    ],
)
def test_a_failing_api_leaves_nothing_twice_and_nothing_behind(
    calm: Calm, operator: Operator, kind: str, chance: float, mutating: bool
) -> None:
    seconds: dict[str, float] = {}
    for (playbooks, extra), end in ((BUILD, calm.built), (TEARDOWN, Counter[str]())):
        operator.account.order("fault-add", kind=kind, chance=chance, mutating=mutating, seed=4)
        with timed(seconds, playbooks[0]):
            status, said = operator.play(*playbooks, extra=extra)
        operator.account.order("fault-clear")
        if status != 0:
            LOG.info("it stopped: %s", said[said.rfind("[ERROR]") :][:600])
            operator.succeeds(*playbooks, extra=extra)
        assert operator.account.things() == end
        if end:
            operator.changes_nothing(*playbooks)
    for name, took in seconds.items():
        assert took <= AT_MOST * calm.seconds[name], f"{name}: {took:.0f} s, calm {calm.seconds[name]:.0f} s"
