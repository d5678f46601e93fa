"""ssh_config and known_hosts are worked out when there is something to reach."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {ansible.builtin.include_role: {name: aws_instances, tasks_from: view}}
"""


def test_nothing_is_written_and_nothing_fails_while_there_are_no_machines(tmp_path: Path) -> None:
    play, build = tmp_path / "play.yml", tmp_path / "build"
    play.write_text(PLAY)
    given: dict[str, object] = {"aws_instances_build_dir": str(build), "__aws_instances_public_ip": ""}
    given |= {f"__aws_instances_{name}": {} for name in ("reached", "ids", "host_keys")}
    command = ["ansible-playbook", "--inventory=localhost,", "--connection=local", f"--extra-vars={json.dumps(given)}"]
    done = subprocess.run([*command, str(play)], cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "skipped=2" in done.stdout
    assert not build.exists()
