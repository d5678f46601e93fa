"""The strategy fast changes how long a run takes, and nothing that it does or says."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.fast_run import REPO, run


def test_it_does_and_says_the_same(tmp_path: Path) -> None:
    """Once for real, and once more in check mode, where nothing differs any longer."""
    outcomes = []
    for strategy in ("linear", "fast_linear"):
        folder = tmp_path / strategy
        folder.mkdir()
        said = [run(folder, strategy), run(folder, strategy, "--check", "--diff")]
        files = {str(path.relative_to(folder)): path.stat().st_mode for path in sorted(folder.rglob("*"))}
        outcomes.append((said, files))
    for_real = outcomes[0][0][0]
    for words in ("said complained", "no-such-program", "number six", "six1 is refused; 11 letters"):
        assert words in for_real
    assert "told nobody" not in for_real
    assert outcomes[0] == outcomes[1]


PROCESSES = """
- hosts: one
  gather_facts: false
  tasks:
    - {ansible.builtin.debug: {msg: "run by {{ lookup('ansible.builtin.pipe', 'echo $PPID') }}"}, loop: [1, 2]}
    - {ansible.builtin.debug: {msg: "run by {{ lookup('ansible.builtin.pipe', 'echo $PPID') }}"}}
"""


@pytest.mark.parametrize(("strategy", "processes"), [("linear", 2), ("fast_linear", 1)])
def test_it_starts_no_process_for_a_step_that_needs_none(tmp_path: Path, strategy: str, processes: int) -> None:
    play = tmp_path / "play.yml"
    play.write_text(PROCESSES)
    assert len(set(re.findall(r"run by (\d+)", run(tmp_path, strategy, play=play)))) == processes


MODULE = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec={{}}).exit_json(msg="packed {}")
"""


def test_a_module_that_was_changed_is_packed_anew(tmp_path: Path) -> None:
    play, module = tmp_path / "play.yml", tmp_path / "library/told.py"
    play.write_text(
        "- {hosts: one, gather_facts: false, tasks: [{told: , register: answer}, {debug: {var: answer.msg}}]}"
    )
    module.parent.mkdir()
    for word in ("first", "first", "other"):
        module.write_text(MODULE.format(word))
        said = run(tmp_path, "fast_linear", play=play, HOME=str(tmp_path), ANSIBLE_LIBRARY=str(module.parent))
        assert f"packed {word}" in said
    assert len(list((tmp_path / ".ansible/onebox_packs").glob("*/*told*-none"))) == 3  # of another time, another one


# KB of a module with Ansible's library, and of its name with what asks for it.
WHOLE, NAMED = 100, 20
RECORDING = """#!/bin/sh
[ $# = 0 ] || exit 3 # no fork server here, whose input does not end
cat > "$0.sent"
exec {} "$@" < "$0.sent"
"""


@pytest.fixture
def sent(tmp_path: Path) -> Callable[[], int]:
    """Call it to play a step that says "packed anew", and get how many KB were sent to the machine for that."""
    play, module, python = tmp_path / "play.yml", tmp_path / "library/told.py", tmp_path / "python"
    play.write_text("- {hosts: one, gather_facts: false, tasks: [{told: }]}")
    module.parent.mkdir()
    module.write_text(MODULE.format("anew"))
    python.write_text(RECORDING.format(sys.executable))
    python.chmod(0o755)
    options = (f"--extra-vars=ansible_python_interpreter={python}", "-v")

    def kilobytes_sent() -> int:
        said = run(tmp_path, "fast_linear", *options, play=play, HOME=str(tmp_path), ANSIBLE_LIBRARY=str(module.parent))
        assert "packed anew" in said
        return (tmp_path / "python.sent").stat().st_size // 1000

    return kilobytes_sent


def cut_off(folder: Path) -> None:
    (kept,) = folder.iterdir()
    kept.write_bytes(kept.read_bytes()[:-1000])


@pytest.mark.parametrize(
    "spoil", [cut_off, lambda folder: folder.chmod(0o777), shutil.rmtree], ids=["cut off", "anybody may write", "gone"]
)
def test_a_machine_is_sent_a_module_once_and_again_if_it_cannot_trust_what_it_has(
    tmp_path: Path, sent: Callable[[], int], spoil: Callable[[Path], None]
) -> None:
    folder = tmp_path / ".ansible/onebox_modules"
    folder.mkdir(mode=0o700, parents=True)
    unused = folder / "of a month that is long gone"
    unused.touch()
    os.utime(unused, (0, 0))
    assert sent() > WHOLE
    assert not unused.exists()
    assert sent() < NAMED
    spoil(folder)
    assert sent() > WHOLE
    folder.chmod(0o700)
    assert sent() < NAMED


def test_a_machine_that_can_keep_nothing_is_sent_everything(tmp_path: Path, sent: Callable[[], int]) -> None:
    folder = tmp_path / ".ansible/onebox_modules"
    folder.parent.mkdir()
    folder.write_text("not a folder")
    assert sent() > WHOLE
    assert sent() > WHOLE


def test_what_cannot_be_put_in_place_leaves_nothing_lying_about(tmp_path: Path, sent: Callable[[], int]) -> None:
    sent()
    (kept,) = (tmp_path / ".ansible/onebox_modules").iterdir()
    kept.unlink()
    (kept / "in the way").mkdir(parents=True)
    assert sent() > WHOLE
    assert list(kept.parent.iterdir()) == [kept]


def test_with_another_core_it_says_so_and_works(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as data\n"
        "version = data.version\n"
        "data.version = lambda name: '2.99.1' if name == 'ansible-core' else version(name)\n"
    )
    printed = run(tmp_path, "fast_linear", PYTHONPATH=str(tmp_path))
    assert "[WARNING]: The strategy was not proven with ansible-core 2.99.1" in printed
    assert "rc 2" in printed  # of the play's own failure
    assert "said complained" in printed


def test_this_release_of_core_was_proven() -> None:
    """The step for a new ansible-core: run the suite with ONEBOX_FAST=1, then add it to PROVEN."""
    core = importlib.metadata.version("ansible-core").rpartition(".")[0]
    assert f'"{core}"' in (REPO / "plugins/strategy/fast.py").read_text()
