"""What is drawn: solid where the API admits, dashed where it drops, red where that is not intended."""

from __future__ import annotations

from typing import Any

from reachability import asked
from reachability.drawing.arrows import Arrow, arrows_of, row_of
from reachability.drawing.graph import Graph
from reachability.model import Cell
from reachability.paths.places import ANYBODY
from reachability.paths.read import read

from tests.green import MATRIX
from tests.green_api import acl_entry, api

DETAILS = {
    "machines": {"i-public": {"id": "i-public", "type": "t3.micro"}},
    "zones": {"subnet-public": "ap-northeast-2a", "subnet-private": "ap-northeast-2a"},
    "admin_cidrs": ["0.0.0.0/0"],
}


def drawn(answers: dict[str, Any], verdict: str = "ok") -> tuple[dict[str, Arrow], str, list[dict[str, Any]]]:
    account = read(answers, "playground")
    matrix = [cell for cell in map(Cell.parse, MATRIX) if asked.exists(cell, account)]
    paths = asked.declared_paths(matrix, account, ANYBODY, {})
    findings = {cell.name: {"verdict": verdict, "observed": "open"} for cell in matrix} if verdict else {}
    arrows = arrows_of(matrix, paths, findings)
    text = Graph(account, account.vpcs[0], DETAILS, arrows).text()
    rows = [row_of(cell, paths[cell.name], findings.get(cell.name)) for cell in matrix]
    return {one.id: one for one in arrows}, text, rows


def test_what_is_open_is_solid_and_what_is_closed_dashed() -> None:
    arrows, text, _ = drawn(api())
    assert arrows["internet-public-open"].label == "80"
    assert arrows["internet-public-closed"].label == "443, 8080, 3306, 53/udp, icmp"
    assert all(one.is_verified and not one.is_wrong for one in arrows.values())
    assert 'class="open verified", style="solid"' in text
    assert 'class="closed verified", style="dashed"' in text
    assert "10.1.1.10" in text
    assert "0.0.0.0/0 to public; S3 to the endpoint" in text


def test_nothing_is_verified_before_the_first_proof() -> None:
    arrows, _, rows = drawn(api(), verdict="")
    assert not any(one.is_verified for one in arrows.values())
    assert {row["verdict"] for row in rows} == {"not verified"}


def test_what_is_not_intended_is_wrong_even_before_a_proof() -> None:
    answers = api()
    answers["network_acls"][0]["entries"].append(acl_entry(50, egress=False, action="deny"))
    arrows, _, rows = drawn(answers, verdict="")
    assert arrows["internet-public-closed"].is_wrong
    (page,) = (row for row in rows if row["name"] == "internet -> public:80")
    assert page["rule"] == "acl-default: ingress entry 50 denies all 0.0.0.0/0"
    assert "SUBNET_ACL_RESTRICTION" in page["path"]
