"""Promises 1 to 4: what nginx and Tomcat do while something breaks, asked from outside, under load."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.operator import wait_for

from .load import Load
from .web import Say, Web
from .websocket import WebSocket

GATEWAY = {200, 502, 503, 504}


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
        wait_for("its end", lambda: web.root("pgrep java || true") != began, seconds=30)
        back = wait_for("the page", web.is_well, seconds=5)
    say(f"{end}: back after {back:.1f} s; {load}")
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
        changes = web.configure("nginx_proxy", **web.settings, nginx_proxy_body_mb=11)
        after = web.root("cat /run/nginx.pid; pgrep -P $(cat /run/nginx.pid)")
    say(f"reload: {load}")
    assert changes >= 1
    assert before.split()[0] == after.split()[0]
    assert before != after, "no worker is new, so nothing was reloaded"
    assert load.failed == []
    assert socket.say("hello") == "heard hello"
    socket.close()


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
