"""A machine beside another is told apart from it, and the watch says how long a page was away."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

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
    """200, and 502 while it is away; /hanging answers when it is told."""

    away = False
    asked: ClassVar = {"/": threading.Event(), "/hanging": threading.Event()}
    answer = threading.Event()

    def do_GET(self) -> None:
        Page.asked[self.path].set()
        if self.path == "/hanging":
            Page.answer.wait(20)
        self.send_response(502 if Page.away else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def page(watching: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(watching, "BETWEEN_SECONDS", 0.02)
    for event in (*Page.asked.values(), Page.answer):
        event.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_the_watch_says_how_long_the_page_was_away(watching: ModuleType, page: str, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    stop.touch()  # of a watch before

    def go_away_and_come_back() -> None:
        time.sleep(0.2)
        Page.away = True
        time.sleep(0.5)
        Page.away = False
        time.sleep(0.3)
        stop.touch()

    threading.Thread(target=go_away_and_come_back, daemon=True).start()
    seen = watching.watch(page, stop)
    assert seen["failed"] > 0
    assert seen["longest_seconds"] >= 0.5


def test_the_watch_of_a_run_that_was_killed_ends_too(watching: ModuleType, page: str, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    both = [
        threading.Thread(target=watching.watch, args=(page + where, stop), daemon=True) for where in ("", "hanging")
    ]
    for one in both:
        one.start()
    assert all(asked.wait(10) for asked in Page.asked.values())
    stop.touch()
    both[0].join(10)
    Page.answer.set()
    both[1].join(10)
    assert not any(one.is_alive() for one in both)
