"""HTTPS, asked from outside: a certificate of one's own, one from an authority, and what goes wrong with either."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.operator import wait_for

from .authority import Authority, self_signed
from .living import TRUSTING, Living
from .load import Load
from .web import Web

NAME = "shop.example.com"


@pytest.fixture(scope="module")
def web(site: Living) -> Iterator[Web]:
    """Without HTTPS before and after; the application is the one that verify.yml asks for a row."""
    made = Web(site)
    site.play("deploy").check()
    assert not knocks(made), "port 443 is open without app_tls"
    yield made
    site.play("create_network").check()
    made.configure("nginx_proxy")
    assert not knocks(made), "port 443 is still open"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


def knocks(web: Web, port: int = 443) -> bool:
    """Whether the door is open; a closed group does not answer at all."""
    with socket.socket() as line:
        line.settimeout(3)
        return line.connect_ex((web.address, port)) == 0


@contextmanager
def session(web: Web, trusted: Path) -> Iterator[ssl.SSLSocket]:
    """As a browser that trusts nobody else."""
    context = ssl.create_default_context(cafile=str(trusted))
    line = socket.create_connection((web.address, 443), timeout=30)
    with line, context.wrap_socket(line, server_hostname=NAME) as opened:
        yield opened


def serial(web: Web, trusted: Path) -> str:
    with session(web, trusted) as opened:
        return str((opened.getpeercert() or {})["serialNumber"])


def secure(web: Web, trusted: Path) -> int:
    """What the page answers there."""
    with session(web, trusted) as opened:
        opened.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        return int(opened.makefile("rb").readline().split()[1])


def speaks(web: Web, *options: str) -> bool:
    """Whether openssl and nginx agree; it would take the weakest there is."""
    argv = ["openssl", "s_client", "-connect", f"{web.address}:443", "-servername", NAME, *options]
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20).returncode == 0


def own(certificate: Path, key: Path) -> tuple[str, str]:
    files = {"app_tls": "files", "app_certificate": str(certificate), "app_certificate_key": str(key)}
    return "-e", json.dumps(files)


@pytest.fixture(scope="module")
def with_files(web: Web, folder: Path) -> Path:
    """A certificate of one's own is in use."""
    certificate, key = self_signed(folder, "own", f"DNS:{NAME}")
    for playbook in ("create_network", "configure_public"):
        tags = () if playbook == "create_network" else ("--tags", "nginx_proxy")
        web.site.play(playbook, *tags, *own(certificate, key)).check()
    return certificate


def test_https_is_served_and_port_80_leads_there(web: Web, with_files: Path) -> None:
    assert secure(web, with_files) == 200
    status, _, headers = web.ask("/a?b=c")
    assert (status, headers["Location"]) == (301, f"https://{web.address}/a?b=c")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("-tls1", "-cipher", "ALL@SECLEVEL=0"), False),
        (("-tls1_1", "-cipher", "ALL@SECLEVEL=0"), False),
        (("-tls1_2", "-cipher", "ECDHE+AESGCM"), True),
        (("-tls1_2", "-cipher", "ECDHE+CHACHA20"), True),
        (("-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384:DES-CBC3-SHA@SECLEVEL=0"), False),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA384"), False),
        (("-tls1_2", "-cipher", "aNULL:eNULL@SECLEVEL=0"), False),
        (("-tls1_3",), True),
    ],
    ids=lambda value: value if isinstance(value, bool) else "_".join(value)[:40],
)
def test_only_protocols_and_ciphers_of_today_are_spoken(
    web: Web, with_files: Path, options: tuple[str, ...], expected: bool
) -> None:
    assert speaks(web, *options) is expected


def test_the_proof_sees_https_and_a_certificate_that_ends(web: Web, with_files: Path, folder: Path) -> None:
    key = with_files.with_suffix(".key")
    good = web.site.play("verify", *own(with_files, key)).check()
    assert "certificate of public is good for" in good.output
    short, short_key = self_signed(folder, "short", f"DNS:{NAME}", days=3)
    web.site.play("configure_public", "--tags", "nginx_proxy", *own(short, short_key)).check()
    said = web.refuse("verify", *own(short, short_key))
    assert "certificate of public ends in" in said
    web.site.play("configure_public", "--tags", "nginx_proxy", *own(with_files, key)).check()


def test_a_certificate_and_a_key_of_another_are_refused(web: Web, with_files: Path, folder: Path) -> None:
    _, other = self_signed(folder, "other", f"DNS:{NAME}")
    before = serial(web, with_files)
    said = web.refuse("configure_public", "--tags", "nginx_proxy", *own(with_files, other))
    assert "was not taken, and nginx serves as before" in said
    assert "PRIVATE KEY" not in said
    assert serial(web, with_files) == before


def acme(authority: Authority, *names: str) -> tuple[str, str]:
    values = {"app_tls": "acme", "app_domains": names or [NAME], "app_acme_email": "ops@example.com"}
    return "-e", json.dumps(values | {"nginx_proxy_acme_directory": authority.directory})


@pytest.fixture(scope="module")
def authority(web: Web, folder: Path) -> Iterator[Authority]:
    """The machine trusts its door, as it would trust a real one's."""
    made = Authority(folder, web.site.lab_name)
    place = "/usr/local/share/ca-certificates/proof.crt"
    web.root(f"cat > {place} <<'EOF'\n{made.certificate.read_text()}EOF\nupdate-ca-certificates")
    yield made
    web.root(f"rm {place}; update-ca-certificates --fresh; apt-get purge --yes certbot; rm -rf /etc/letsencrypt")
    web.root("rm -rf /etc/nginx/tls/acme.pem /var/lib/nginx-challenges /usr/local/sbin/nginx-proxy-certificate")


def test_an_authority_that_is_away_costs_nobody_the_site(web: Web, authority: Authority) -> None:
    """Neither with the first certificate outstanding nor with another name later."""
    web.configure("nginx_proxy")  # without HTTPS, whatever the tests before this one have left
    web.site.play("create_network", *acme(authority)).check()
    with Load(web.address) as load:
        said = web.refuse("configure_public", "--tags", "nginx_proxy", *acme(authority))
    assert f"{authority.directory} gave no certificate for {NAME}" in said
    assert "The site is served on, without HTTPS" in said
    assert load.failed == []


def test_a_certificate_of_an_authority_is_got_and_renewed(web: Web, authority: Authority, folder: Path) -> None:
    roots = folder / "roots.pem"
    with authority.serving({NAME: web.address}):
        roots.write_text(authority.root())
        web.site.play("configure_public", "--tags", "nginx_proxy", *acme(authority)).check()
        first = serial(web, roots)
        assert secure(web, roots) == 200
        assert web.ask()[0] == 301
        again = web.site.play("configure_public", "--tags", "nginx_proxy", *acme(authority)).check()
        assert not any(again.changed.values()), "a second run changed something"
        with Load(web.address, port=443, tls=TRUSTING) as load:
            web.root("certbot renew --force-renewal --no-random-sleep-on-renew --quiet")
            wait_for("nginx is reloaded", lambda: serial(web, roots) != first, seconds=10)
        assert load.failed == []
        assert "certbot.timer" in web.root("systemctl list-timers certbot.timer --no-legend")
        web.site.play("verify", *acme(authority)).check()

        # A name that does not lead here: the authority refuses, and the certificate there is serves on.
        said = web.refuse("configure_public", "--tags", "nginx_proxy", *acme(authority, NAME, "other.example.com"))
        assert "other.example.com" in said
        assert "The site is served on, with the certificate that it has" in said
        assert secure(web, roots) == 200
