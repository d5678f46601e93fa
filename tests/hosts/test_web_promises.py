"""Promises 1 to 4: what nginx and Tomcat do while something breaks, asked from outside, under load."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.operator import wait_for

from .living import Living
from .load import Load
from .web import Web, version
from .websocket import WebSocket

Say = Callable[[object], None]
GATEWAY = {200, 502, 503, 504}


@pytest.fixture(scope="module")
def web(site: Living, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The application is one that can be told to fail; sidedish is back afterwards."""
    made = Web(site)
    made.configure(
        "nginx_proxy",
        nginx_proxy_websocket_paths=["/chat/"],
        nginx_proxy_static_folders={"/static/": "/srv/static"},
    )
    made.root("echo still here > /srv/static/page.txt")
    made.deploy(version(tmp_path_factory.mktemp("probe"), "one"))
    yield made
    made.root("rm -r /srv/static")
    made.configure("nginx_proxy")
    site.play("deploy").check()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def speak(text: object) -> None:
        with capsys.disabled():
            print(f"\n    {text}", end="", flush=True)  # noqa: T201 - the figures of this run, for its reader

    return speak


def test_tomcat_is_back_within_five_seconds_when_it_is_killed(web: Web, say: Say) -> None:
    with Load(web.address) as load:
        web.root("pkill -KILL java")
        wait_for("an error page", lambda: load.failed, seconds=5)
        back = wait_for("the page", web.is_well, seconds=5)
    say(f"kill -9: back after {back:.1f} s; {load}")
    assert set(load.statuses) <= GATEWAY
    assert load.slowest < 2


@pytest.mark.parametrize("end", ["/do/exit", "/do/memory"])
def test_tomcat_is_back_within_five_seconds_when_it_ends(web: Web, say: Say, end: str) -> None:
    began = web.root("pgrep java")
    with Load(web.address) as load:
        assert web.ask(end)[0] in (502, 504)
        back = wait_for("the page", web.is_well, seconds=5)
    say(f"{end}: back after {back:.1f} s; {load}")
    assert web.root("pgrep java") != began
    assert set(load.statuses) <= GATEWAY


def test_tomcat_is_started_however_often_it_ends(web: Web) -> None:
    for _ in range(8):
        web.root("pkill -KILL java")
        wait_for("Tomcat", lambda: web.root("pgrep java || true"), seconds=5)
    wait_for("the page", web.is_well, seconds=10)


def test_a_hanging_tomcat_costs_ten_seconds_and_no_static_page(web: Web, say: Say) -> None:
    web.root("pkill -STOP java")
    try:
        with Load(web.address, "/static/page.txt", visitors=1) as static, Load(web.address, visitors=2) as load:
            wait_for("answers", lambda: len(load.answers) >= 4, seconds=25)
    finally:
        web.root("pkill -CONT java")
    say(f"hanging: {load}; static files: {static}")
    assert set(load.statuses) == {504}
    assert load.slowest < 10.5
    assert set(static.statuses) == {200}
    wait_for("the page", web.is_well, seconds=5)


def test_a_reload_of_nginx_fails_no_request(web: Web, say: Say) -> None:
    """With a changed configuration; a connection of WebSocket outlives it."""
    socket = WebSocket(web.address, "/chat/echo")
    assert socket.status == 101
    with Load(web.address) as load:
        before = web.root("cat /run/nginx.pid; pgrep -P $(cat /run/nginx.pid)")
        changes = web.configure(
            "nginx_proxy",
            nginx_proxy_websocket_paths=["/chat/"],
            nginx_proxy_static_folders={"/static/": "/srv/static"},
            nginx_proxy_body_mb=11,
        )
        after = web.root("cat /run/nginx.pid; pgrep -P $(cat /run/nginx.pid)")
    say(f"reload: {load}")
    assert changes >= 1
    assert before.split()[0] == after.split()[0]
    assert before != after, "no worker is new, so nothing was reloaded"
    assert load.failed == []
    assert socket.say("hello") == "heard hello"
    socket.close()


