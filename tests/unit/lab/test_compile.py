"""Compile cases as folders: a world and the ruleset and routes that the kernel must be given."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.compile.firewall import compile_firewall
from lab.compile.routes import compile_routing
from lab.config import LabConfig
from tests.worlds import base_world, build_model, merge

CASES = sorted(path.parent for path in (Path(__file__).parent / "compile_cases").glob("*/model.yml"))


def compiled(folder: Path) -> dict[str, str]:
    case = yaml.safe_load((folder / "model.yml").read_text())
    world = merge(base_world(case["world"]), case.get("change", {}))
    (vpc,) = build_model(world, LabConfig().pool).vpcs
    routing = compile_routing(vpc)
    lines = [rule.arguments() for rule in sorted(routing.rules)]
    lines += [route.arguments() for route in sorted(routing.routes)]
    return {"expected.nft": compile_firewall(vpc), "expected.routes": "\n".join([*lines, ""])}


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", ["expected.nft", "expected.routes"])
def test_compiles_to_the_expected_text(folder: Path, name: str) -> None:
    assert compiled(folder)[name] == (folder / name).read_text()


def test_the_same_model_always_compiles_to_the_same_text() -> None:
    assert compiled(CASES[0]) == compiled(CASES[0])
