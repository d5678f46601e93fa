"""Every option is switched on a living environment, while a visitor asks for the page ten times a second.

ONEBOX_OPTIONS_BUILD names the environment's build folder, ONEBOX_OPTIONS_LAB its lab; see CONTRIBUTING.md. How long the
page and the private machine's way out were away is logged, and asserted only where nothing may be lost at all.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.operator import REPO, wait_for
from tests.hosts.living import Living
from tests.hosts.load import Load

pytestmark = pytest.mark.skipif(
    not os.environ.get("ONEBOX_OPTIONS_BUILD"), reason="needs an environment: ONEBOX_OPTIONS_BUILD"
)
LOG = logging.getLogger(__name__)
URL = "http://checkip.amazonaws.com/"
S3 = "http://s3.ap-northeast-2.amazonaws.com/"
FETCH = "python3 -c 'import urllib.request as u; print(u.urlopen(\"{}\", timeout=3).status)'"
NOBODY = "203.0.113.7/32"  # of the documentation: none of us
SSH = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "ControlPath=none")


@pytest.fixture(scope="module")
def site() -> Living:
    return Living(Path(os.environ["ONEBOX_OPTIONS_BUILD"]), os.environ["ONEBOX_OPTIONS_LAB"])


def switch(site: Living, *extra: str, playbooks: str = "create_network launch_instances", tags: str = "") -> Load:
    """Run with these variables; what the visitor saw. That a second run changes nothing is asked in test_life.py."""
    names = " ".join(f"playbooks/{name}.yml" for name in playbooks.split())
    more = [word for one in extra for word in ("--extra-vars", one)] + (["--tags", tags] if tags else [])
    with Load(site.address(), visitors=1, pause=0.1) as load:
        done = site.playbook(f"ansible-playbook {names} --limit playground", *more).check()
        wait_for("the page", lambda: site.page()[0] == 200, seconds=60)
    LOG.info("%s: page %s; the run took %.0f s", " ".join(extra) or "as it was", load, done.seconds)
    return load


@contextmanager
def watched(site: Living) -> Iterator[dict[str, Any]]:
    """A new connection from the private machine every tenth of a second; afterwards: what became of them."""
    script, seen = (REPO / "tests/grow/egress.py").read_text(), dict[str, Any]()
    config = str(site.build / "ssh_config")
    copy = ["ssh", "-F", config, *SSH, "private", "cat > /tmp/egress.py"]
    subprocess.run(copy, input=script, text=True, check=True, timeout=30)
    argv = ["ssh", "-F", config, *SSH, "private", f"python3 /tmp/egress.py {URL}"]
    # The way in is the way of this test, too: it must outlast the switch.
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:
        yield seen
        said, _ = asking.communicate("\n", timeout=30)
    seen |= json.loads(said)
    LOG.info("private machine's way out: %s", seen)


def enters(site: Living, key: Path) -> bool:
    """Whether somebody with that key, and no other, may log in to both machines."""
    config = key.with_suffix(".config")
    lines = (site.build / "ssh_config").read_text().splitlines()
    config.write_text(
        "\n".join(line for line in lines if "IdentityFile" not in line) + f"\nHost *\n IdentityFile {key}\n"
    )
    argv = ["ssh", "-F", str(config), *SSH, "-o", "IdentitiesOnly=yes"]
    ended = [subprocess.run([*argv, at, "true"], capture_output=True, check=False) for at in ("public", "private")]
    return all(one.returncode == 0 for one in ended)


def test_a_second_zone_comes_and_goes_unnoticed(site: Living) -> None:
    assert switch(site, "second_zone=ap-northeast-2c").outage == 0
    assert switch(site).outage == 0


def test_nothing_leaves_the_isolated_subnet(site: Living) -> None:
    assert switch(site, "isolated_subnet=true", playbooks="create_network").outage == 0
    with machine_in(site, "isolated") as asked:
        assert "10.1.3." in asked("ip -4 address")
        for way in (URL, "https://1.1.1.1/", f"http://{site.address()}/"):
            answer = asked(FETCH.format(way))
            assert "timed out" in answer or "unreachable" in answer, f"{way}: {answer}"
        refused = site.play("create_network")
        assert refused.status != 0, "a subnet was deleted that a machine stands in"
    assert switch(site, playbooks="create_network").outage == 0


def test_s3_is_reached_with_and_without_the_endpoint(site: Living) -> None:
    for extra in (("s3_endpoint=false",), ()):
        with watched(site) as seen:
            assert switch(site, *extra, playbooks="launch_instances").outage == 0
            LOG.info("S3 says %s", site.ssh("private", FETCH.format(S3) + " 2>&1 || true").splitlines()[-1])
        assert seen["failed"] == 0


def test_a_colleague_logs_in_until_the_key_is_taken_out(site: Living, tmp_path: Path) -> None:
    key = tmp_path / "maria"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "maria", "-f", str(key)], check=True)
    assert not enters(site, key)
    keys = json.dumps({"operator_keys": [key.with_suffix(".pub").read_text().strip()]})
    assert switch(site, keys, playbooks="configure_hosts", tags="host_baseline").outage == 0
    assert enters(site, key)
    assert switch(site, playbooks="configure_hosts", tags="host_baseline").outage == 0
    assert not enters(site, key)
    assert "up" in site.ssh("private", "echo up")


def test_narrowed_admin_ranges_shut_us_out_and_widened_ones_let_us_in(site: Living) -> None:
    narrow = json.dumps({"admin_cidrs": [NOBODY]})
    assert switch(site, narrow, playbooks="create_network").outage == 0
    assert not site.answers("public")
    assert switch(site, playbooks="create_network").outage == 0
    assert site.answers("public")


def test_the_nat_becomes_a_gateway_and_comes_back(site: Living) -> None:
    for extra in (("nat=gateway",), ()):
        with watched(site) as seen:
            assert switch(site, *extra).outage == 0
        assert len(seen["seen as"]) == 2, seen
    assert site.egress()


def test_another_type_costs_a_reboot_and_no_more(site: Living) -> None:
    for kind in ("t3.small", "t3.micro"):
        types = (f"aws_instances_public_type={kind}", f"aws_instances_private_type={kind}")
        load = switch(site, *types, playbooks="launch_instances")
        assert 0 < load.outage < 120
        site.wait_for_all(seconds=60)
    assert site.machine("public")["InstanceType"] == "t3.micro"


@contextmanager
def machine_in(site: Living, tier: str) -> Iterator[Callable[[str], str]]:
    """A machine that is nobody's, in a subnet of ours, with the private group; what it says to a command."""
    ec2, like = site.ec2, site.machine("private")
    (subnet,) = ec2.describe_subnets(Filters=[{"Name": "tag:Tier", "Values": [tier]}])["Subnets"]
    groups = [group["GroupId"] for group in like["SecurityGroups"]]
    made = ec2.run_instances(
        ImageId=like["ImageId"], InstanceType="t3.micro", MinCount=1, MaxCount=1,
        SubnetId=subnet["SubnetId"], SecurityGroupIds=groups,
    )["Instances"][0]["InstanceId"]  # fmt: skip

    def asked(command: str) -> str:
        """Past SSH: the bastion leads to no subnet but the private one."""
        argv = ("lab", "exec", "--name", site.lab_name, made, "--", "sh", "-c", f"{command} 2>&1")
        return site.run(*argv, seconds=60, aws=False).output

    try:
        wait_for("the machine", lambda: "default via" in asked("ip route"), seconds=120)
        yield asked
    finally:
        ec2.terminate_instances(InstanceIds=[made])
        ec2.get_waiter("instance_terminated").wait(InstanceIds=[made])
