"""When roles/tomcat/files/await_version.py is content, and when it gives up, and why."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "roles/tomcat/files/await_version.py"


class Tomcat(BaseHTTPRequestHandler):
    """Answers what the test has put down for a path, and the last of it for ever."""

    plan: dict[str, list[int]] = {}  # noqa: RUF012 - the library makes the instances, so the class must hold it
    asked: list[str] = []  # noqa: RUF012 - as above

    def do_GET(self) -> None:
        answers = self.plan[self.path]
        self.asked.append(self.path)
        self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
        self.send_header("Location", "http://192.0.2.1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tomcat() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tomcat)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    Tomcat.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def await_version(
    folder: Path, url: str, plan: dict[str, list[int]], *page: str, seconds: str = "20", journal: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run it on a machine where Tomcat began at the moment 5 and has said this."""
    for name, text in {"systemctl": "@5", "journalctl": journal}.items():
        (folder / name).write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
        (folder / name).chmod(0o755)
    descriptor = folder / "ROOT##000002-abc.xml"
    descriptor.touch()
    Tomcat.plan = plan
    return subprocess.run(
        [sys.executable, str(PROGRAM), str(descriptor), "none", f"{url}/version", seconds, *page],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_waits_for_the_version_and_then_for_the_page(tomcat: str, tmp_path: Path) -> None:
    plan = {"/version": [404, 404, 200], "/": [502, 503, 504, 503, 200]}
    done = await_version(tmp_path, tomcat, plan, f"{tomcat}/", "20")
    assert done.returncode == 0, done.stdout
    assert 1.0 < float(done.stdout) < 10
    assert Tomcat.asked == ["/version"] * 3 + ["/"] * 5


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_page_that_is_wrong_is_not_waited_for(tomcat: str, tmp_path: Path, status: int) -> None:
    done = await_version(tmp_path, tomcat, {"/version": [200], "/": [status]}, f"{tomcat}/", "20")
    assert (done.returncode, done.stdout) == (1, f"{tomcat}/ answered {status} where it must answer 200")
    assert Tomcat.asked.count("/") == 3


def test_a_version_that_never_comes_is_given_up_at_the_deadline(tomcat: str, tmp_path: Path) -> None:
    done = await_version(tmp_path, tomcat, {"/version": [404]}, seconds="0.5")
    assert done.returncode == 1
    assert "did not answer 200 within 0 s, but: 404" in done.stdout


@pytest.mark.parametrize(
    "sign",
    [
        "Context [##{}] startup failed due to previous errors",
        "Error deploying deployment descriptor [{folder}/ROOT##{}.xml]",
    ],
    ids=["it does not start", "it is no WAR"],
)
def test_a_start_that_failed_is_told_with_its_cause_at_once(tomcat: str, tmp_path: Path, sign: str) -> None:
    journal = f"Caused by: java.lang.Exception: so and so\n{sign.format('000002-abc', folder=tmp_path)}"
    done = await_version(tmp_path, tomcat, {"/version": [404]}, journal=journal)
    assert done.returncode == 1
    assert done.stdout.startswith("Tomcat could not start it: Caused by: java.lang.Exception: so and so")
    assert len(Tomcat.asked) == 1


def test_the_failed_start_of_another_version_is_not_ours(tomcat: str, tmp_path: Path) -> None:
    journal = "Context [##000001-abc] startup failed due to previous errors\n"
    journal += f"Error deploying deployment descriptor [{tmp_path}/ROOT##000001-abc.xml]"
    assert await_version(tmp_path, tomcat, {"/version": [404, 200]}, journal=journal).returncode == 0


def test_nobody_at_the_other_end_is_an_answer_too(tmp_path: Path) -> None:
    done = await_version(tmp_path, "http://127.0.0.1:1", {}, seconds="0.5")
    assert done.returncode == 1
    assert "Connection refused" in done.stdout
