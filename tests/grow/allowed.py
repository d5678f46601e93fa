"""Whether docs/iam-policy*.json allow what the playbooks called of a living lab.

usage: python -m tests.grow.allowed LAB
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

POLICIES = sorted((Path(__file__).resolve().parents[2] / "docs").glob("iam-policy*.json"))
# Everybody may ask who he is.
FREE = {"sts:GetCallerIdentity"}
# How policies call a service that its API calls otherwise.
PREFIXES = {"elbv2": "elasticloadbalancing", "elb": "elasticloadbalancing"}


def allowed() -> set[str]:
    actions: set[str] = set()
    for policy in POLICIES:
        for one in json.loads(policy.read_text(encoding="utf-8"))["Statement"]:
            actions |= {one["Action"]} if isinstance(one["Action"], str) else set(one["Action"])
    return actions


def called(lab: str) -> set[str]:
    """By Ansible, since the lab is up."""
    argv = [sys.executable, "-m", "lab.cli", "calls", "--name", lab, "--json"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    calls = [json.loads(line) for line in lines]
    return {
        f"{PREFIXES.get(call['service'], call['service'])}:{call['action']}"
        for call in calls
        if "Ansible" in call["agent"] and call["service"] != "s3"
    }


if __name__ == "__main__":
    lacking = sorted(called(sys.argv[1]) - allowed() - FREE)
    sys.stdout.write("\n".join([f"{len(lacking)} actions are not allowed", *lacking, ""]))
    sys.exit(bool(lacking))
