"""Worlds that nobody thought of: what the oracle predicts, what the trace explains and what packets do is the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from lab.config import LabConfig
from lab.trace.question import Service, trace
from tests.lab.drawn_worlds import every_question, worlds
from tests.lab.oracle import Oracle, Undocumented
from tests.lab.packets import STRANGER_HOST, DataPlane, Question, data_plane
from tests.worlds import build_model, machine_id

EXAMPLES = 40


@pytest.fixture(scope="module")
def plane() -> Iterator[DataPlane]:
    with data_plane(LabConfig(name="property", slot=29)) as living:
        yield living


def predicted(world: dict[str, Any], plane: DataPlane) -> list[Question]:
    """Every question with the oracle's answer, but those that AWS leaves to the operating system."""
    oracle = Oracle(world, plane.config.pool, plane.config.pool[STRANGER_HOST])
    questions = []
    for source, target, protocol, port in every_question(world):
        try:
            seen_as = oracle.ask(source, plane.address(target), protocol, port)
        except Undocumented:
            continue
        # An echo reply does not tell whom it was sent to.
        opened = "open" if protocol == "icmp" else f"open as {seen_as}"
        questions.append(Question(source, target, protocol, port, opened if seen_as else "closed"))
    return questions


def explained(world: dict[str, Any], question: Question, plane: DataPlane) -> str:
    """The trace's answer in the same words."""
    machines = world["vpcs"]["a"]["machines"]
    masquerading = frozenset(machine_id("a", name) for name, one in machines.items() if one.get("masquerade"))
    start = machine_id(*question.source.split("/")) if "/" in question.source else plane.address("internet")
    service = Service(question.protocol, question.port)
    model = build_model(world, plane.config.pool)
    answer = trace(model, start, plane.address(question.target), service, masquerading=masquerading)
    if not answer.reachable:
        return "closed"
    return "open" if question.protocol == "icmp" else f"open as {answer.seen_as}"


# The same worlds every time: a failure is one that everybody can repeat. No phase shrinks, as each try costs a second.
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(world=worlds())
def test_oracle_trace_and_packets_agree(plane: DataPlane, world: dict[str, Any]) -> None:
    plane.apply({"vpcs": {}})
    plane.apply(world)
    questions = predicted(world, plane)
    wrong = []
    for question, answer in plane.ask(questions).items():
        packets = answer if answer.startswith("open") else "closed"
        trace_says = explained(world, question, plane)
        if not question.expected == trace_says == packets:
            wrong.append(f"{question}: oracle {question.expected}, trace {trace_says}, packets {answer}")
    assert not wrong, "\n".join([str(world), *wrong])
