"""The controller is killed in the middle: the next run ends like a clean one, and the third changes nothing.

Here it is killed once, and what it had begun in the background lives on. ONEBOX_NETWORK=all begins again from every
moment between two calls that change something, of building and of tear-down, and each time the answer to the first
call that then changes something is lost; see CONTRIBUTING.md.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.network.accounts import AT_LENGTH, Account, Operator, empty_account, wait_for

LOG = logging.getLogger(__name__)
BUILD = ("create_network", "launch_instances")
TEARDOWN = ("confirm=alpha",)
# With the main table and the default group that EC2 puts into every VPC.
NETWORK = Counter(vpcs=1, internet_gateways=1, subnets=2, route_tables=2, security_groups=3)
# Runs that go on at once: half of their time they wait.
AT_ONCE = int(os.environ.get("ONEBOX_NETWORK_AT_ONCE", "2"))
# 3: only every third moment, where an hour is too long.
EVERY = int(os.environ.get("ONEBOX_NETWORK_EVERY", "1"))


def test_the_next_run_waits_for_what_a_killed_one_left_behind(tmp_path: Path) -> None:
    """The module that makes the route table does not notice that nobody waits for it."""
    with empty_account(tmp_path / "account") as operator:
        operator.account.order("hold", action="CreateRouteTable")
        killed = operator.start("create_network")
        wait_for(operator.account.folder / "held")
        killed.process.kill()
        since = operator.account.last_call()
        second = operator.start("create_network")
        assert called(operator.account, "GetParameter", since, seconds=600)  # of the lock: that run has ended
        since = operator.account.last_call()
        assert not called(operator.account, "DescribeVpcs", since, seconds=3), "it looks before the module has ended"
        operator.account.order("hold", action="")
        status, said = second.end()
        killed.kill()
        assert status == 0, said
        assert "that run has ended" in said
        assert operator.account.things() == NETWORK
        operator.changes_nothing("create_network")


@AT_LENGTH
def test_building_goes_on_from_every_moment(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        faults, begun = [], 0
        for playbook in BUILD:
            operator.account.order("keep", keep=True)
            operator.succeeds(playbook)
            operator.account.order("keep", keep=False)
            clean, moments = operator.account.things(), operator.account.moments()
            faults += each(moments[begun:], partial(built, operator, playbook, clean))
            begun = len(moments)
        assert not faults, "\n".join(faults)


@AT_LENGTH
def test_tear_down_goes_on_from_every_moment(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        before = operator.account.things()
        operator.succeeds(*BUILD)
        operator.account.order("keep", keep=True)
        operator.succeeds("teardown", extra=TEARDOWN)
        operator.account.order("keep", keep=False)
        faults = each(operator.account.moments(), partial(torn_down, operator, before))
        assert not faults, "\n".join(faults)


def each(moments: list[Account], question: Callable[[Account], str]) -> list[str]:
    """What is wrong after the runs that begin at these moments."""

    def ask(moment: Account) -> str:
        began = time.monotonic()
        fault = question(moment)
        LOG.info("%s: %s, %.0f s", moment.folder.name, "FAULT" if fault else "ok", time.monotonic() - began)
        return fault

    began, tried = time.monotonic(), moments[::EVERY]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        faults = [fault for fault in pool.map(ask, tried) if fault]
    seconds, load = time.monotonic() - began, os.getloadavg()[0]
    LOG.info("%d of %d moments, %d faults, %.0f s, load %.1f", len(tried), len(moments), len(faults), seconds, load)
    return faults


def built(operator: Operator, playbook: str, clean: Counter[str], moment: Account) -> str:
    later = operator.at(moment)
    fault = ends(later, playbook, (), clean)
    if not fault:
        try:
            later.changes_nothing(playbook)
        except AssertionError as error:
            return f"{moment.folder.name}, once more: {error}"
    return fault


def torn_down(operator: Operator, before: Counter[str], moment: Account) -> str:
    return ends(operator.at(moment), "teardown", TEARDOWN, before)


def ends(operator: Operator, playbook: str, extra: tuple[str, ...], well: Counter[str]) -> str:
    """Run it, with one answer lost; where it stops for that, once more. What is wrong then."""
    account = operator.account
    # The first one is that of the lock; one that a dead run holds is refused first, and then taken over.
    account.order("fault-add", kind="lost-reply", mutating=True, nth=3 if account.locked() else 2)
    status, said = operator.play(playbook, extra=extra)
    account.order("fault-clear")
    if status != 0:
        LOG.info("%s: stopped for the lost answer", account.folder.name)
        status, said = operator.play(playbook, extra=extra)
    if status != 0 or account.things() != well:
        return f"{account.folder.name}: {account.things()} instead of {well}\n{said[-2000:]}"
    return ""


def called(account: Account, action: str, since: int, *, seconds: float) -> bool:
    """Whether that call comes within this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if action in [call["action"] for call in account.calls(since=since)]:
            return True
        time.sleep(0.1)
    return False
