"""What is kept of the databases: which files serve a moment, what expires, and the key of what leaves the machine."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

ROLE = Path(__file__).resolve().parents[2] / "roles/mysql_server"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


archive = load(ROLE / "files/mysql_archive.py")
age_key = load(ROLE / "filter_plugins/age_key.py")

OLD, NEW = "0" * 7 + "1" + "-1111" * 3 + "-" + "1" * 12, "0" * 7 + "2" + "-2222" * 3 + "-" + "2" * 12
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def dump(server: str, days_ago: float, log: int) -> str:
    return str(archive.Dump(NOON - timedelta(days=days_ago), server, log).name)


def log(server: str, number: int) -> str:
    return f"{server}/binlog.{number:06d}.gz"


ARCHIVE = [
    dump(OLD, 9, 1),
    dump(OLD, 8, 4),
    dump(OLD, 2, 7),
    *(log(OLD, number) for number in range(1, 9)),
    dump(NEW, 1, 1),
    log(NEW, 1),
    log(NEW, 2),
]


def test_a_name_is_read_as_it_is_written() -> None:
    (found,) = archive.dumps([dump(OLD, 0, 12)])
    assert found == archive.Dump(NOON, OLD, 12)
    assert archive.ours([*ARCHIVE, f"{OLD}/new.sql.gz", "before-restore.sql.gz"]) == sorted(ARCHIVE)


def test_a_moment_is_served_by_the_newest_dump_before_it_and_all_later_logs_of_its_server() -> None:
    chosen, chain = archive.choose(ARCHIVE, NOON - timedelta(days=2))
    assert chosen.name == dump(OLD, 2, 7)
    assert chain == [log(OLD, 7), log(OLD, 8)]


def test_a_dump_serves_no_moment_before_its_end() -> None:
    chosen, _ = archive.choose(ARCHIVE, NOON - timedelta(days=2, seconds=1))
    assert chosen.name == dump(OLD, 8, 4)


def test_the_newest_is_of_the_newest_server() -> None:
    assert archive.choose(ARCHIVE, None)[0].server == NEW


def test_a_moment_before_the_first_dump_is_refused_with_the_first() -> None:
    with pytest.raises(archive.BackupError, match="the oldest dump is of 2026-11-15 12:00:00 UTC"):
        archive.choose(ARCHIVE, NOON - timedelta(days=30))


def test_a_gap_in_the_logs_is_refused() -> None:
    without = [name for name in ARCHIVE if name != log(OLD, 7)]
    with pytest.raises(archive.BackupError, match=r"000007 of .* is missing"):
        archive.choose(without, NOON - timedelta(days=2))


def test_what_expires_serves_no_moment_of_the_retention() -> None:
    gone = archive.expired(ARCHIVE, NOON, 7)
    assert gone == sorted([dump(OLD, 9, 1), *(log(OLD, number) for number in (1, 2, 3))])
    kept = [name for name in ARCHIVE if name not in gone]
    for hours in range(1, 7 * 24):
        moment = NOON - timedelta(hours=hours)
        assert archive.choose(kept, moment) == archive.choose(ARCHIVE, moment)


def test_a_server_that_is_gone_goes_once_the_new_one_serves_every_moment() -> None:
    gone = archive.expired(ARCHIVE, NOON + timedelta(days=7), 7)
    assert {name.partition("/")[0] for name in gone} == {OLD}
    assert len(gone) == 3 + 8


def test_the_only_dump_never_expires_and_logs_without_a_dump_are_left() -> None:
    assert archive.expired([dump(OLD, 99, 1), log(OLD, 1)], NOON, 7) == []
    assert archive.expired([log(OLD, 1)], NOON, 7) == []


def test_the_key_is_what_age_makes_of_the_same_bytes() -> None:
    """Compared with age-keygen -y of Debian 13."""
    secret = "x" * 32
    assert age_key.age_identity(secret) == "AGE-SECRET-KEY-1CCHYV9DA883ZY4E08GDL0SSN96S7VKCHAJQ9Q3AADV5Y93VNFYLSM5QU07"
    assert age_key.age_recipient(secret) == "age10y46xjhleu49ppd3dl97nwquz003zkalncr6enkaem7s4v9znqzqagupsf"
