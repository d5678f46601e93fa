"""write_files: all or none, the second time nothing, and in check mode only told."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MODULE = Path(__file__).resolve().parents[2] / "roles/host_baseline/library/write_files.py"


PROGRAM = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.loads(sys.argv[2])):
    runpy.run_path(sys.argv[1], run_name="__main__")
"""


class Write:
    """Calls the module as Ansible does; the files are of whoever runs the test."""

    def __init__(self, folder: Path) -> None:
        self.settings = {"_ansible_remote_tmp": str(folder)}

    def __call__(self, *files: dict[str, str], check: bool = False, readers: Any = ()) -> dict[str, Any]:
        whose = {"owner": str(os.getuid()), "group": str(os.getgid())}
        inputs = {"files": [whose | file for file in files], "readers": list(readers)}
        arguments = self.settings | inputs | {"_ansible_check_mode": check}
        command = [sys.executable, "-c", PROGRAM, str(MODULE), json.dumps(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return Write(tmp_path)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_the_second_time_nothing_changes(write: Write, tmp_path: Path) -> None:
    one, two = tmp_path / "new/folder/one", tmp_path / "two"
    files = ({"dest": str(one), "content": "1\n"}, {"dest": str(two), "content": "zwölf\n", "mode": "0600"})
    first = write(*files)
    assert first["changed"]
    assert first["written"] == [str(one), str(two)]
    assert (one.read_text(), two.read_text()) == ("1\n", "zwölf\n")
    assert (mode(one), mode(two), mode(one.parent)) == ("0o644", "0o600", "0o755")
    second = write(*files)
    assert not second["changed"]
    assert second["written"] == second["diff"] == []


def test_what_is_refused_leaves_all_as_they_were(write: Write, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    bad.write_text("true\n")
    answer = write({"dest": str(good), "content": "1\n"}, {"dest": str(bad), "content": "if\n", "validate": "sh -n %s"})
    assert answer["failed"]
    assert f"{bad} would not be good" in answer["msg"]
    assert f"{bad}: 2:" in answer["msg"], "the program's own words name the file, and the line"
    assert not good.exists()
    assert bad.read_text() == "true\n"


def test_check_mode_tells_and_writes_nothing(write: Write, tmp_path: Path) -> None:
    there, missing = tmp_path / "there", tmp_path / "folder/missing"
    there.write_text("old\n")
    there.chmod(0o644)
    answer = write(
        {"dest": str(there), "content": "new\n"},
        {"dest": str(missing), "content": "new\n", "validate": "/no/such/program %s"},
        check=True,
    )
    assert answer["written"] == [str(there), str(missing)]
    assert (answer["diff"][0]["before"], answer["diff"][0]["after"]) == ("old\n", "new\n")
    assert there.read_text() == "old\n"
    assert not missing.parent.exists()


def test_only_the_mode_is_put_right(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("1\n")
    path.chmod(0o666)
    answer = write({"dest": str(path), "content": "1\n"})
    assert answer["written"] == [str(path)]
    assert "0666" in answer["diff"][0]["before"]
    assert "0644" in answer["diff"][0]["after"]
    assert mode(path) == "0o644"


def test_a_file_of_any_bytes_is_replaced(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(b"\xff\x00")
    assert write({"dest": str(path), "content": "text\n"})["changed"]
    assert path.read_text() == "text\n"


STAMPS = {
    "started-before": "ExecMainStartTimestamp=Mon 2001-01-01 00:00:00.000000 UTC",
    "started-after": "ExecMainStartTimestamp=Fri 2100-01-01 00:00:00.000000 UTC",
    "never-started": "ExecMainStartTimestamp=\nActiveEnterTimestamp=",
    "some.timer": "ActiveEnterTimestamp=Fri 2100-01-01 00:00:00.000000 UTC",
}


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A systemctl that knows these units; the second of its words is the unit."""
    folder = tmp_path / "bin"
    folder.mkdir()
    cases = "\n".join(f"{unit}) echo '{said}' ;;" for unit, said in STAMPS.items())
    (folder / "systemctl").write_text(f"#!/bin/sh\ncase $2 in\n{cases}\nesac\n")
    (folder / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


@pytest.mark.usefixtures("systemctl")
def test_whoever_has_not_read_a_file_is_named(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "one"
    file = {"dest": str(path), "content": "1\n"}
    readers = [{"unit": unit, "files": [str(path), str(tmp_path / "missing")]} for unit in STAMPS]
    assert list(write(file, readers=readers)["unread"]) == list(STAMPS), "it was written a moment ago"
    again = write(file, readers=readers)
    assert not again["changed"]
    assert again["unread"] == {"started-before": ["start"], "never-started": ["start"]}


@pytest.mark.usefixtures("systemctl")
def test_check_mode_names_who_would_have_to_read(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "one"
    readers = [{"unit": "started-after", "files": [str(path)], "when": "start"}]
    assert write({"dest": str(path), "content": "1\n"}, check=True, readers=readers)["unread"] == {
        "started-after": ["start"]
    }
