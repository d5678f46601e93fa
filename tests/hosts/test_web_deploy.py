"""Another application, or another Tomcat, while visitors ask: what is good takes over, what is not goes back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lab import registry

from .load import Load
from .web import Say, Web, version, war


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


def test_what_is_no_war_is_refused_before_anything_is_done(web: Web, tmp_path: Path) -> None:
    serving, state = web.ask()[1], web.root("ls -l --full-time /var/lib/tomcat11/application")
    page = tmp_path / "page.war"
    page.write_text("<html>no such file</html>")
    assert "is neither a WAR nor a folder with the contents of one" in web.refuse("deploy", "-e", f"app_war={page}")
    assert (web.ask()[1], web.root("ls -l --full-time /var/lib/tomcat11/application")) == (serving, state)


@pytest.fixture
def shelf(web: Web, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address where the machines find its files."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    address = str(registry.find(web.site.lab_name).operator_address)
    server = ThreadingHTTPServer((address, 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://{address}:{server.server_port}"
    server.shutdown()
    server.server_close()


def from_url(url: str, checksum: str) -> tuple[str, ...]:
    return "-e", f"app_war={url}", "-e", f"app_war_checksum={checksum}"


def test_a_war_is_fetched_by_its_checksum_and_the_one_before_is_kept(
    web: Web, tmp_path: Path, shelf: tuple[Path, str]
) -> None:
    folder, url = shelf
    checksum = war(version(tmp_path, "fetched"), folder / "shop.war")
    kept = set(web.root("ls /var/lib/tomcat11/application").split())
    with Load(web.address) as load:
        web.site.play("deploy", *from_url(f"{url}/shop.war", checksum)).check()
    assert load.failed == []
    assert "version fetched" in web.ask()[1]
    wars = {name for name in kept if name.endswith(".war")}
    assert wars & set(web.root("ls /var/lib/tomcat11/application").split()), "nothing is left to go back to"


def test_a_war_with_another_checksum_never_gets_to_tomcat(web: Web, tmp_path: Path, shelf: tuple[Path, str]) -> None:
    folder, url = shelf
    checksum = war(version(tmp_path, "swapped"), folder / "shop.war")
    serving, state = web.ask()[1], web.root("ls -l --full-time /var/lib/tomcat11/application")
    said = web.refuse("deploy", *from_url(f"{url}/shop.war", "0" * 64))
    assert f"{url}/shop.war did not give the WAR whose SHA-256 is {'0' * 64}" in said
    assert checksum in said, "what came instead is not named"
    assert "group_vars/all/app.yml" in said
    assert (web.ask()[1], web.root("ls -l --full-time /var/lib/tomcat11/application")) == (serving, state)


def test_a_page_that_pretends_to_be_a_war_goes_back_by_itself(web: Web, shelf: tuple[Path, str], say: Say) -> None:
    """Its checksum is right: only Tomcat can tell."""
    folder, url = shelf
    page = b"<html>please log in</html>"
    (folder / "shop.war").write_bytes(page)
    serving = web.ask()[1]
    with Load(web.address) as load:
        said = web.refuse("deploy", *from_url(f"{url}/shop.war", hashlib.sha256(page).hexdigest()))
    say(f"a WAR that is none: {load}")
    assert "Tomcat could not start it" in said
    assert "The version before it has the visitors again." in said
    assert load.failed == []
    assert web.ask()[1] == serving


def test_a_version_that_never_gets_ready_is_given_up(web: Web, tmp_path: Path, say: Say) -> None:
    """Tomcat waits for it, and would start nothing else: so Tomcat has to begin anew."""
    serving = web.ask()[1]
    slow = version(tmp_path, "slow", start="java.util.concurrent.locks.LockSupport.parkNanos(600_000_000_000L);")
    with Load(web.address) as load:
        said = web.refuse("deploy", "-e", f"app_war={slow}", "-e", '{"tomcat_app_start_seconds": 15}')
    say(f"a version that never gets ready: {load}")
    assert "did not answer 200 within 15 s" in said
    assert set(load.statuses) <= {200, 502, 504}
    assert web.ask()[1] == serving
    web.deploy(version(tmp_path, "ready"))
    assert "version ready" in web.ask()[1]


def test_tomcat_10_takes_over_and_11_comes_back(web: Web, tmp_path: Path, say: Say) -> None:
    """On a living machine; nothing of the other one is left, and a Tomcat that cannot serve gives its place back."""
    probe = str(version(tmp_path, "both"))
    for now, before in ((10, 11), (11, 10)):
        with Load(web.address) as load:
            web.configure("tomcat", app_tomcat_version=now, app_war=probe)
        say(f"Tomcat {before} to {now}: {load}")
        assert set(load.statuses) <= {200, 502, 504}
        assert "version both" in web.ask()[1]
        assert web.root(f"systemctl is-active tomcat{now}; systemctl is-enabled tomcat{now}").split() == [
            "active",
            "enabled",
        ]
        left = f"ls -d /var/lib/tomcat{before} /etc/tomcat{before} /etc/systemd/system/tomcat{before}*"
        assert web.root(f"({left}; dpkg-query --list 'tomcat{before}*' | grep ^ii) 2> /dev/null || true") == ""
        assert web.configure("tomcat", app_tomcat_version=now, app_war=probe) == 0
    broken = version(tmp_path, "neither", extra="<listener><listener-class>com.example.No</listener-class></listener>")
    said = web.refuse("configure_public", "--tags", "tomcat", "-e", "app_tomcat_version=10", "-e", f"app_war={broken}")
    assert "tomcat11 serves again" in said
    assert "version both" in web.ask()[1]
    assert web.configure("tomcat", app_tomcat_version=11, app_war=probe) > 0, "what was left of Tomcat 10 stays"
