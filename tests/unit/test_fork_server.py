"""With the strategy fast, a run starts one Python on each machine, and what the modules do and say stays the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.living import wait_for
from tests.unit.fast_run import REPO, run

MODULE = """#!/usr/bin/python
import os, signal, sys, time
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={"do": {"type": "str", "default": ""}})
exec(module.params["do"])
module.exit_json(msg=f"from {os.getppid()} in {os.getcwd()}, {os.environ.get('SAID', 'nothing')} was said")
"""
# Stands for ssh: the last word is for the shell of the machine. Who logs in is written down.
SSH = """#!/bin/sh
for word; do last=$word; done
echo login >> "$0.log"
[ -e "$0.down" ] && echo "ssh: connect to host one port 22: Connection refused" >&2 && exit 255
exec sh -c "$last"
"""


class Machine:
    """One whose ssh is a script, and whose module `told` runs what it is told to do."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ssh = folder, folder / "ssh"
        self.ssh.write_text(SSH)
        self.ssh.chmod(0o755)
        self.python = Path(sys.executable)
        self.config = folder / "ssh_config"
        self.config.touch()
        (folder / "library").mkdir()
        (folder / "library/told.py").write_text(MODULE)
        self.environment = {"ANSIBLE_LIBRARY": str(folder / "library"), "HOME": str(folder)}

    def play(self, *steps: str) -> Path:
        play = self.folder / "play.yml"
        play.write_text("- hosts: one\n  gather_facts: false\n  tasks:\n" + "".join(f"  - {step}\n" for step in steps))
        return play

    def options(self, by: str) -> list[str]:
        return [
            "-v", f"--connection={by}", f"--ssh-common-args=-F {self.config}",
            f"--extra-vars=ansible_ssh_executable={self.ssh} ansible_python_interpreter={self.python}",
        ]  # fmt: skip

    def run(self, *steps: str, strategy: str = "fast_linear", by: str = "ssh") -> str:
        return run(self.folder, strategy, *self.options(by), play=self.play(*steps), **self.environment)

    def logins(self) -> int:
        log = Path(f"{self.ssh}.log")
        return len(log.read_text().split()) if log.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def told(do: str = "", more: str = "") -> str:
    return f'{{told: {{do: "{do}"}}, ignore_errors: true, ignore_unreachable: true{more}}}'


def parents(said: str) -> list[str]:
    return re.findall(r"from (\d+) in", said)


@pytest.mark.parametrize(("by", "logins"), [("ssh", 1), ("local", 0)])
def test_all_steps_of_a_run_are_forks_of_one_process(machine: Machine, by: str, logins: int) -> None:
    forked = parents(machine.run(told(), told(), told(), by=by))
    assert (len(forked), len(set(forked)), machine.logins()) == (3, 1, logins)
    assert len(set(parents(machine.run(told(), told(), strategy="linear", by=by)))) == 2


@pytest.mark.parametrize("by", ["ssh", "local"])
@pytest.mark.parametrize(
    "do",
    [
        "raise ValueError(4711)",
        "sys.exit(7)",
        "sys.exit('in words')",
        "print('no answer'); sys.stdout.flush(); os._exit(0)",
        "print('aside', file=sys.stderr)",
        "module.exit_json(msg='long' * 100000)",
        "module.exit_json(msg=[sys.stdin.read(), len(sys.argv)])",
    ],
)
def test_however_a_module_ends_the_same_is_said(machine: Machine, by: str, do: str) -> None:
    usual, forked = (
        re.sub(r"from \d+ in", "from ? in", machine.run(told(do), told(do), strategy=strategy, by=by))
        for strategy in ("linear", "fast_linear")
    )
    assert forked == usual


def test_a_module_that_is_killed_has_the_code_that_a_shell_gives_it(machine: Machine) -> None:
    for strategy in ("linear", "fast_linear"):
        assert "rc: 137" in machine.run(told("os.kill(os.getpid(), signal.SIGKILL)"), strategy=strategy)


def test_a_traceback_has_nothing_of_the_server(machine: Machine) -> None:
    usual, forked = (
        sorted(re.findall(r"line \d+, in (\S+)", machine.run(told("raise KeyboardInterrupt"), strategy=strategy)))
        for strategy in ("linear", "fast_linear")
    )
    assert usual
    assert forked == usual


def test_what_is_said_to_one_step_is_not_said_to_another(machine: Machine) -> None:
    said = machine.run(told(more=", environment: {SAID: this}"), told(more=", environment: {SAID: that}"), told())
    assert sorted(re.findall(r"(\w+) was said", said)) == ["nothing", "that", "this"]


def test_what_a_module_leaves_in_the_background_holds_nobody_up(machine: Machine) -> None:
    pid = machine.folder / "pid"
    leave = (
        "nothing = os.open(os.devnull, os.O_RDWR); fork = os.fork(); "
        f"fork or [os.setsid(), *(os.dup2(nothing, n) for n in range(3)), open('{pid}', 'w').write(str(os.getpid())), "
        "time.sleep(300), os._exit(0)]"
    )
    assert len(parents(machine.run(told(leave), told()))) == 2
    os.kill(int(pid.read_text()), signal.SIGKILL)  # fails if it has ended


def test_a_server_that_is_lost_is_an_unreachable_machine_and_the_next_step_has_another(machine: Machine) -> None:
    said = machine.run(told(), told("os.kill(os.getppid(), signal.SIGKILL); time.sleep(3)"), told())
    assert len(set(parents(said))) == 2
    assert "UNREACHABLE" in said


def test_a_machine_that_cannot_be_reached_is_asked_once(machine: Machine) -> None:
    Path(f"{machine.ssh}.down").touch()
    said = machine.run(told())
    assert "UNREACHABLE" in said
    assert "Failed to connect to the host via ssh: ssh: connect to host one" in said
    assert machine.logins() == 1


def test_a_machine_that_has_another_behind_its_name_is_logged_in_to_again(machine: Machine) -> None:
    said = machine.run(told(), told(f"open('{machine.config}', 'w').write('# another')"), told(), told())
    assert (len(parents(said)), len(set(parents(said)))) == (4, 2)


def test_a_reset_connection_is_a_new_login(machine: Machine) -> None:
    said = machine.run(told(), "{meta: reset_connection}", told())
    assert len(set(parents(said))) == 2


def test_a_python_that_cannot_serve_runs_each_module(machine: Machine) -> None:
    python = machine.folder / "python"
    python.write_text(f'#!/bin/sh\n[ $# = 0 ] || exit 3\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    machine.python = python
    said = machine.run(told(), told())
    assert len(set(parents(said))) == 2


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_when_ansible_is_ended(machine: Machine, how: signal.Signals) -> None:
    pids = machine.folder / "pids"
    note = f"open('{pids}', 'a').write(f'{{os.getppid()}} '); "
    play = machine.play(told(note), told(f"{note} time.sleep(3)"))
    command = ["ansible-playbook", str(play), "--inventory=one,", *machine.options("ssh")]
    chosen = {"ANSIBLE_STRATEGY": "fast_linear", "ANSIBLE_CONFIG": str(REPO / "ansible.cfg")}
    with subprocess.Popen(command, env=os.environ | machine.environment | chosen, stdout=subprocess.DEVNULL) as ansible:
        wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2, "the second step")
        ansible.send_signal(how)
    (server,) = {int(pid) for pid in pids.read_text().split()}
    wait_for(lambda: not Path(f"/proc/{server}").exists(), "the server's end")
