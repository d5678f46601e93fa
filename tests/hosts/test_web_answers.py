"""What nginx adds to an application, asked from outside: headers, compression, limits, a log; and what it hides."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.operator import wait_for

from .web import Web
from .websocket import WebSocket


@pytest.mark.parametrize("path", ["/", "/do/fail", "/missing", "/static/page.txt", "/static/missing"])
def test_every_answer_has_the_headers_and_no_version(web: Web, path: str) -> None:
    _, text, headers = web.ask(path)
    assert headers["Server"] == "nginx"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "X-Powered-By" not in headers
    for told in ("Tomcat", "Apache", "nginx/", "Exception", "java."):
        assert told not in text, f"{path} tells {told}"


def test_nginx_passes_on_who_asked_and_compresses(web: Web) -> None:
    status, text, _ = web.ask("/do/body", b"x" * 100_000)
    assert (status, text.split()[0]) == (200, "100000")
    assert "scheme http" in text
    assert f"host {web.address}" in text
    assert "client 127." not in text
    assert web.ask("/do/body", b"x" * 12_000_000)[0] == 413
    assert web.ask("/do/long", headers={"Accept-Encoding": "gzip"})[2]["Content-Encoding"] == "gzip"


def test_what_a_visitor_claims_of_himself_is_not_believed(web: Web) -> None:
    said = web.ask("/", headers={"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Proto": "https"})[1]
    assert "192.0.2.66" not in said
    assert "scheme http\n" in said


def test_websocket_passes_in_both_directions(web: Web) -> None:
    talk = WebSocket(web.address, "/chat/echo")
    assert talk.status == 101
    assert [talk.say("one"), talk.say("two")] == ["heard one", "heard two"]
    talk.close()


def test_static_files_come_past_tomcat(web: Web) -> None:
    web.root("systemctl stop tomcat11")
    try:
        assert web.ask("/static/page.txt")[:2] == (200, "still here\n")
        status, text, headers = web.ask("/")
        assert (status, headers["Retry-After"]) == (502, "5")
        assert "The application does not answer" in text
        assert "Status 502" in text
    finally:
        web.root("systemctl start tomcat11")
    wait_for("the page", web.is_well, seconds=30)


def test_both_access_logs_know_who_asked_and_how_long_it_took(web: Web) -> None:
    """nginx's has the times of the connection to Tomcat and of its answer; Tomcat's has the visitor, not the proxy."""
    web.ask("/do/wait?seconds=1")
    # --text: a power cut may have left a hole in a log.
    logs = {"/var/log/nginx/access.log": "", "/var/log/tomcat11/access.$(date +%F).log": ""}

    def written() -> bool:
        for log in logs:
            logs[log] = web.root(f"grep --text --fixed-strings '/do/wait?seconds=1' {log} | tail -1")
        return all(logs.values())

    wait_for("both logs", written, seconds=10)
    nginx, tomcat = logs.values()
    whole, connected, answered = (float(part) for part in nginx.split()[-3:])
    assert whole >= answered >= 1 > connected
    assert nginx.split()[0] == tomcat.split()[0], "they disagree about the visitor"
    assert not tomcat.startswith("127.")


def test_a_limit_holds_for_each_visitor_and_is_no_error_of_the_server(web: Web) -> None:
    limits = {"nginx_proxy_rate_per_second": 5, "nginx_proxy_rate_burst": 5}
    web.configure("nginx_proxy", **web.settings, **limits)
    try:
        with ThreadPoolExecutor(8) as visitor:
            answers = Counter(visitor.map(lambda _: web.ask("/")[0], range(60)))
        assert set(answers) == {200, 429}
        assert answers[200] >= 6
        assert answers[429] > answers[200]
    finally:
        web.configure("nginx_proxy", **web.settings)
    assert {web.ask("/")[0] for _ in range(30)} == {200}


@pytest.mark.parametrize(("unit", "most"), [("nginx", 3.0), ("tomcat11", 2.0)])
def test_the_sandbox_is_kept(web: Web, unit: str, most: float) -> None:
    """As systemd itself rates it: 10 is no sandbox at all."""
    found = json.loads(web.root("systemd-analyze security --json=short"))
    exposure = next(float(each["exposure"]) for each in found if each["unit"] == f"{unit}.service")
    assert exposure <= most
    pid = web.root(f"systemctl show {unit} --property=MainPID --value")
    assert web.root(f"nsenter --target {pid} --mount -- touch /etc/proof 2>&1 || true").endswith("system")


def test_only_the_declared_application_answers(web: Web) -> None:
    for path in ("/manager/html", "/host-manager/html", "/examples/", "/docs/", "/ROOT/"):
        assert web.ask(path)[0] == 404, path


def test_nothing_is_deployed_but_what_was_declared(web: Web) -> None:
    """What root declares beside it shows that Tomcat has looked into its folders since the strangers came."""
    base = "/var/lib/tomcat11"
    web.root(f"mkdir -p {base}/webapps/other && echo x > {base}/webapps/other/x.txt; touch {base}/webapps/a.war")
    web.root(f"install -d -o tomcat {base}/work/unpacked/more && echo x > {base}/work/unpacked/more/x.txt")
    try:
        web.root(f"cp -p $(ls {base}/application/ROOT*.xml | tail -1) {base}/application/declared.xml")
        wait_for("what was declared", lambda: web.ask("/declared/")[0] == 200, seconds=30)
        web.root(f"rm {base}/application/declared.xml")
        wait_for("its end", lambda: web.ask("/declared/")[0] == 404, seconds=30)
        for path in ("/other/x.txt", "/more/x.txt", "/a/"):
            assert web.ask(path)[0] == 404, path
    finally:
        web.root(f"cd {base}; rm -rf webapps/other webapps/a.war work/unpacked/more application/declared.xml")
