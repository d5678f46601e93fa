"""The API throttles, fails and loses answers at random: a run outlasts it or stops cleanly; the next repairs."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from tests.network.accounts import AT_LENGTH, empty_account

pytestmark = AT_LENGTH
LOG = logging.getLogger(__name__)
BUILD = ("create_network", "launch_instances")


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
    tmp_path: Path, kind: str, chance: float, mutating: bool
) -> None:
    with empty_account(tmp_path / "clean") as calm:
        calm.succeeds(*BUILD)
        well = calm.account.things()
    with empty_account(tmp_path / "account") as operator:
        for playbooks, extra, end in ((BUILD, (), well), (("teardown",), ("confirm=alpha",), {})):
            operator.account.order("fault-add", kind=kind, chance=chance, mutating=mutating, seed=4)
            began = time.monotonic()
            status, said = operator.play(*playbooks, extra=extra)
            LOG.info("%s %g, %s: status %d in %.0f s", kind, chance, playbooks, status, time.monotonic() - began)
            operator.account.order("fault-clear")
            if status != 0:
                LOG.info("it said: %s", said[said.find("fatal:") :][:600])
                operator.succeeds(*playbooks, extra=extra)
            assert operator.account.things() == end
            if end:
                operator.changes_nothing(*playbooks)
