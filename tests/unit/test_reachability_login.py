"""The two ways to the private machine: what is typed, and that the agent ends with the question."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from reachability import login

CONFIG = """\
Host private
  HostName 10.1.2.10
  User admin
  HostKeyAlias i-private
  IdentityFile {key}
  UserKnownHostsFile {known_hosts}
  StrictHostKeyChecking yes
  ProxyJump public
"""


def make_key(path: Path, passphrase: str = "") -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().strip()


@pytest.fixture
def config(tmp_path: Path) -> str:
    host_key = make_key(tmp_path / "host")
    (tmp_path / "known_hosts").write_text(f"i-private {host_key}\n")
    path = tmp_path / "ssh_config"
    path.write_text(CONFIG.format(key=tmp_path / "operator", known_hosts=tmp_path / "known_hosts"))
    return str(path)


def test_settings_are_what_ssh_makes_of_the_file(config: str) -> None:
    found = login.settings(config, "private")
    assert found["hostname"] == "10.1.2.10"
    assert found["user"] == "admin"
    assert found["hostkeyalias"] == "i-private"


def test_the_second_hop_checks_the_host_key_and_knows_it(config: str, tmp_path: Path) -> None:
    command = login.second_hop(login.settings(config, "private"), 3)
    key = " ".join((tmp_path / "host.pub").read_text().split()[:2])
    assert f"KnownHostsCommand=/bin/echo i-private {key}" in command
    assert "StrictHostKeyChecking=yes" in command
    assert "IdentityFile=none" in command
    assert "admin@10.1.2.10" in command


def test_an_agent_holds_the_key_and_ends_with_the_block(tmp_path: Path) -> None:
    make_key(tmp_path / "operator")
    with login.temporary_agent(str(tmp_path / "operator")) as agent:
        assert login.run(["ssh-add", "-l"], 5, agent)[0] == 0
        folder = Path(agent).parent
    assert not folder.exists()
    assert login.run(["ssh-add", "-l"], 5, agent)[0] == 2, "2: there is no agent"


def test_an_agent_that_does_not_listen_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = iter([login.NO_AGENT, login.NO_AGENT, 0])
    monkeypatch.setattr(login, "run", lambda *_: (next(statuses), "", ""))
    assert login.add_key("key", "agent")


def test_a_login_that_failed_gets_a_second_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "PAUSE_SECONDS", 0)
    answers = iter([login.answer(255, "", "timed out"), login.answer(0, "10.1.1.10 1 10.1.2.10 22", "")])
    assert login.patiently(lambda: next(answers))["ok"]


@pytest.mark.parametrize("own", ["", "/run/user/1000/agent"])
def test_a_key_with_a_passphrase_needs_the_agent_of_its_owner(
    own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", own)
    make_key(tmp_path / "operator", "a passphrase")
    with login.temporary_agent(str(tmp_path / "operator")) as agent:
        assert agent == own


def test_a_missing_configuration_is_said(tmp_path: Path) -> None:
    answer = login.forwarded(str(tmp_path / "none"), "public", "private", 1)
    assert not answer["ok"]
    assert "missing" in answer["error"]


def test_the_machine_says_from_where_one_came() -> None:
    assert login.answer(0, "10.1.1.10 40000 10.1.2.10 22", "") == {"ok": True, "peer": "10.1.1.10", "error": ""}
    assert login.answer(255, "", "Permission denied")["error"] == "Permission denied"
    assert login.answer(124, "", "")["error"] == "status 124"
