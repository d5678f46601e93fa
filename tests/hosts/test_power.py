"""Promises 5 to 9: crashes, power cuts, a full disk, reboots. No acknowledged row is lost, and nobody lends a hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.operator import wait_for

from .living import Living, Writer, writing

if TYPE_CHECKING:
    from collections.abc import Callable


def figure(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n    {text}")  # noqa: T201 - a figure of this run, for its reader


def after(fault: Callable[[], object], writer: Writer, *, seconds: float) -> float:
    fault()
    began = time.monotonic()
    return wait_for("rows are written again", lambda: writer.writes_again(began + 0.5), seconds=seconds)


def power(site: Living, tier: str, *, on: bool) -> None:
    name = f"sidedish-playground-{tier}"
    if not on:
        site.lab_verb("power-off", name)
        return
    filters = [{"Name": "tag:Name", "Values": [name]}, {"Name": "instance-state-name", "Values": ["stopped"]}]
    (reservation,) = site.ec2.describe_instances(Filters=filters)["Reservations"]  # type: ignore[arg-type]
    site.ec2.start_instances(InstanceIds=[reservation["Instances"][0]["InstanceId"]])


def test_5_a_killed_mysql_loses_nothing_and_writes_again(site: Living, capsys: pytest.CaptureFixture[str]) -> None:
    with writing(site) as writer:
        seconds = after(lambda: site.ssh("private", "sudo pkill -9 -x mysqld"), writer, seconds=10)
    figure(capsys, f"kill -9 mysqld: writes again after {seconds:.1f} s, 0 of {len(writer.acknowledged)} rows lost")


def test_6_a_power_cut_loses_nothing(site: Living, capsys: pytest.CaptureFixture[str]) -> None:
    with writing(site) as writer:
        power(site, "private", on=False)
        began = time.monotonic()
        power(site, "private", on=True)
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
        wait_for("rows are written again", lambda: writer.writes_again(healed), seconds=5)
        seconds = time.monotonic() - healed
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
        power(site, tier, on=False)
        power(site, tier, on=True)
    seconds = site.wait_for_all(seconds=60)
    figure(capsys, f"{tier}, {how}: page and way out after {seconds:.1f} s")


@pytest.mark.parametrize("first", ["public", "private"])
def test_9_both_are_off_and_power_returns_in_any_order(
    site: Living, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    second = {"public": "private", "private": "public"}[first]
    for tier in (first, second):
        power(site, tier, on=False)
    power(site, first, on=True)
    time.sleep(10)
    power(site, second, on=True)
    seconds = site.wait_for_all(seconds=90)
    figure(capsys, f"{first} first, {second} 10 s later: whole service {seconds:.1f} s after that")
