"""Connections that EC2 does not track end with the rule that admitted them; tracked ones do not."""

from __future__ import annotations

from typing import Any

import pytest

from lab.compile.tracking import cut_by_change
from lab.config import LabConfig
from lab.model import Vpc
from tests.worlds import base_world, build_model, merge

IN, OUT = "ingress 10.1.1.10", "egress 10.1.1.10"


def drawn(groups: dict[str, Any], *, ann: str = "ssh") -> Vpc:
    change = {"vpcs": {"a": {"groups": groups, "machines": {"ann": {"groups": [ann]}}}}}
    (vpc,) = build_model(merge(base_world("neighbours"), change), LabConfig().pool).vpcs
    return vpc


def changed(before: Vpc, after: Vpc) -> list[str]:
    return [f"{direction.name} {address}" for direction, address in cut_by_change(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "cut"),
    [
        ({"ingress": ["tcp 22 0.0.0.0/0"]}, {"ingress": []}, [IN]),
        ({"ingress": ["all 0.0.0.0/0"]}, {"ingress": ["tcp 22 0.0.0.0/0"]}, [IN, OUT]),
        ({"ingress": ["all 0.0.0.0/0"]}, {"ingress": ["all 0.0.0.0/0"], "egress": []}, [IN, OUT]),
        ({"ingress": ["tcp 0-65535 0.0.0.0/0"], "egress": ["tcp 443 0.0.0.0/0"]}, {"egress": []}, [OUT]),
        ({"ingress": ["udp 53 0.0.0.0/0"], "egress": ["tcp 0-65535 0.0.0.0/0"]}, {"ingress": []}, []),
        ({"ingress": ["tcp 22 0.0.0.0/0"]}, {"ingress": ["tcp 22 0.0.0.0/0", "tcp 80 0.0.0.0/0"]}, []),
        ({"ingress": ["tcp 22 10.0.0.0/8"]}, {"ingress": []}, []),
        ({"ingress": ["icmp 8 0.0.0.0/0"]}, {"ingress": []}, []),
        ({"ingress": ["tcp 22 0.0.0.0/0"], "egress": ["tcp 443 0.0.0.0/0"]}, {"ingress": []}, []),
    ],
)
def test_only_what_was_open_to_everybody_both_ways_is_cut(
    before: dict[str, Any], after: dict[str, Any], cut: list[str]
) -> None:
    assert changed(drawn({"ssh": before}), drawn({"ssh": after})) == cut


def test_an_interface_that_leaves_the_group_is_cut() -> None:
    groups: dict[str, Any] = {"ssh": {"ingress": ["tcp 22 0.0.0.0/0"]}}
    assert changed(drawn(groups), drawn(groups, ann="closed")) == [IN]


def test_nothing_changed_cuts_nothing() -> None:
    vpc = drawn({"ssh": {"ingress": ["tcp 22 0.0.0.0/0"]}})
    assert not list(cut_by_change(vpc, vpc))
