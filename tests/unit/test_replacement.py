"""A machine beside another is told apart from it, and the watch says how long a page was away."""

from __future__ import annotations

import importlib.util
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_environment.machines import machine_differences

from tests.unit.test_environment_differences import MACHINES, RIGHT, machine

REPO = Path(__file__).resolve().parents[2]
BESIDE = {"tier": "public_next", "place": "public", "type": "t3.small", "source_dest_check": False, "spot": False}


@pytest.mark.parametrize("tier", ["public", "private"])
def test_a_machine_beside_another_has_the_same_variables(tier: str) -> None:
    assert (REPO / f"group_vars/{tier}_next").resolve() == REPO / f"group_vars/{tier}"


def differences(*machines: dict[str, Any], wanted: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What launch_instances would do with these machines beside those that are right."""
    kept = {f"/onebox/host_keys/{one['id']}": "" for one in machines}
    found = RIGHT | {
        "instances": [*RIGHT["instances"], *machines],
        "parameters": RIGHT["parameters"] | kept,
    }
    return machine_differences(found, MACHINES | {"machines": wanted})


def beside() -> dict[str, Any]:
    return machine("public") | {"id": "i-new", "name": "sidedish-alpha-public_next", "tier": "public_next"}


def test_the_one_beside_is_missing_until_it_is_made() -> None:
    assert differences(wanted=[BESIDE]) == {"public_next_machine": ["there is no machine sidedish-alpha-public_next"]}


def test_the_one_beside_stands_in_the_group_of_its_place_and_the_old_one_is_left_alone() -> None:
    """The old one has the old type still, and nobody stops it for that."""
    assert differences(beside() | {"type": "t3.small"}, wanted=[BESIDE]) == {}


@pytest.mark.parametrize("tier", ["public_next", "public_old"])
def test_a_usual_run_sees_no_second_public_machine(tier: str) -> None:
    assert differences(beside() | {"tier": tier}, wanted=MACHINES["machines"]) == {}  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def watching() -> ModuleType:
    path = REPO / "roles/aws_replacement/files/watch_page.py"
    spec = importlib.util.spec_from_file_location("watch_page", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Page(BaseHTTPRequestHandler):
    """200, and 502 while it is away."""

    away = False

    def do_GET(self) -> None:
        self.send_response(502 if Page.away else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_watch_says_how_long_the_page_was_away(watching: ModuleType, tmp_path: Path) -> None:
    server, stop = HTTPServer(("127.0.0.1", 0), Page), tmp_path / "stop"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    watching.BETWEEN_SECONDS = 0.02  # type: ignore[attr-defined]

    def go_away_and_come_back() -> None:
        time.sleep(0.2)
        Page.away = True
        time.sleep(0.5)
        Page.away = False
        time.sleep(0.3)
        stop.touch()

    threading.Thread(target=go_away_and_come_back, daemon=True).start()
    seen = watching.watch(f"http://127.0.0.1:{server.server_port}/", stop)
    server.shutdown()
    assert seen["failed"] > 0
    assert seen["longest_seconds"] >= 0.5
    assert not stop.exists()
