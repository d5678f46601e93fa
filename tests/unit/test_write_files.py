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

REPO = Path(__file__).resolve().parents[2]
MODULE = REPO / "roles/host_baseline/library/write_files.py"


PROGRAM = """
import json, os, runpy, sys
import ansible.module_utils
ansible.module_utils.__path__.append(os.path.join(os.path.dirname(sys.argv[1]), "../module_utils"))
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.loads(sys.argv[2])):
    runpy.run_path(sys.argv[1], run_name="__main__")
"""


class Write:
    """Calls the module as Ansible does; the files are of whoever runs the test."""

    def __init__(self, folder: Path) -> None:
        self.settings = {"_ansible_remote_tmp": str(folder)}

    def __call__(
        self, *files: dict[str, str], check: bool = False, units: Any = (), folders: Any = (), links: Any = ()
    ) -> dict[str, Any]:
        whose = {"owner": str(os.getuid()), "group": str(os.getgid())}
        inputs = {
            "files": [whose | file for file in files],
            "folders": [whose | folder for folder in folders],
            "links": {str(path): str(target) for path, target in links},
            "units": list(units),
        }
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


def test_what_nobody_has_proven_is_named(write: Write, tmp_path: Path) -> None:
    path, copy = tmp_path / "one", tmp_path / "one.proven"
    file = {"dest": str(path), "content": "1\n", "proven": str(copy)}
    assert write(file)["unproven"] == [str(path)]
    copy.write_text("1\n")
    assert write(file)["unproven"] == []
    copy.write_text("2\n")
    assert write(file)["unproven"] == [str(path)]


def test_folders_and_links_are_made_once(write: Write, tmp_path: Path) -> None:
    folder, link = tmp_path / "of/files", tmp_path / "of/links/one"
    inputs: dict[str, Any] = {
        "folders": [{"path": str(folder), "mode": "0750"}],
        "links": [(link, folder)],
    }
    assert write(**inputs, check=True)["written"] == [str(folder), str(link)]
    assert not (tmp_path / "of").exists()
    assert write(**inputs)["written"] == [str(folder), str(link)]
    assert (mode(folder.parent), mode(folder), link.readlink()) == ("0o755", "0o750", folder)
    assert not write(**inputs)["changed"]


def test_a_folder_is_put_right_and_a_link_led_elsewhere(write: Write, tmp_path: Path) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir(mode=0o700)
    link.symlink_to("nowhere")
    inputs: dict[str, Any] = {"folders": [{"path": str(folder)}], "links": [(link, folder)]}
    for check in (True, False):
        assert write(**inputs, check=check)["diff"] == [
            {
                "before_header": str(folder),
                "after_header": str(folder),
                "before": "mode: 0700\n",
                "after": "mode: 0755\n",
            },
            {
                "before_header": str(link),
                "after_header": str(link),
                "before": "a link to nowhere\n",
                "after": f"a link to {folder}\n",
            },
        ]
    assert (mode(folder), link.readlink()) == ("0o755", folder)


def test_a_file_in_the_place_of_a_link_is_not_lost(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("1\n")
    answer = write(links=[(path, "/there")])
    assert f"{path} should be a link to /there" in answer["msg"]
    assert path.read_text() == "1\n"


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


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - write_files:
        files:
          - {dest: "{{ folder }}/one", template: one.j2, vars: {word: first}, owner: "{{ uid }}", group: "{{ gid }}"}
          - {dest: "{{ folder }}/two", template: one.j2, vars: {word: second}, owner: "{{ uid }}", group: "{{ gid }}"}
      vars: {other: "{{ ['of', 'the', 'task'] | join(' ') }}"}
"""


def play(folder: Path, text: str = PLAY) -> subprocess.CompletedProcess[str]:
    """Play it as people do, with this repository's settings."""
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates/one.j2").write_text(
        "# {{ ansible_managed }}\n{% if true %}\n{{ word }} {{ other }}\n{% endif %}\n"
    )
    (folder / "play.yml").write_text(text)
    given = json.dumps({"folder": str(folder), "uid": str(os.getuid()), "gid": str(os.getgid())})
    command = [
        "ansible-playbook",
        "--inventory",
        "localhost,",
        "--connection",
        "local",
        "-e",
        given,
        folder / "play.yml",
    ]
    return subprocess.run([str(word) for word in command], cwd=REPO, capture_output=True, text=True, check=False)


def test_templates_are_rendered_with_the_variables_of_the_task(tmp_path: Path) -> None:
    done = play(tmp_path)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "one").read_text() == "# Ansible managed\nfirst of the task\n"
    assert (tmp_path / "two").read_text() == "# Ansible managed\nsecond of the task\n"
    assert "changed=0" in play(tmp_path).stdout


def test_content_and_template_at_once_are_refused(tmp_path: Path) -> None:
    done = play(tmp_path, PLAY.replace("template: one.j2,", "template: one.j2, content: x,", 1))
    assert done.returncode == 2
    assert f"{tmp_path}/one has both content and template" in done.stdout
    assert not (tmp_path / "two").exists()
