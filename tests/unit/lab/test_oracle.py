"""Two models of a VPC that share no code, the oracle and the trace, must say the same of many small worlds."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from lab.config import LabConfig
from lab.trace.question import Service, trace
from tests.lab.drawn_worlds import every_question, worlds
from tests.lab.oracle import Oracle, Undocumented
from tests.worlds import base_world, build_model, machine_id

POOL = LabConfig().pool
STRANGER = POOL[3]


def address(world: dict[str, Any], target: str) -> str:
    """`a/ann` by its private address, `a/ann@public` by its public one."""
    if target == "internet":
        return str(STRANGER)
    place, _, public = target.partition("@")
    machine = world["vpcs"]["a"]["machines"][place.partition("/")[2]]
    return str(POOL[machine["public"]]) if public else str(machine["address"])


def judge(world: dict[str, Any], source: str, target: str, protocol: str, port: int) -> str | None:
    return Oracle(world, POOL, STRANGER).ask(source, address(world, target), protocol, port)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(world=worlds())
def test_oracle_and_trace_agree(world: dict[str, Any]) -> None:
    model, oracle = build_model(world, POOL), Oracle(world, POOL, STRANGER)
    machines = world["vpcs"]["a"]["machines"]
    masquerading = frozenset(machine_id("a", name) for name, one in machines.items() if one.get("masquerade"))
    for source, target, protocol, port in every_question(world):
        to = address(world, target)
        try:
            said = oracle.ask(source, to, protocol, port)
        except Undocumented:
            continue
        start = str(STRANGER) if source == "internet" else machine_id(*source.split("/"))
        answer = trace(model, start, to, Service(protocol, port), masquerading=masquerading)
        found = str(answer.seen_as) if answer.reachable else None
        assert found == said, f"{source} -> {target} {protocol} {port}: oracle {said}, trace {found}"


def test_the_oracle_knows_the_shape_that_onebox_builds() -> None:
    world = base_world("two_tier")
    public = str(POOL[16])
    assert judge(world, "internet", "a/web@public", "tcp", 80) == str(STRANGER)
    assert judge(world, "internet", "a/web@public", "tcp", 8080) is None
    assert judge(world, "a/web", "a/data", "tcp", 3306) == "10.1.1.10"
    assert judge(world, "a/data", "internet", "tcp", 443) == public
    assert judge(world, "a/data", "internet", "icmp", 0) == public
    assert judge(world, "a/data", "a/web@public", "tcp", 80) == public
