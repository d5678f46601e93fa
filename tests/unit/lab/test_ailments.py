"""What is wrong with machines on purpose: it adds up, is told, and goes with the cable."""

from __future__ import annotations

import pytest

from lab.apply.impairment import Impairment
from lab.errors import LabError
from lab.machines.ailments import Ailments


def test_faults_of_one_machine_add_up() -> None:
    ailments = Ailments(lambda _: "7")
    for kind, amount in (("loss", 10), ("delay", 50), ("full-disk", None)):
        ailments.note(ailments.of("i-1", "web").worse(kind, amount))
    (one,) = ailments.list()
    assert (one.line, one.full_disk) == (Impairment(loss_percent=10, delay_ms=50), True)


def test_a_new_cable_is_sound() -> None:
    cables = {"i-1": "7"}
    ailments = Ailments(cables.__getitem__)
    ailments.note(ailments.of("i-1", "web").worse("loss", 10))
    cables["i-1"] = "8"
    assert ailments.list() == []


def test_a_line_needs_an_amount() -> None:
    with pytest.raises(LabError, match="how much loss is not said"):
        Ailments(lambda _: "7").of("i-1", "web").worse("loss", None)
