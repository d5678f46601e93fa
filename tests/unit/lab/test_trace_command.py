"""`lab trace` tells its answer by text, by JSON and by its status; its core needs nothing but Python."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from lab import cli, client, registry
from lab.config import LabConfig
from lab.trace.question import Service, trace
from tests.worlds import base_world, build_model, machine_id

WEB = machine_id("a", "web")


@pytest.fixture(autouse=True)
def _lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """A running lab that holds the two-tier world."""

    def ask(_: LabConfig, what: str, *, source: str, target: str, service: list[str]) -> dict[str, Any]:
        assert what == "trace"
        model = build_model(base_world("two_tier"), LabConfig().pool)
        return trace(model, source, target, Service.parse(service)).as_json()

    monkeypatch.setattr(registry, "find", LabConfig)
    monkeypatch.setattr(client, "ask", ask)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["lab", "trace", *words])
    try:
        return cli.main()
    except SystemExit as end:
        return int(end.code or 0)


def test_reachable_is_status_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "internet", WEB, "80") == 0
    assert capsys.readouterr().out.startswith(f"internet -> {WEB} tcp 80: reachable")


def test_not_reachable_is_status_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--json", "internet", WEB, "tcp", "8080") == 2
    answer = json.loads(capsys.readouterr().out)
    assert (answer["reachable"], answer["code"]) == (False, "ENI_SG_RULES_MISMATCH")


def test_a_mistake_is_status_1_and_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "internet", WEB, "https") == 1
    assert "say 443, tcp 443" in capsys.readouterr().err


def test_the_core_needs_the_standard_library_only() -> None:
    code = "import lab.trace.question, lab.trace.picture, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.partition(".")[0] in ("lab", "moto", "boto3", "botocore", "yaml")}
    assert {name for name in ours if not name.startswith("lab.trace")} == {"lab", "lab.errors", "lab.model"}