def test_nginx_passes_on_who_asked_and_compresses(web: Web) -> None:
    status, text, _ = web.ask("/do/body", b"x" * 100_000)
    assert (status, text.split()[0]) == (200, "100000")
    assert "scheme http" in text
    assert f"host {web.address}" in text
    assert "client 127." not in text
    assert web.ask("/do/body", b"x" * 12_000_000)[0] == 413
    assert web.ask("/do/long")[2]["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "variable",
    [{"nginx_proxy_headers": {"X-Broken ;": "}"}}, {"nginx_proxy_websocket_paths": ["/chat/ }"]}],
    ids=["header", "path"],
)
def test_a_broken_nginx_configuration_never_gets_into_place(web: Web, variable: dict[str, object]) -> None:
    state = "sha256sum /etc/nginx/nginx.conf; systemctl show nginx --property=StateChangeTimestamp"
    before = web.root(state)
    said = web.refuse("configure_public", "--tags", "nginx_proxy", "-e", json.dumps(variable))
    assert re.search(r" in \S+:\d+", said), f"neither file nor line: {said}"
    assert web.root(state) == before
    assert web.is_well()
    web.root("nginx -t -q")


@pytest.mark.parametrize(
    "variable",
    [{"tomcat_log_days": '1" < '}, {"tomcat_java_options": ["-Da='"]}, {"tomcat_heap_percent": 95}],
    ids=["server.xml", "default", "heap"],
)
def test_a_broken_tomcat_configuration_never_gets_into_place(web: Web, variable: dict[str, object]) -> None:
    state = "sha256sum /etc/tomcat11/server.xml /etc/default/tomcat11; pgrep java"
    before = web.root(state)
    said = web.refuse("configure_public", "--tags", "tomcat", "-e", json.dumps(variable))
    assert next(iter(variable)) in said or re.search(r"line \d+|: \d+: ", said), said
    assert web.root(state) == before
    assert web.is_well()


def test_another_version_is_deployed_without_a_failed_request(web: Web, tmp_path: Path, say: Say) -> None:
    with Load(web.address) as load:
        web.deploy(version(tmp_path, "two"))
    say(f"deploy: {load}")
    assert load.failed == []
    assert "version two" in web.ask()[1]


def test_a_version_that_cannot_start_is_never_seen(web: Web, tmp_path: Path, say: Say) -> None:
    serving = web.ask()[1]
    broken = version(tmp_path, "broken", extra="<listener><listener-class>com.example.No</listener-class></listener>")
    with Load(web.address) as load:
        said = web.refuse("deploy", "-e", f"app_war={broken}")
    say(f"a version that cannot start: {load}")
    assert "ClassNotFoundException: com.example.No" in said
    assert load.failed == []
    assert web.ask()[1] == serving


def test_a_version_whose_page_fails_goes_back_by_itself(web: Web, tmp_path: Path, say: Say) -> None:
    serving = web.ask()[1]
    failing = version(tmp_path, "failing", page="if (true) { response.sendError(500); return; }")
    with Load(web.address) as load:
        said = web.refuse("deploy", "-e", f"app_war={failing}")
    say(f"a version whose page fails: {load}")
    assert "answered 500 where it must answer 200" in said
    assert web.ask()[1] == serving


def test_nothing_is_deployed_but_what_was_declared(web: Web) -> None:
    web.root("mkdir -p /var/lib/tomcat11/webapps/other && echo x > /var/lib/tomcat11/webapps/other/x.txt")
    web.root("install -d -o tomcat /var/lib/tomcat11/work/unpacked/more && touch /var/lib/tomcat11/webapps/a.war")
    web.root("echo x > /var/lib/tomcat11/work/unpacked/more/x.txt; sleep 5")
    try:
        for path in ("/other/x.txt", "/more/x.txt", "/manager/html", "/examples/", "/docs/"):
            assert web.ask(path)[0] == 404, path
    finally:
        web.root("cd /var/lib/tomcat11; rm -r webapps/other webapps/a.war work/unpacked/more")
