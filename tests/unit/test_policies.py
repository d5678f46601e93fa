"""The policies that people give to whoever runs the playbooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

POLICIES = sorted((Path(__file__).resolve().parents[2] / "docs").glob("iam-policy*.json"))
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: white space does not count.
MANAGED_POLICY_CHARACTERS = 6144


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_can_be_a_managed_one_and_names_each_action_once(path: Path) -> None:
    policy = json.loads(path.read_text())
    assert len(json.dumps(policy, separators=(",", ":"))) <= MANAGED_POLICY_CHARACTERS
    for one in policy["Statement"]:
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        assert sorted(set(actions)) == actions, one["Sid"]
        assert not any("*" in action for action in actions)
