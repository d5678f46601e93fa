"""Plays on two hosts of this machine, to compare the strategy fast with the one that Ansible ships."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PLAY = REPO / "tests/unit/fast_plays/play.yml"


def run(folder: Path, strategy: str, *options: str, play: Path = PLAY, **environment: str) -> str:
    """Play it on two hosts of this machine, and return what was printed, without what always differs."""
    command: list[str | Path] = [
        "ansible-playbook", play, "--inventory=one,two", "--connection=local", f"--extra-vars=folder={folder}",
        f"--extra-vars=ansible_python_interpreter={sys.executable}", "--forks=1", *options,
    ]  # fmt: skip
    changed = {"ANSIBLE_STRATEGY": strategy, "ANSIBLE_CONFIG": str(REPO / "ansible.cfg"), **environment}
    done = subprocess.run(
        command, env=os.environ | changed, capture_output=True, text=True, check=False, cwd=REPO, timeout=120
    )
    aloud = [line for line in done.stderr.splitlines() if line.startswith(("[ERROR]", "[WARNING]"))]
    text = "\n".join([done.stdout, *aloud, f"rc {done.returncode}"]).replace(str(folder), "FOLDER")
    text = re.sub(r"(start|end|delta): .*", r"\1: ...", text)
    # Two hosts of a free strategy take turns as they like: named in one line or in two, and a heading comes again.
    text = re.sub(r"^(included: \S+ for )one, two(.*)", r"\1one\2\n\1two\2", text, flags=re.MULTILINE)
    return "\n".join(
        sorted(line for line in text.splitlines() if line.strip() and not re.match(r"(TASK|RUNNING HANDLER) \[", line))
    )
