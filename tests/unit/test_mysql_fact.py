"""What the machine with MySQL tells of itself: where it came from, so that the next run keeps to that."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

FACT = Path(__file__).resolve().parents[2] / "roles/mysql_server/files/mysql_origin.fact"
MIRRORS = "http://mirror.example/debian\nhttp://other.example/debian\n"


@pytest.mark.parametrize(
    "sources", [[], ["mysql-vendor.sources"], ["mysql-debian-sid.sources", "mysql-vendor.sources"]]
)
@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("mirrors", [MIRRORS, ""])
def test_it_tells_what_is_there(tmp_path: Path, sources: list[str], installed: bool, mirrors: str) -> None:
    """Other people's sources are not told, and of several mirrors the first, or that of our own source."""
    server, lists, programs = tmp_path / "mysqld", tmp_path / "sources.list.d", tmp_path / "bin"
    lists.mkdir()
    programs.mkdir()
    for name in [*sources, "debian.sources", "mysql.list"]:
        (lists / name).write_text("Types: deb\nURIs: http://ours.example/debian\n")
    if installed:
        server.touch()
    apt = programs / "apt-get"
    apt.write_text(f'#!/bin/sh\ntest "$1" = indextargets && printf "%s" "{mirrors}"\n')
    apt.chmod(0o755)
    script = FACT.read_text().replace("/usr/sbin/mysqld", str(server)).replace("/etc/apt/sources.list.d", str(lists))
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    told = json.loads(
        subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True).stdout
    )
    told["sources"].sort()
    ours = "http://ours.example/debian" if "mysql-debian-sid.sources" in sources else ""
    assert told == {"installed": installed, "sources": sources, "mirror": mirrors.split("\n")[0] or ours}
