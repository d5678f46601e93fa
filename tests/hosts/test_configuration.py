"""Promises 4 and 23: what cannot work fails before a service is touched, and says where; what runs runs on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .living import Living


@dataclass(frozen=True)
class Broken:
    """An input that gives a file its program refuses; the words that the message must have."""

    machine: str
    unit: str
    role: str
    inputs: dict[str, object]
    words: tuple[str, ...]


BROKEN = {
    "sshd": Broken(
        "public",
        "ssh",
        "ssh_bastion",
        {"ssh_bastion_destinations": ["10.1.2.10:99999"]},
        ("10-ssh-bastion.conf", "line 9", "PermitOpen bad port"),
    ),
    "iptables": Broken(
        "public",
        "nat-masquerade",
        "nat_masquerade",
        {"nat_masquerade_segment_bytes": 70000},
        ("/etc/nat-masquerade.rules", "line: 16", "--set-mss"),
    ),
    "mysql": Broken("private", "mysql", "mysql_server", {"mysql_server_port": "33 06"}, ("mysql_server_port", "33 06")),
}


def running(site: Living, machine: str, unit: str) -> str:
    return site.ssh(machine, f"systemctl show {unit} --property=ActiveState,ActiveEnterTimestamp,MainPID")


@pytest.mark.parametrize("name", BROKEN)
def test_4_a_broken_configuration_touches_nothing_and_is_named(site: Living, name: str) -> None:
    broken = BROKEN[name]
    before = running(site, broken.machine, broken.unit)
    play = f"configure_{broken.machine}"
    done = site.play(play, "--tags", broken.role, "--extra-vars", json.dumps(broken.inputs))
    assert done.status != 0, "it was accepted"
    for word in broken.words:
        assert word in " ".join(done.output.split()), f"the message does not have {word!r}"
    assert running(site, broken.machine, broken.unit) == before
    good = site.play(play, "--tags", broken.role).check()
    assert not any(good.changed.values()), "the broken run left something behind"


MIRRORS = {
    "down": "import sys",
    "missing": """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_error(404)
http.server.ThreadingHTTPServer(("127.0.0.1", 8118), Handler).serve_forever()
""",
    "silent": """
import socket, time
ear = socket.create_server(("127.0.0.1", 8118))
held = []
while True: held.append(ear.accept())
""",
}
OVERRIDE = "/etc/apt/apt.conf.d/99proof"


@pytest.fixture
def mirror(site: Living, request: pytest.FixtureRequest) -> Iterator[str]:
    """Every package of the private machine comes by a proxy that does not do its work."""
    site.ssh("private", f"cat > proof.py <<'EOF'\n{MIRRORS[request.param]}\nEOF")
    site.ssh("private", "sudo systemd-run --quiet --unit=proof-mirror python3 /home/admin/proof.py")
    site.ssh("private", f"echo 'Acquire::http::Proxy \"http://127.0.0.1:8118\";' | sudo tee {OVERRIDE}")
    yield request.param
    site.ssh("private", f"sudo rm {OVERRIDE}; sudo systemctl stop proof-mirror 2> /dev/null; rm proof.py")


@pytest.mark.parametrize("mirror", MIRRORS, indirect=True)
def test_23_a_mirror_that_does_not_deliver_is_named_and_services_stay_up(
    site: Living, mirror: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = running(site, "private", "mysql")
    done = site.play(
        "configure_private",
        "--tags",
        "host_baseline",
        "--extra-vars",
        '{"host_baseline_packages": ["sl"]}',
        seconds=400,
    )
    assert done.status != 0
    words = " ".join(done.output.split())
    assert "/s/sl/" in words, words[-2000:]
    assert "http://" in words
    assert running(site, "private", "mysql") == before
    with capsys.disabled():
        print(f"\n    mirror {mirror}: given up after {done.seconds:.0f} s")  # noqa: T201 - a figure for its reader
