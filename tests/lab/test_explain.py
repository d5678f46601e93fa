"""What playbooks/explain.yml says of a path, from the API alone, is what packets do, on worlds drawn at random."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from reachability.paths.account import Account
from reachability.paths.packet import Service
from reachability.paths.question import explain
from reachability.paths.read import read

from lab.config import LabConfig
from tests.lab.api_answers import answers_of
from tests.lab.drawn_worlds import every_question, worlds
from tests.lab.oracle import Oracle, Undocumented
from tests.lab.packets import STRANGER_HOST, DataPlane, Question, data_plane
from tests.worlds import build_model, machine_id

# ONEBOX_EXPLAIN_WORLDS=200 is the long proof; see CONTRIBUTING.md.
WORLDS = int(os.environ.get("ONEBOX_EXPLAIN_WORLDS", "4"))


@pytest.fixture(scope="module")
def plane() -> Iterator[DataPlane]:
    with data_plane(LabConfig(name="explain", slot=27)) as living:
        yield living


def explained(account: Account, plane: DataPlane, question: tuple[str, str, str, int]) -> str:
    """The explainer's answer in the words of the packets."""
    source, target, protocol, port = question
    machines = plane.world["vpcs"]["a"]["machines"]
    translating = frozenset(machine_id("a", name) for name, one in machines.items() if one.get("masquerade"))
    start = machine_id(*source.split("/")) if "/" in source else plane.address("internet")
    path = explain(account, start, plane.address(target), Service(protocol, port), translating)
    if not path.is_open:
        return "closed"
    # An echo reply does not tell whom it was sent to.
    return "open" if protocol == "icmp" else f"open as {path.seen_as}"


def is_documented(plane: DataPlane, question: tuple[str, str, str, int]) -> bool:
    """Some packets' fate is up to the operating system of a machine, and not to AWS."""
    source, target, protocol, port = question
    try:
        Oracle(plane.world, plane.config.pool, plane.config.pool[STRANGER_HOST]).ask(
            source, plane.address(target), protocol, port
        )
    except Undocumented:
        return False
    return True


@settings(
    max_examples=WORLDS, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(world=worlds())
def test_the_explainer_and_packets_agree(plane: DataPlane, world: dict[str, Any]) -> None:
    plane.apply({"vpcs": {}})
    plane.apply(world)
    account = read(answers_of(build_model(world, plane.config.pool)))
    questions = [
        Question(*question, explained(account, plane, question))
        for question in every_question(world)
        if is_documented(plane, question)
    ]
    wrong = []
    for question, answer in plane.ask(questions).items():
        packets = answer if answer.startswith("open") else "closed"
        if question.expected != packets:
            wrong.append(f"{question}: explained {question.expected}, packets {answer}")
    assert not wrong, "\n".join([str(world), *wrong])
