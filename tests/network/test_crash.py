"""The controller is killed in the middle: the next run ends like a clean one, and the third changes nothing.

Here it is killed once. ONEBOX_NETWORK=all begins again from every moment between two calls that change something, of
building and of tear-down; see CONTRIBUTING.md.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.network.accounts import Operator, empty_account, wait_for

LOG = logging.getLogger(__name__)
BUILD = ("create_network", "launch_instances")
TEARDOWN = ("confirm=alpha",)
NETWORK = Counter(
    vpcs=1, internet_gateways=1, subnets=2, route_tables=2, security_groups=3
)  # with the main table and the default group of the VPC
EVERYWHERE = pytest.mark.skipif(os.environ.get("ONEBOX_NETWORK") != "all", reason="takes half an hour: ONEBOX_NETWORK=all")


def test_a_killed_controller_leaves_nothing_that_the_next_run_does_not_finish(tmp_path: Path) -> None:
    """After the internet gateway was made and before it was attached: nothing but its tags tells whose it is."""
    with empty_account(tmp_path / "account") as operator:
        operator.account.order("hold", nth=4)
        run = operator.start("create_network")
        wait_for(operator.account.folder / "held", 120)
        run.kill()
        operator.account.order("hold", nth=0)
        assert (operator.account.folder / "held").read_text() == "CreateInternetGateway"
        said = operator.succeeds("create_network")
        assert "that run has ended" in said
        assert operator.account.things() == NETWORK
        operator.changes_nothing("create_network")


@EVERYWHERE
def test_building_goes_on_from_every_moment(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        operator.account.order("keep", keep=True)
        operator.succeeds(*BUILD)
        operator.account.order("keep", keep=False)
        clean = operator.account.things()
        faults = [fault for moment in operator.account.moments() for fault in _goes_on(operator, moment.folder, clean)]
        assert not faults, "\n".join(faults)


@EVERYWHERE
def test_tear_down_goes_on_from_every_moment(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        before = operator.account.things()
        operator.succeeds(*BUILD)
        operator.account.order("keep", keep=True)
        operator.succeeds("teardown", extra=TEARDOWN)
        faults = []
        for moment in operator.account.moments():
            later = operator.at(moment)
            status, said = later.play("teardown", extra=TEARDOWN)
            if status != 0 or moment.things() != before:
                faults.append(f"{moment.folder.name}: {moment.things()}\n{said[-2000:]}")
            LOG.info("%s: %s", moment.folder.name, "FAULT" if faults else "ok")
        assert not faults, "\n".join(faults)


def _goes_on(operator: Operator, folder: Path, clean: Counter[str]) -> list[str]:
    """What is wrong after a run that begins at that moment."""
    moment = next(one for one in operator.account.moments() if one.folder == folder)
    later = operator.at(moment)
    status, said = later.play(*BUILD)
    faults = []
    if status != 0 or moment.things() != clean:
        faults = [f"{folder.name}: {moment.things()} instead of {clean}\n{said[-2000:]}"]
    else:
        try:
            later.changes_nothing(*BUILD)
        except AssertionError as error:
            faults = [f"{folder.name}, third run: {error}"]
    LOG.info("%s: %s", folder.name, "FAULT" if faults else "ok")
    return faults
