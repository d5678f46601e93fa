"""Every rule of a VPC on real packets: each file in cases/ is one claim, its source, and what must follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.config import LabConfig
from tests.lab.packets import DataPlane, Question, data_plane
from tests.worlds import base_world, merge

CASES = sorted(Path(__file__).parent.glob("cases/*.yml"))


@pytest.fixture(scope="module")
def plane() -> Iterator[DataPlane]:
    with data_plane(LabConfig(name="packets", slot=30)) as living:
        yield living


def verdict(answer: str, expected: str) -> bool:
    """`open` is any open; `open as ADDRESS` is exact; `closed` is everything but open."""
    if expected == "open":
        return answer.startswith("open")
    return not answer.startswith("open") if expected == "closed" else answer == expected


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_packets(path: Path, plane: DataPlane) -> None:
    case: dict[str, Any] = yaml.safe_load(path.read_text())
    world = base_world(case["world"])
    wrong = []
    plane.apply({"vpcs": {}})
    for step in case["steps"]:
        world = merge(world, step.get("change", {}))
        plane.apply(world)
        questions = [Question.parse(text, str(answer)) for text, answer in step["packets"].items()]
        answers = plane.ask(questions)
        wrong += [
            f"{step.get('when', 'at first')}: {one} should be {plane.expand(one.expected)}, but is {answers[one]}"
            for one in questions
            if not verdict(answers[one], plane.expand(one.expected))
        ]
    assert not wrong, f"{case['claim']}\n  " + "\n  ".join(wrong)
