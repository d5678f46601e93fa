"""mysql-log-reserve: room behind the end of the binary log in use, and of no other."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "roles/mysql_server/files/mysql-log-reserve"
MEGABYTE = 1 << 20


def spare(log: Path) -> int:
    found = log.stat()
    return found.st_blocks * 512 - found.st_size


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    with subprocess.Popen(["sh", str(PROGRAM), str(tmp_path)]) as program:
        yield tmp_path
        program.terminate()


def begin(folder: Path, *names: str) -> Path:
    """The last of these logs is in use from now on."""
    log = folder / names[-1]
    log.write_bytes(b"rows")
    (folder / "binlog.index").write_text("".join(f"./{name}\n" for name in names))
    return log


def test_only_the_log_in_use_has_room_behind_it(logs: Path) -> None:
    first = begin(logs, "binlog.000001")
    wait_for(lambda: spare(first) > 30 * MEGABYTE)
    with first.open("ab") as file:
        file.write(bytes(20 * MEGABYTE))
    wait_for(lambda: spare(first) > 30 * MEGABYTE)  # what is used of it comes back
    second = begin(logs, "binlog.000001", "binlog.000002")
    wait_for(lambda: spare(first) < MEGABYTE)
    wait_for(lambda: spare(second) > 30 * MEGABYTE)
    assert first.read_bytes() == b"rows" + bytes(20 * MEGABYTE)
    assert second.read_bytes() == b"rows"


def test_the_age_of_a_finished_log_is_left_alone(logs: Path) -> None:
    """MySQL deletes its logs by their age."""
    old = begin(logs, "binlog.000001")
    age = old.stat().st_mtime
    new = begin(logs, "binlog.000001", "binlog.000002")
    wait_for(lambda: spare(new) > 30 * MEGABYTE)
    assert old.stat().st_mtime == age
