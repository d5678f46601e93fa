"""Ansible's own modules against the lab."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.lab.conformance.site import Site
from tests.lab.living import LivingLab, lab


def test_modules_find_their_own_tags_again(living: LivingLab, site: Site, tmp_path: Path) -> None:
    """Elastic IPs and NAT gateways: the second run changes nothing, another value is one change."""
    allocation = site.ec2.allocate_address(Domain="vpc")["AllocationId"]
    found = {"in_vpc": True, "tag_name": "Name", "tag_value": "site-eip", "reuse_existing_ip_allowed": True}
    gateway = {"subnet_id": site.subnet, "allocation_id": allocation, "if_exist_do_not_create": True, "wait": True}
    tasks: list[dict[str, Any]] = []
    for step, owner in (("make", "site"), ("again", "site"), ("other", "other")):
        tags = {"Name": "site-eip", "Service": owner}
        tasks += [
            {"amazon.aws.ec2_eip": {**found, "tags": tags}, "register": "eip"},
            {"amazon.aws.ec2_vpc_nat_gateway": {**gateway, "tags": tags}, "register": "nat"},
            {"ansible.builtin.debug": {"msg": f"{step}: {{{{ eip.changed }}}} {{{{ nat.changed }}}}"}},
        ]
    play = tmp_path / "tags.yml"
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    values = json.loads(lab("env", "--name", living.config.name, "--json"))
    ran = subprocess.run(
        ["ansible-playbook", str(play)], env={**os.environ, **values}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = re.findall(r"(?:make|again|other): (?:True|False) (?:True|False)", ran.stdout)
    assert told == ["make: True True", "again: False False", "other: True True"]
