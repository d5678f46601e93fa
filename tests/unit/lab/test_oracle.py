"""Models of a VPC that share no code, the oracle and the trace, must say the same of case files and drawn worlds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from lab.config import LabConfig
from lab.model import Instance, Model
from lab.trace.question import Service, trace
from tests.lab.drawn_worlds import every_question, worlds
from tests.lab.oracle import Oracle, Undocumented
from tests.worlds import base_world, build_model, machine_id, merge

CASES = sorted((Path(__file__).parents[2] / "lab/cases").glob("*.yml"))
# The slot of tests/lab/test_packets.py, whose addresses stand in the case files.
POOL = LabConfig(slot=30).pool
STRANGER = POOL[3]


def address(world: dict[str, Any], target: str) -> str:
    """`a/ann` by its private address, `a/ann@public` by its public one, or an address as it is."""
    if target == "internet":
        return str(STRANGER)
    if "/" not in target:
        return target
    place, _, public = target.partition("@")
    vpc, name = place.split("/")
    machine = world["vpcs"][vpc]["machines"][name]
    return str(POOL[machine["public"]]) if public else str(machine["address"])


def account(world: dict[str, Any]) -> tuple[Model, frozenset[str]]:
    """The model with its instances, some stopped, and who of them masquerades."""
    machines = {
        machine_id(vpc, name): one
        for vpc, spec in world["vpcs"].items()
        for name, one in spec.get("machines", {}).items()
    }
    instances = [
        Instance(key, "", "running" if one.get("power", True) else "stopped", "", "", (), "", "")
        for key, one in machines.items()
    ]
    masquerading = frozenset(key for key, one in machines.items() if one.get("masquerade"))
    return replace(build_model(world, POOL), instances=tuple(instances)), masquerading


def traced(model: Model, masquerading: frozenset[str], source: str, target: str, service: Service) -> str | None:
    """What the trace says, in the oracle's words."""
    start = str(STRANGER) if source == "internet" else machine_id(*source.split("/"))
    answer = trace(model, start, target, service, masquerading=masquerading)
    return str(answer.seen_as) if answer.reachable else None


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(world=worlds())
def test_oracle_and_trace_agree(world: dict[str, Any]) -> None:
    oracle, (model, masquerading) = Oracle(world, POOL, STRANGER), account(world)
    for source, target, protocol, port in every_question(world):
        to = address(world, target)
        try:
            said = oracle.ask(source, to, protocol, port)
        except Undocumented:
            continue
        found = traced(model, masquerading, source, to, Service(protocol, port))
        assert found == said, f"{source} -> {target} {protocol} {port}: oracle {said}, trace {found}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_oracle_and_trace_agree_with_the_case_files(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    world = base_world(case["world"])
    for step in case["steps"]:
        world = merge(world, step.get("change", {}))
        oracle, (model, masquerading) = Oracle(world, POOL, STRANGER), account(world)
        for text, expected in step.get("packets", {}).items():
            source, _, target, protocol, *port = text.split()
            to, number = address(world, target), int(port[0]) if port else 0
            said = oracle.ask(source, to, protocol, number)
            found = traced(model, masquerading, source, to, Service(protocol, number))
            assert (said, said is not None) == (found, expected.split()[0] in ("open", "refused")), (
                f"{text}: {expected}"
            )
            if expected.startswith("open as"):
                assert said == address(world, expected.split()[2]), f"{text}: {expected}"


def test_the_oracle_knows_the_shape_that_onebox_builds() -> None:
    world = base_world("two_tier")
    oracle, public = Oracle(world, POOL, STRANGER), str(POOL[16])
    assert oracle.ask("internet", public, "tcp", 80) == str(STRANGER)
    assert oracle.ask("internet", public, "tcp", 8080) is None
    assert oracle.ask("a/web", "10.1.2.10", "tcp", 3306) == "10.1.1.10"
    assert oracle.ask("a/data", str(STRANGER), "tcp", 443) == public
    assert oracle.ask("a/data", str(STRANGER), "icmp", 0) == public
    assert oracle.ask("a/data", public, "tcp", 80) == public
