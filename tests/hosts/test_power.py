"""Promises 5 to 9: crashes, power cuts, a full disk, reboots. No acknowledged row is lost, and nobody lends a hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.operator import SERVICE_TAGS, wait_for

from .living import Living, Writer, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def figure(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n    {text}")  # noqa: T201 - a figure of this run, for its reader


def after(fault: Callable[[], object], writer: Writer, *, seconds: float) -> float:
    fault()
    began = time.monotonic()
    return wait_for("rows are written again", lambda: writer.writes_again(began + 0.5), seconds=seconds)


def stopped(site: Living) -> list[str]:
    filters = [*SERVICE_TAGS, {"Name": "instance-state-name", "Values": ["stopped"]}]
    reservations = site.ec2.describe_instances(Filters=filters)["Reservations"]  # type: ignore[arg-type]
    return [machine["InstanceId"] for reservation in reservations for machine in reservation["Instances"]]


def power_off(site: Living, tier: str) -> str:
    machine = str(site.machine(tier)["InstanceId"])
    site.lab_verb("power-off", machine)
    wait_for("EC2 finds it stopped", lambda: machine in stopped(site), seconds=20)
    return machine


def power_on(site: Living, machine: str) -> None:
    site.ec2.start_instances(InstanceIds=[machine])


@pytest.fixture(autouse=True)
def _power_for_the_next_test(site: Living) -> Iterator[None]:
    yield
    for machine in stopped(site):
        power_on(site, machine)


def test_5_a_killed_mysql_loses_nothing_and_writes_again(site: Living, capsys: pytest.CaptureFixture[str]) -> None:
    with writing(site) as writer:
        seconds = after(lambda: site.ssh("private", "sudo pkill -9 -x mysqld"), writer, seconds=10)
    figure(capsys, f"kill -9 mysqld: writes again after {seconds:.1f} s, 0 of {len(writer.acknowledged)} rows lost")


def test_6_a_power_cut_loses_nothing(site: Living, capsys: pytest.CaptureFixture[str]) -> None:
    with writing(site) as writer:
        machine = power_off(site, "private")
        began = time.monotonic()
        power_on(site, machine)
        wait_for("rows are written again", lambda: writer.writes_again(began + 0.5), seconds=30)
        seconds = time.monotonic() - began
    figure(capsys, f"power cut: writes {seconds:.1f} s after power, 0 of {len(writer.acknowledged)} rows lost")


def test_7_a_full_disk_stops_writes_and_nothing_else(site: Living, capsys: pytest.CaptureFixture[str]) -> None:
    with writing(site) as writer:
        process = site.ssh("private", "pgrep -x mysqld")
        site.lab_verb("impair", "sidedish-playground-private", "--full-disk")
        try:
            full = time.monotonic()
            while time.monotonic() < full + 10:
                assert site.mysql("SELECT COUNT(*) > 0 FROM app.proof").strip() == "1", (
                    "no reading while the disk is full"
                )
        finally:
            site.lab_verb("impair", "sidedish-playground-private", "--heal")
        healed = time.monotonic()
        seconds = wait_for("rows are written again", lambda: writer.writes_again(healed), seconds=5)
        assert site.ssh("private", "pgrep -x mysqld") == process, "MySQL was restarted"
    figure(capsys, f"disk full for 10 s: writes {seconds:.1f} s after, 0 of {len(writer.acknowledged)} rows lost")


@pytest.mark.parametrize("tier", ["public", "private"])
@pytest.mark.parametrize("how", ["orderly", "power cut"])
def test_8_after_a_boot_everything_is_back(
    site: Living, tier: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if how == "orderly":
        site.ec2.reboot_instances(InstanceIds=[site.machine(tier)["InstanceId"]])
        time.sleep(1)  # it is still up for a moment, and must not be taken for back
    else:
        power_on(site, power_off(site, tier))
    seconds = site.wait_for_all(seconds=60)
    figure(capsys, f"{tier}, {how}: page and way out after {seconds:.1f} s")


@pytest.mark.parametrize("first", ["public", "private"])
def test_9_both_are_off_and_power_returns_in_any_order(
    site: Living, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    second = {"public": "private", "private": "public"}[first]
    machines = [power_off(site, tier) for tier in (first, second)]
    power_on(site, machines[0])
    time.sleep(10)
    power_on(site, machines[1])
    seconds = site.wait_for_all(seconds=90)
    figure(capsys, f"{first} first, {second} 10 s later: whole service {seconds:.1f} s after that")
