"""The whole road on the lab: build, build again, prove, break, repair, reboot, tear down, audit.

The steps that every developer can take are molecule's own (create, converge, idempotence, verify, destroy),
so that `molecule test` and this file prove the same scenario and the site is built once, not twice.
Between verify and destroy stands what molecule cannot ask: faults, reboots, audits.
"""

from __future__ import annotations

import contextlib
import html
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pymysql
import pytest
import yaml

from tests.mutations.fault import FOLDER, Fault

from .operator import LAB, PORT, REPO, Operator, wait_for
from .traces import known, traces_of

SIX_MINUTES = 360
HOSTS = {"playground_vpc", "sidedish-playground-public", "sidedish-playground-private"}


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n    {text}", end="", flush=True)  # noqa: T201 - the figures of this run, for its reader


def assert_unchanged(changed: dict[str, int]) -> None:
    assert set(changed) == HOSTS
    assert not any(changed.values()), changed


def assert_green(operator: Operator) -> float:
    done, report = operator.verify()
    wrong = [finding for finding in report["findings"] if finding["verdict"] != "ok"]
    assert not wrong, done.output
    done.check()
    return done.seconds


def test_a_lab_and_an_operator_are_made(operator: Operator) -> None:
    operator.molecule("create")
    config = yaml.safe_load((REPO / ".config/molecule/config.yml").read_text())
    told = {name: value for name, value in config["ansible"]["env"].items() if name.startswith("AWS_")}
    told["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{PORT}"
    assert told == operator.aws, "molecule tells Ansible something else than `lab env`"


def test_verify_before_there_is_a_machine_says_what_to_run(operator: Operator) -> None:
    done = operator.play("verify")
    assert done.status != 0
    assert "ansible-playbook playbooks/site.yml --limit playground" in " ".join(done.output.split())


def test_site_builds_the_environment(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    done = operator.molecule("converge", seconds=1200)
    say(capsys, f"site.yml on an empty account: {done.seconds:.0f} s")


def test_the_second_run_changes_nothing(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    done = operator.molecule("idempotence")
    assert_unchanged(done.changed)
    say(capsys, f"second run: {done.seconds:.0f} s")


def test_check_mode_on_what_is_built_finds_nothing_to_change(operator: Operator) -> None:
    assert_unchanged(operator.play("site", "--check", "--diff").check().changed)


def test_verify_is_green(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    done = operator.molecule("verify")
    assert not any(done.changed.values())
    say(capsys, f"verify: {done.seconds:.0f} s")
    assert (operator.build / "report/reachability.xml").exists()


def test_another_computer_writes_for_itself_how_the_machines_are_reached(operator: Operator, tmp_path: Path) -> None:
    elsewhere = Operator(build=tmp_path)
    for half in ("id_ed25519", "id_ed25519.pub"):
        shutil.copy(operator.build / half, tmp_path)
    refused, advice = elsewhere.play("configure_hosts"), "ansible-playbook playbooks/launch_instances.yml"
    assert refused.status != 0
    assert f"{advice} --limit playground" in " ".join(refused.output.split())
    assert_unchanged(elsewhere.play("launch_instances").check().changed)
    assert elsewhere.ssh("private", "hostname").strip() == "sidedish-playground-private"


def test_a_browser_sees_the_row(operator: Operator) -> None:
    status, text = operator.page()
    assert status == 200
    assert "row:" in text


# One for each kind of evidence; script/mutations tries all there are.
FAULTS = [
    Fault.read(FOLDER / f"{name}.yml")
    for name in (
        "masquerade_flushed",  # the kernel of a machine
        "source_dest_check_on",  # one attribute in the API
        "egress_removed",  # only the path analysis sees it
        "mysql_on_loopback",  # a service that listens elsewhere
        "nginx_upstream_wrong",  # a program that runs, and answers wrongly
        "acl_denies_replies",  # what no run repairs
    )
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_caught_named_and_repaired_as_advised(
    operator: Operator, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each starts from what the one before has repaired, so a repair that does not hold fails the next step."""
    known = fault.inject(operator)
    done, report = operator.verify()
    assert done.status != 0, f"verify did not notice {fault.name}"
    assert fault.is_named_in(report), done.output
    assert f"Look first at: {report['suspects'][0]['name']}" in " ".join(done.output.split())
    say(capsys, f"verify {done.seconds:.0f} s")
    if fault.person:
        fault.take_back(operator, known)
        return
    advice = report["suspects"][0]["repair"]
    repair = operator.playbook(advice).check()
    assert any(repair.changed.values()), f"{advice} changed nothing"
    say(capsys, f"repair {repair.seconds:.0f} s: {advice.partition('playground')[2] or 'all'}")


def test_a_path_is_explained(operator: Operator) -> None:
    done = operator.play("explain", *["-e", "src=private", "-e", "dst=internet", "-e", "port=443"]).check()
    assert "private -> internet tcp 443: reachable, seen as" in done.output
    wrong = operator.play("explain", *["-e", "src=private", "-e", "dst=nowhere", "-e", "port=443"])
    assert "Nothing is called nowhere. There are: internet, private, public" in " ".join(wrong.output.split())


def test_the_living_environment_is_drawn(operator: Operator) -> None:
    done = operator.play("draw", "--extra-vars", f"reachability_draw_directory={operator.build}").check()
    page = html.unescape((operator.build / "playground.html").read_text())
    assert "sidedish-playground-private" in page
    assert 'id="arrow-internet-public-open"' in page
    assert "public 198.18." in (operator.build / "playground.svg").read_text(), done.output


def test_verify_is_green_after_the_repairs(operator: Operator) -> None:
    assert_green(operator)


def boots(operator: Operator) -> dict[str, str]:
    """When the first process of each machine began."""
    began = {}
    for tier in ("public", "private"):
        try:
            began[tier] = operator.ssh(tier, "systemctl show --value --property=UserspaceTimestampMonotonic").strip()
        except AssertionError:
            began[tier] = "no answer"
    return began


def test_after_a_reboot_of_both_machines_everything_is_back(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    before = boots(operator)
    machines = [operator.machine(tier)["InstanceId"] for tier in ("public", "private")]
    operator.ec2.reboot_instances(InstanceIds=machines)

    def all_are_new() -> bool:
        now = boots(operator)
        return "no answer" not in now.values() and not set(now.items()) & set(before.items())

    seconds = wait_for("both machines are back", all_are_new, seconds=120)
    seconds += wait_for("the page is back", lambda: operator.page()[0] == 200, seconds=90)
    say(capsys, f"page back {seconds:.0f} s after the reboot of both machines")
    assert_green(operator)


def download(operator: Operator) -> str:
    """The private machine fetches some 20 MB through the NAT: a package that it has."""
    line = "cd $(mktemp -d) && timeout 60 apt-get download -qq 'mysql*server-core*' && du -ck *.deb | tail -n 1"
    return operator.ssh("private", line).split()[0]


def test_a_large_download_passes_a_narrow_link(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    """Small questions pass any link: only with the segment size set do large answers.

    The lab's router tells nobody outside that a packet was too large, as many a filter on the internet (RFC 2923).
    """
    name = "sidedish-playground-public"
    impair = ["lab", "impair", "--name", operator.lab_name, name]
    operator.run(*impair, "--mtu", "1400", seconds=60, aws=False).check()
    try:
        size = int(download(operator))
    finally:
        operator.run(*impair, "--heal", seconds=60, aws=False).check()
    assert size > 15_000, f"{size} KiB"
    say(capsys, f"{size // 1024} MiB through a link of 1400 bytes")


@pytest.mark.skipif("ONEBOX_LONG" not in os.environ, reason="takes six minutes: ONEBOX_LONG=1")
def test_an_idle_database_connection_survives_six_minutes(operator: Operator) -> None:
    """A connection of the application's pool may rest longer than the groups remember it (350 s on newer machines)."""
    names = {"Path": "/onebox/sidedish/playground", "Recursive": True, "WithDecryption": True}
    parameters = operator.ssm.get_parameters_by_path(**names)["Parameters"]  # type: ignore[arg-type]
    password = next(one["Value"] for one in parameters if one["Name"].endswith("/mysql_app_password"))
    config = str(operator.build / "ssh_config")
    tunnel = subprocess.Popen(
        ["ssh", "-F", config, "-N", "-o", "ControlPath=none", "-L", "127.0.0.1:13406:10.1.2.10:3306", "public"]
    )
    try:
        wait_for("the tunnel", lambda: answers(13406), seconds=20)
        with pymysql.connect(
            host="127.0.0.1", port=13406, user="app", password=password, ssl={"check_hostname": False}
        ) as database:
            before = session_of(database)
            time.sleep(SIX_MINUTES)  # the silence is what is tested
            assert session_of(database) == before
    finally:
        tunnel.terminate()
        tunnel.wait()


def session_of(database: pymysql.Connection) -> object:
    with database.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        return cursor.fetchone()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as caller:
        return bool(caller.recv(1))
    return False


def test_teardown_leaves_nothing(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    done = operator.play("teardown", "--extra-vars", "teardown_confirm=playground").check()
    assert operator.leftovers() == []
    again = operator.play("teardown", "--extra-vars", "teardown_confirm=playground").check()
    assert not any(again.changed.values()), again.output
    say(capsys, f"teardown: {done.seconds:.0f} s, again: {again.seconds:.0f} s")


def test_the_lab_goes_without_a_trace(operator: Operator) -> None:
    lab = known(LAB)
    assert traces_of(lab), "a lab that runs must be seen, or its absence proves nothing"
    operator.molecule("destroy")
    assert not operator.build.exists()
    assert traces_of(lab) == []
