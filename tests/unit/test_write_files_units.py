"""The units of write_files: each gets what it lacks, after the files that it reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.write_files import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return Write(tmp_path)


BEFORE, AFTER = "Mon 2001-01-01 00:00:00.000000 UTC", "Fri 2100-01-01 00:00:00.000000 UTC"
RUNS = f"ActiveState=active UnitFileState=enabled ExecMainStartTimestamp={AFTER} StateChangeTimestamp={AFTER}"
# What systemd says of a unit; systemctl below separates the words by lines.
SHOWN = {
    "well": RUNS,
    "started-before": RUNS.replace(f"StartTimestamp={AFTER}", f"StartTimestamp={BEFORE}"),
    "reloaded-before": RUNS.replace(f"ChangeTimestamp={AFTER}", f"ChangeTimestamp={BEFORE}"),
    "stopped": "ActiveState=inactive UnitFileState=disabled",
    "some.timer": f"ActiveState=active UnitFileState=enabled ActiveEnterTimestamp={AFTER}",
    "static": RUNS.replace("=enabled", "=static"),
    "stale": f"{RUNS} NeedDaemonReload=yes",
    "broken": "ActiveState=failed UnitFileState=enabled",
}
SYSTEMCTL = """#!/bin/sh
case "$*" in
  show*) shift
    while [ "${1#-}" = "$1" ]; do sed 's/ \\([A-Z][A-Za-z]*=\\)/\\n\\1/g' "$0.$1"; echo; shift; done ;;
  *broken) echo "it has no leg to stand on" >&2; exit 1 ;;
  *) echo "$*" >> "$0.did" ;;
esac
"""


@pytest.fixture
def did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that knows these units, and the file where it writes down what it was told to do."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for unit, said in SHOWN.items():
        (folder / f"systemctl.{unit}").write_text(f"{said}\n")
    for name, program in (("systemctl", SYSTEMCTL), ("journalctl", "#!/bin/sh\necho its own words\n")):
        (folder / name).write_text(program)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    log = folder / "systemctl.did"
    log.touch()
    return log


CASES = [
    ({"unit": "well", "enabled": True}, []),
    ({"unit": "well", "enabled": False, "state": "stopped"}, ["disable", "stop"]),
    ({"unit": "stopped", "enabled": True}, ["enable", "start"]),
    ({"unit": "stopped", "enabled": False, "state": "stopped"}, []),
    ({"unit": "stopped", "state": "read"}, []),
    ({"unit": "started-before"}, []),
    ({"unit": "started-before", "start_files": "the file"}, ["restart"]),
    ({"unit": "started-before", "state": "read", "start_files": "the file"}, ["restart"]),
    ({"unit": "well", "start_files": "the file", "reload_files": "the file"}, []),
    ({"unit": "reloaded-before", "start_files": "the file", "reload_files": "the file"}, ["reload"]),
    ({"unit": "well", "start_files": "a missing file"}, []),
    ({"unit": "some.timer", "start_files": "the file"}, []),
    ({"unit": "static", "enabled": True}, []),
]


@pytest.mark.parametrize(("unit", "verbs"), CASES)
@pytest.mark.parametrize("check", [False, True])
def test_a_unit_gets_what_it_lacks(
    write: Write, tmp_path: Path, did: Path, unit: dict[str, Any], verbs: list[str], check: bool
) -> None:
    path = tmp_path / "the file"
    path.write_text("1\n")
    path.chmod(0o644)
    unit = unit | {key: [str(tmp_path / value)] for key, value in unit.items() if key.endswith("_files")}
    answer = write({"dest": str(path), "content": "1\n"}, check=check, units=[unit])
    assert answer["written"] == []
    assert answer["units"] == ({unit["unit"]: verbs} if verbs else {})
    assert answer["changed"] == bool(verbs)
    assert did.read_text().splitlines() == [f"{verb} {unit['unit']}" for verb in verbs if not check]


def test_whoever_reads_what_was_just_written_is_restarted(write: Write, tmp_path: Path, did: Path) -> None:
    path = tmp_path / "one"
    unit = {"unit": "well", "start_files": [str(path)]}
    assert write({"dest": str(path), "content": "1\n"}, check=True, units=[unit])["units"] == {"well": ["restart"]}
    assert write({"dest": str(path), "content": "1\n"}, units=[unit])["units"] == {"well": ["restart"]}
    assert did.read_text() == "restart well\n"


def test_later_is_only_told(write: Write, tmp_path: Path, did: Path) -> None:
    answer = write({"dest": str(tmp_path / "one"), "content": ""}, units=[{"unit": "stopped", "later": True}])
    assert answer["units"] == {"stopped": ["start"]}
    assert not answer["diff"][1:], "only the file is a change"
    assert did.read_text() == ""


def test_systemd_reads_changed_units_first(write: Write, tmp_path: Path, did: Path) -> None:
    write({"dest": str(tmp_path / "one"), "content": ""}, units=[{"unit": "stale"}])
    assert did.read_text() == "daemon-reload\n"
    write({"dest": str(tmp_path / "systemd/system/x.service"), "content": ""}, units=[{"unit": "stopped"}])
    assert did.read_text().splitlines()[1:] == ["daemon-reload", "start stopped"]


@pytest.mark.usefixtures("did")
def test_a_unit_that_does_not_start_says_why(write: Write, tmp_path: Path) -> None:
    answer = write({"dest": str(tmp_path / "one"), "content": ""}, units=[{"unit": "broken"}])
    assert answer["failed"]
    for words in ("systemctl start broken", "no leg to stand on", "its own words"):
        assert words in answer["msg"]
