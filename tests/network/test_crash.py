"""The controller is killed in the middle: the next run ends like a clean one, and the third changes nothing.

Here it is killed once. ONEBOX_NETWORK=all begins again from every moment between two calls that change something, of
building and of tear-down; see CONTRIBUTING.md.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

from tests.network.accounts import AT_LENGTH, Account, Operator, empty_account, wait_for

LOG = logging.getLogger(__name__)
BUILD = ("create_network", "launch_instances")
TEARDOWN = ("confirm=alpha",)
# With the main table and the default group that EC2 puts into every VPC.
NETWORK = Counter(vpcs=1, internet_gateways=1, subnets=2, route_tables=2, security_groups=3)


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


@AT_LENGTH
def test_building_goes_on_from_every_moment(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        faults, begun = [], 0
        for playbook in BUILD:
            operator.account.order("keep", keep=True)
            operator.succeeds(playbook)
            operator.account.order("keep", keep=False)
            clean, moments = operator.account.things(), operator.account.moments()
            faults += [fault for moment in moments[begun:] for fault in _goes_on(operator, moment, playbook, clean)]
            begun = len(moments)
        assert not faults, "\n".join(faults)


@AT_LENGTH
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


def _goes_on(operator: Operator, moment: Account, playbook: str, clean: Counter[str]) -> list[str]:
    """What is wrong after a run that begins at that moment."""
    later, folder = operator.at(moment), moment.folder
    status, said = later.play(playbook)
    faults = []
    if status != 0 or moment.things() != clean:
        faults = [f"{folder.name}: {moment.things()} instead of {clean}\n{said[-2000:]}"]
    else:
        try:
            later.changes_nothing(playbook)
        except AssertionError as error:
            faults = [f"{folder.name}, third run: {error}"]
    LOG.info("%s: %s", folder.name, "FAULT" if faults else "ok")
    return faults
