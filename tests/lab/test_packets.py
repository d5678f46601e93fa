"""Every rule of a VPC on real packets: each file in cases/ is one claim, its source, and what must follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.config import LabConfig
from tests.lab.flows import Flows
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
    flows = Flows(plane)
    with flows.stack:
        for step in case["steps"]:
            world = merge(world, step.get("change", {}))
            plane.apply(world)
            when = step.get("when", "at first")
            questions = [Question.parse(text, str(answer)) for text, answer in step.get("packets", {}).items()]
            answers = plane.ask(questions)
            wrong += [
                f"{when}: {one} should be {plane.expand(one.expected)}, but is {answers[one]}"
                for one in questions
                if not verdict(answers[one], plane.expand(one.expected))
            ]
            for text, expected in step.get("flows", {}).items():
                if (found := flows.verdict(text, expected)) != expected:
                    wrong.append(f"{when}: the connection {text} should be {expected}, but is {found}")
    assert not wrong, f"{case['claim']}\n  " + "\n  ".join(wrong)
