"""The extra fast changes how long a run takes, and nothing that it does or says."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PLAY = REPO / "tests/unit/fast_plays/play.yml"


def run(folder: Path, strategy: str, *options: str, **environment: str) -> str:
    """Play it on two hosts of this machine, and return what was printed, without what always differs."""
    command: list[str | Path] = [
        "ansible-playbook", PLAY, "--inventory=one,two", "--connection=local", f"--extra-vars=folder={folder}",
        f"--extra-vars=ansible_python_interpreter={sys.executable}", "--forks=1", *options,
    ]  # fmt: skip
    changed = {"ANSIBLE_STRATEGY": strategy, "ANSIBLE_CONFIG": str(REPO / "ansible.cfg"), **environment}
    done = subprocess.run(command, env=os.environ | changed, capture_output=True, text=True, check=False, cwd=REPO)
    aloud = [line for line in done.stderr.splitlines() if line.startswith(("[ERROR]", "[WARNING]"))]
    text = "\n".join([done.stdout, *aloud, f"rc {done.returncode}"]).replace(str(folder), "FOLDER")
    text = re.sub(r"(start|end|delta): .*", r"\1: ...", text)
    # Two hosts of a free strategy take turns as they like, and a heading comes again with each turn.
    return "\n".join(sorted(line for line in text.splitlines() if line.strip() and not line.startswith("TASK [")))


def test_it_does_and_says_the_same(tmp_path: Path) -> None:
    """Once for real, and once more in check mode, where nothing differs any longer."""
    outcomes = []
    for strategy in ("linear", "fast_linear"):
        folder = tmp_path / strategy
        folder.mkdir()
        said = [run(folder, strategy), run(folder, strategy, "--check", "--diff")]
        files = {str(path.relative_to(folder)): path.stat().st_mode for path in sorted(folder.rglob("*"))}
        outcomes.append((said, files))
    assert "said complained" in outcomes[0][0][0]
    assert "no-such-program" in outcomes[0][0][0]
    assert outcomes[0] == outcomes[1]


def test_without_mitogen_it_says_so_and_works(tmp_path: Path) -> None:
    """A module of that name which cannot be found stands for one that is not installed."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'ansible_mitogen' else find(name, *rest)\n"
    )
    printed = run(tmp_path, "fast_linear", PYTHONPATH=str(tmp_path))
    assert "[WARNING]: The extra fast is not installed" in printed
    assert "rc 2" in printed  # of the play's own failure
    assert "said complained" in printed


SCAN = """
import sys
from ansible.plugins.loader import init_plugin_loader, strategy_loader
init_plugin_loader()
strategy_loader.add_directory("plugins/strategy")
strategy_loader.get("fast", class_only=True)
from ansible_mitogen.module_finder import scan
print(*(path for _, path, _ in scan("module", sys.argv[1], [sys.argv[2]])), sep="\\n")
"""


def test_a_module_is_sent_with_all_that_its_parts_import() -> None:
    """Ansible finds `from .rules import ...` in module_utils; Mitogen alone does not."""
    role = REPO / "roles/aws_network"
    utils = role / "module_utils/aws_environment"
    module = role / "library/ec2_environment_info.py"
    command: list[str | Path] = [sys.executable, "-c", SCAN, module, utils.parent]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO)
    beside = re.compile(r"^from (?:ansible[.]module_utils[.]aws_environment)?[.](\w+) import", re.MULTILINE)
    named = {found for path in [*utils.glob("*.py"), module] for found in beside.findall(path.read_text())}
    assert "rules" in named
    assert {Path(line).stem for line in done.stdout.split()} >= named


def test_this_release_of_core_was_proven() -> None:
    """The step for a new ansible-core: run the suite with ONEBOX_FAST=1, then add the pair to PROVEN."""
    core = ".".join(importlib.metadata.version("ansible-core").split(".")[:2])
    pair = f'("{core}", "{importlib.metadata.version("mitogen")}")'
    assert pair in (REPO / "plugins/strategy/fast.py").read_text()
