"""The asking side: TCP answers are told apart, private addresses are never asked from outside."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from reachability import probe
from reachability.model import Cell


def cell(target: str = "box", port: int = 80, expect: str = "open", source: str = "public") -> Cell:
    return Cell(source=source, target=target, port=port, expect=expect, reason="a test")


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_a_listening_port_is_open(listener: int) -> None:
    assert probe.connect("127.0.0.1", listener, 1) == "open"


def test_a_port_nobody_listens_on_is_refused(closed_port: int) -> None:
    assert probe.connect("127.0.0.1", closed_port, 1) == "refused"


def test_a_full_backlog_is_filtered() -> None:
    """Linux drops the handshake when the backlog is full: the same silence as a dropped packet."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        assert probe.connect("127.0.0.1", server.getsockname()[1], 0.3) == "filtered"


def test_an_unknown_name_is_unresolved() -> None:
    assert probe.connect("does-not-exist.invalid", 80, 1) == "unresolved"


def test_what_should_be_open_gets_a_second_chance(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["filtered", "open"])
    monkeypatch.setattr(probe, "connect", lambda *_: next(answers))
    monkeypatch.setattr(probe, "PAUSE_SECONDS", 0)
    assert probe.ask(cell(), "127.0.0.1", 1) == "open"


def test_what_should_be_closed_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["refused"])
    monkeypatch.setattr(probe, "connect", lambda *_: next(answers))
    assert probe.ask(cell(expect="closed"), "127.0.0.1", 1) == "refused"


@pytest.mark.parametrize("address", ["10.1.2.10", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254"])
def test_from_outside_a_private_address_is_refused_before_any_packet(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> str:
        raise AssertionError("a packet was sent")

    monkeypatch.setattr(probe, "connect", never)
    with pytest.raises(ValueError, match="private address"):
        probe.ask_all("internet", [cell(source="internet")], {"box": address}, 1)


def test_from_outside_a_machine_without_public_address_has_no_address() -> None:
    asked = cell(source="internet", expect="filtered")
    assert probe.ask_all("internet", [asked], {"box": ""}, 1)["answers"] == {"internet -> box:80": "no address"}


def test_the_operator_asks_for_the_internet_too() -> None:
    rows = [
        {"from": source, "to": "box", "port": 80, "expect": "open", "reason": "a test"}
        for source in ("operator", "internet", "public", "private")
    ]
    assert [c.source for c in probe.cells_from("internet", rows)] == ["operator", "internet"]
    assert [c.source for c in probe.cells_from("private", rows)] == ["private"]


def test_all_questions_wait_at_the_same_time() -> None:
    began = time.monotonic()
    jobs = {str(number): partial(time.sleep, 0.2) for number in range(20)}
    probe.together(jobs, 5, None)
    assert time.monotonic() - began < 2


def test_an_answer_that_never_comes_is_late() -> None:
    release = threading.Event()

    def never() -> str:
        release.wait(30)
        return "answer"

    jobs = {"never": never, "now": lambda: "answer"}
    assert probe.together(jobs, 0.2, "late") == {"never": "late", "now": "answer"}
    release.set()


def test_an_error_of_a_question_is_raised() -> None:
    def broken() -> str:
        raise KeyError("broken")

    with pytest.raises(KeyError):
        probe.together({"one": broken}, 1, "late")


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<html><head><title>no</title></head><body><p>row:  <b>42</b></p><li>client: 198.51.100.7</body>"
        self.send_response(503 if self.path == "/down" else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_page_is_read_as_text(url: str) -> None:
    assert probe.fetch(url, 2) == {"status": 200, "text": "row: 42\nclient: 198.51.100.7"}


def test_a_page_that_reports_an_error_is_read_too(url: str) -> None:
    assert probe.fetch(url + "down", 2)["status"] == 503


def test_no_page_is_status_zero_with_the_reason(closed_port: int) -> None:
    answer = probe.fetch(f"http://127.0.0.1:{closed_port}/", 1)
    assert answer["status"] == 0
    assert "refused" in answer["error"]


def test_a_configured_proxy_is_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    assert probe.fetch(url, 2)["status"] == 200
