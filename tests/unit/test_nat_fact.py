"""What the NAT machine tells of itself: the role leaves its rules alone only where they are said to be in force."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

FACT = Path(__file__).resolve().parents[2] / "roles/nat_masquerade/files/nat_masquerade.fact"


@pytest.mark.parametrize("status", [0, 1])
def test_the_rules_are_in_force_if_the_comparison_says_so(tmp_path: Path, status: int) -> None:
    compare = tmp_path / "nat-masquerade"
    compare.write_text(f'#!/bin/sh\necho it differs\ntest "$1" = check && exit {status}\nexit 2\n')
    compare.chmod(0o755)
    script = FACT.read_text().replace("/usr/local/sbin/nat-masquerade", str(compare))
    told = json.loads(subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout)
    assert told == {"at_boot": False, "in_force": status == 0}
