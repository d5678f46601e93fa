"""What a machine asks of itself before the load balancer is answered."""

from __future__ import annotations

import http.server
import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "roles/balanced_member/files/ask_page.py"


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("ask_page", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    return module


@pytest.fixture
def page() -> Iterator[tuple[str, list[int]]]:
    """An application that answers with these statuses, one after the other."""
    statuses: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", statuses
        server.shutdown()


@pytest.mark.parametrize("good", [200, 302])
def test_it_asks_until_the_page_is_there(asking: ModuleType, page: tuple[str, list[int]], good: int) -> None:
    url, statuses = page
    statuses += [503, 404, good, 500]
    asking.main(url)
    assert statuses == [500]


def test_an_application_that_is_not_there_yet_is_no_error(asking: ModuleType) -> None:
    assert "refused" in asking.ask("http://127.0.0.1:1/")
