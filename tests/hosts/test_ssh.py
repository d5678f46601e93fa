"""The bastion from outside, after hardening; promise 13: nobody locks himself out."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.operator import REPO

from .living import PRIVATE, Living

LOCKED_OUT = """
- hosts: public
  become: true
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "AllowUsers nobody\\n"
        dest: /etc/ssh/sshd_config.d/15-locked-out.conf
        mode: "0600"
    - ansible.builtin.include_role: {name: host_baseline, tasks_from: prove_ssh}
      vars:
        host_baseline_ssh_file: /etc/ssh/sshd_config.d/15-locked-out.conf
"""


def ssh(site: Living, *argv: str, user: str = "", key: Path | None = None, agent: bool = False) -> tuple[int, str]:
    """A connection of its own; what it said, and how it ended."""
    config = site.build / "ssh_config"
    if key:  # and no other: -i would be one more beside the operator's own
        text = re.sub(r"IdentityFile .*", f"IdentityFile {key}", config.read_text())
        config = key.with_suffix(".config")
        config.write_text(text)
    options = ["-F", str(config), "-o", "ControlPath=none", "-o", "BatchMode=yes"]
    options += ["-o", "ConnectTimeout=5", "-o", "ExitOnForwardFailure=yes"]
    options += [f"-oUser={user}"] if user else []
    command = ["ssh", *options, *argv]
    if agent:
        add = f'ssh-add -q {site.build}/id_ed25519 && exec "$@"'
        command = ["ssh-agent", "sh", "-c", add, "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout + done.stderr


def test_jump_and_agent_both_lead_to_the_private_machine(site: Living) -> None:
    assert ssh(site, "private", "hostname")[1].strip().endswith("private")
    address = f"admin@{PRIVATE}"
    hop = [
        "-A",
        "public",
        f"ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null {address} hostname",
    ]
    status, said = ssh(site, *hop, agent=True)
    assert status == 0, said
    assert "private" in said
    assert ssh(site, *hop[1:])[0] != 0, "the hop works without the agent, so this test proves nothing of it"


@pytest.mark.parametrize("place", ["22", "3306"])
def test_forwarding_leads_where_it_should(site: Living, place: str) -> None:
    with site.tunnel() if place == "3306" else site.tunnel(22) as port:
        said = subprocess.run(
            ["timeout", "2", "bash", "-c", f"head -c 20 < /dev/tcp/127.0.0.1/{port}"], capture_output=True, check=False
        )
    assert said.stdout[:4] == b"SSH-" if place == "22" else b"mysql" in said.stdout or len(said.stdout) > 4


@pytest.mark.parametrize(
    "place", [f"{PRIVATE}:80", "127.0.0.1:8080", "127.0.0.1:22", "checkip.amazonaws.com:80", "10.1.1.10:22"]
)
def test_forwarding_leads_nowhere_else(site: Living, place: str) -> None:
    status, said = ssh(site, "-W", place, "public")
    assert status != 0
    assert "prohibited" in said


def test_nobody_opens_a_port_on_the_bastion(site: Living) -> None:
    status, said = ssh(site, "-N", "-R", "8888:127.0.0.1:22", "public")
    assert status != 0
    assert "remote port forwarding failed" in said


@pytest.mark.parametrize(
    ("user", "method"), [("root", "publickey"), ("admin", "password"), ("admin", "keyboard-interactive")]
)
@pytest.mark.parametrize("machine", ["public", "private"])
def test_only_keys_and_never_root(site: Living, machine: str, user: str, method: str) -> None:
    option = [f"-oPreferredAuthentications={method}"] if method != "publickey" else []
    argv = (
        [*option, f"-oProxyCommand=ssh -F {site.build}/ssh_config -o ControlPath=none -W %h:%p public"]
        if machine == "private"
        else option
    )
    status, said = ssh(site, *argv, machine, "id", user=user)
    assert status == 255
    assert "Permission denied (publickey)" in said


def test_failed_logins_through_the_bastion_shut_nobody_out(site: Living) -> None:
    """All logins on the private machine come from one address. On the public machine each comes from its own."""
    options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"

    def fail(address: str) -> None:
        turns = f"for turn in 1 2 3 4 5; do ssh -i wrong {options} {address} || true; done"
        site.ssh("public", f"ssh-keygen -q -t ed25519 -N '' -f wrong; {turns}; rm wrong wrong.pub")

    fail(PRIVATE)
    assert ssh(site, "private", "true")[0] == 0
    greeting = "bash -c 'timeout 2 head -c 4 < /dev/tcp/10.1.1.10/22'"
    assert site.ssh("public", greeting) == "SSH-"
    fail("10.1.1.10")
    assert site.ssh("public", greeting) != "SSH-", "who keeps failing is not penalised there"


def test_13_settings_that_lock_out_are_taken_back(site: Living, tmp_path: Path) -> None:
    play = REPO / "build/test/locked_out.yml"
    play.parent.mkdir(parents=True, exist_ok=True)
    play.write_text(LOCKED_OUT)
    done = site.playbook(f"ansible-playbook {play} --limit playground")
    assert done.status != 0
    assert "were taken back" in " ".join(done.output.split())
    assert ssh(site, "public", "hostname")[0] == 0
    assert "15-locked" not in ssh(site, "public", "sudo ls /etc/ssh/sshd_config.d")[1]


def test_a_colleague_and_a_jump_user_are_admitted_and_let_go(site: Living, tmp_path: Path) -> None:
    """The colleague logs in on both machines; the jump user passes through, and does nothing on the way."""
    for name in ("colleague", "maria"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", tmp_path / name], check=True)
    keys = {name: (tmp_path / f"{name}.pub").read_text().strip() for name in ("colleague", "maria")}
    people = {
        "operator_keys": [keys["colleague"]],
        "ssh_bastion_jump_users": [{"name": "maria", "keys": [keys["maria"]]}],
    }
    tags = ("--tags", "host_baseline,ssh_bastion")
    site.play("configure_public", *tags, "--extra-vars", json.dumps(people)).check()
    site.play("configure_private", "--tags", "host_baseline", "--extra-vars", json.dumps(people)).check()
    second = site.play("configure_public", *tags, "--extra-vars", json.dumps(people)).check()
    assert not second.changed["sidedish-playground-public"]

    def as_colleague(*argv: str) -> tuple[int, str]:
        return ssh(site, *argv, key=tmp_path / "colleague")

    def as_maria(*argv: str) -> tuple[int, str]:
        return ssh(site, *argv, user="maria", key=tmp_path / "maria")

    assert as_colleague("public", "id -un") == (0, "admin\n")
    assert as_maria("-W", f"{PRIVATE}:22", "public")[1].startswith("SSH-2.0-")
    status, said = as_maria("public", "id")
    assert status != 0
    assert "uid" not in said
    assert "prohibited" in as_maria("-W", f"{PRIVATE}:80", "public")[1]
    assert "Accepted publickey for maria" in site.ssh("public", "sudo journalctl -q -t sshd-session -n 200 -o cat")

    site.play("configure_public", *tags).check()
    assert as_colleague("public", "id")[0] == 255
    assert as_maria("-W", f"{PRIVATE}:22", "public")[0] != 0


def test_the_session_log_names_who_came_from_where_and_what_for(site: Living) -> None:
    ssh(site, "public", "true")
    log = site.ssh("public", "sudo journalctl -q -t sshd-session -n 60 -o cat")
    for words in ("Accepted publickey for admin from", "ED25519 SHA256:", "Starting session: command for admin"):
        assert words in log
