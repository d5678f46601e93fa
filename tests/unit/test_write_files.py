"""write_files: all or none, the second time nothing, and in check mode only told."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.write_files import Write

REPO = Path(__file__).resolve().parents[2]


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


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = play(tmp_path, PLAY.replace("one.j2", "none.j2", 1))
    assert done.returncode == 2
    assert "There is no template none.j2" in done.stdout
