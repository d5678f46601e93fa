"""ssh_config and known_hosts are written when there is something to reach; one that said something else is a change."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {ansible.builtin.include_role: {name: aws_instances, tasks_from: view}}
"""


IDS = {"public": "i-1", "private": "i-2"}
MACHINES = {
    "aws_instances_name": "sidedish-alpha",
    "aws_instances_image_user": "admin",
    "aws_instances_operator_key": "/key",
    "__aws_instances_public_ip": "203.0.113.7",
    "__aws_instances_ids": IDS,
    "__aws_instances_reached": IDS,
    "__aws_instances_host_keys": {"i-1": "ssh-ed25519 one", "i-2": "ssh-ed25519 two"},
    "__aws_instances_seated": {"private": "10.2.2.10"},
}


def play(folder: Path, *words: str, **given: Any) -> dict[str, str]:
    """What the recap counts."""
    (folder / "play.yml").write_text(PLAY)
    given["aws_instances_build_dir"] = str(folder / "build")
    command = ["ansible-playbook", "--inventory=localhost,", "--connection=local", f"--extra-vars={json.dumps(given)}"]
    done = subprocess.run(
        [*command, *words, str(folder / "play.yml")], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return dict(re.findall(r"(\w+)=(\d+)", done.stdout.partition("PLAY RECAP")[2]))


def test_nothing_is_written_and_nothing_fails_while_there_are_no_machines(tmp_path: Path) -> None:
    nobody: dict[str, Any] = {f"__aws_instances_{name}": {} for name in ("reached", "ids", "host_keys")}
    assert play(tmp_path, **nobody, __aws_instances_public_ip="")["skipped"] == "1"
    assert not (tmp_path / "build").exists()


def test_a_view_made_again_is_no_change_and_one_that_differs_is(tmp_path: Path) -> None:
    build = tmp_path / "build"
    assert play(tmp_path, "--check", **MACHINES)["changed"] == "0"
    assert "HostName 203.0.113.7\n" in (build / "ssh_config").read_text()
    assert "i-2 ssh-ed25519 two\n" in (build / "known_hosts").read_text()
    assert oct(build.stat().st_mode) == "0o40700"
    assert play(tmp_path, **MACHINES)["skipped"] == "1"
    (build / "known_hosts").unlink()
    assert play(tmp_path, **MACHINES)["changed"] == "0"
    assert play(tmp_path, **MACHINES | {"__aws_instances_public_ip": "203.0.113.8"})["changed"] == "1"
    assert "HostName 203.0.113.8\n" in (build / "ssh_config").read_text()
