"""The path analysis of the role, from the API's words, against AWS's documentation as the oracle reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from reachability.paths.account import Account
from reachability.paths.packet import PathError, Service
from reachability.paths.picture import draw
from reachability.paths.question import explain
from reachability.paths.read import read

from tests.green_api import api
from tests.lab.api_answers import answers_of
from tests.lab.drawn_worlds import every_question, worlds
from tests.lab.oracle import Oracle, Undocumented
from tests.unit.lab.test_oracle import CASES, POOL, STRANGER, account, address
from tests.worlds import base_world, machine_id, merge


def said_of(world: dict[str, Any], questions: list[tuple[str, str, str, int]]) -> list[str]:
    """Where the explainer and the oracle differ."""
    oracle, (model, translating) = Oracle(world, POOL, STRANGER), account(world)
    seen = read(answers_of(model))
    wrong = []
    for source, target, protocol, port in questions:
        to = address(world, target)
        try:
            expected = oracle.ask(source, to, protocol, port)
        except Undocumented:
            continue
        start = str(STRANGER) if source == "internet" else machine_id(*source.split("/"))
        path = explain(seen, start, to, Service(protocol, port), translating)
        found = str(path.seen_as) if path.is_open else None
        if found != expected:
            wrong.append(f"{source} -> {target} {protocol} {port}: oracle {expected}, explained {found} {path.code}")
    return wrong


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(world=worlds())
def test_the_oracle_and_the_explainer_agree_on_drawn_worlds(world: dict[str, Any]) -> None:
    assert said_of(world, every_question(world)) == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_oracle_and_the_explainer_agree_on_the_case_files(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    world = base_world(case["world"])
    for step in case["steps"]:
        world = merge(world, step.get("change", {}))
        questions = []
        for text in step.get("packets", {}):
            source, _, target, protocol, *port = text.split()
            questions.append((source, target, protocol, int(port[0]) if port else 0))
        assert said_of(world, questions) == []


def playground() -> Account:
    return read(api(), "playground")


def test_a_private_machine_goes_out_through_the_nat_instance() -> None:
    path = explain(playground(), "private", "internet", Service("tcp", 443))
    assert str(path.seen_as) == "198.51.100.7"
    assert [one.component for one in path.steps if one.kind == "forwarder"] == [
        "eni-public (sidedish-playground-public)"
    ] * 2
    assert "forwards and translates" in path.assumptions[0]
    assert path.decided.said == "0.0.0.0/0 -> eni-public"


def test_the_first_blocker_is_named_with_its_code() -> None:
    path = explain(playground(), "internet", "public", Service("tcp", 3306))
    assert path.code == "ENI_SG_RULES_MISMATCH"
    assert draw(path).endswith(
        "ENI_SG_RULES_MISMATCH: sg-public (sidedish-playground-public), no ingress rule admits it"
    )


def test_s3_is_reached_by_the_endpoint_and_not_by_udp() -> None:
    path = explain(playground(), "private", "s3", Service("tcp", 443))
    assert path.is_open
    assert not [one for one in path.steps if one.kind == "forwarder"]
    assert explain(playground(), "private", "s3", Service("udp", 443)).code == "VPCE_GATEWAY_PROTOCOL_RESTRICTION"


@pytest.mark.parametrize(("source", "target"), [("privat", "internet"), ("private", "databse")])
def test_an_unknown_place_is_an_error_with_the_choices(source: str, target: str) -> None:
    with pytest.raises(PathError, match=r"There are: internet, private, public, resolver, s3, sidedish-playground"):
        explain(playground(), source, target, Service("tcp", 443))


@pytest.mark.parametrize("port", ["", "0", "https", 65536])
def test_a_bad_port_is_an_error(port: Any) -> None:
    with pytest.raises(PathError, match="from 1 to 65535"):
        Service.parse("tcp", port)
