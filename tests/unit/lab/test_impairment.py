"""What a bad line is made of."""

from __future__ import annotations

import pytest

from lab.apply.impairment import Impairment
from lab.errors import LabError


def test_loss_goes_both_ways() -> None:
    rules = Impairment(loss_percent=7).ruleset("eni-1")
    assert 'iifname "eni-1" numgen random mod 100 < 7' in rules
    assert 'oifname "eni-1" numgen random mod 100 < 7' in rules


def test_a_healthy_line_drops_and_delays_nothing() -> None:
    assert "drop" not in Impairment().ruleset("eni-1")
    assert Impairment().queue() == []


@pytest.mark.parametrize(
    "wrong", [{"loss_percent": 101}, {"loss_percent": -1}, {"mtu": 60}, {"mtu": 9002}, {"rate_kbit": -1}]
)
def test_impossible_values_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(LabError):
        Impairment(**wrong).check()
