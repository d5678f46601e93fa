"""Log in to the private machine in both supported ways: through a jump, and with a forwarded agent."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .probe import PAUSE_SECONDS

WHO_AM_I = "echo $SSH_CONNECTION"
NO_AGENT = 2  # how ssh-add says that nobody answers at the socket
AGENT_SECONDS = 10.0


def run(argv: list[str], seconds: float, agent: str | None = None) -> tuple[int, str, str]:
    """Exit status, output and the last line of complaint; 124 when it took too long."""
    environment = dict(os.environ, SSH_ASKPASS_REQUIRE="never")
    if agent is not None:
        environment["SSH_AUTH_SOCK"] = agent
    try:
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return 124, "", f"no answer within {seconds:.0f} s"
    complaints = [line for line in done.stderr.splitlines() if line.strip()]
    return done.returncode, done.stdout.strip(), complaints[-1] if complaints else ""


def settings(config: str, host: str) -> dict[str, str]:
    """What ssh itself makes of the configuration for this host (the first value of each keyword)."""
    found: dict[str, str] = {}
    for line in run(["ssh", "-G", "-F", config, host], 5)[1].splitlines():
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword, value)
    return found


def ssh(config: str, host: str, command: str, seconds: float) -> list[str]:
    """A login that asks no question and shares no connection with another."""
    options = ["-o", "BatchMode=yes", "-o", "ControlPath=none", "-o", f"ConnectTimeout={seconds:.0f}"]
    return ["ssh", "-F", config, *options, host, command]


def add_key(identity: str, agent: str) -> bool:
    """Whether the agent took the key; one that has just been started may not listen yet."""
    deadline = time.monotonic() + AGENT_SECONDS
    status = NO_AGENT
    while status == NO_AGENT and time.monotonic() < deadline:
        status = run(["ssh-add", "-q", identity], AGENT_SECONDS, agent)[0]
        if status == NO_AGENT:
            time.sleep(0.05)
    return status == 0


@contextmanager
def temporary_agent(identity: str) -> Iterator[str]:
    """An agent of this one key that ends with the block; a key with a passphrase needs the operator's own."""
    with tempfile.TemporaryDirectory(prefix="onebox-agent-") as folder:
        sock = str(Path(folder, "agent"))
        process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", sock], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield sock if add_key(identity, sock) else os.environ.get("SSH_AUTH_SOCK", "")
        finally:
            process.terminate()
            process.wait()


def host_key(alias: str, known_hosts: str) -> str:
    """`type key` of a known host, ed25519 preferred."""
    lines = run(["ssh-keygen", "-F", alias, "-f", known_hosts], 5)[1].splitlines()
    keys = [line.split(maxsplit=1)[1] for line in lines if line and not line.startswith("#")]
    return next((key for key in keys if key.startswith("ssh-ed25519")), keys[0] if keys else "")


def second_hop(target: dict[str, str], seconds: float) -> str:
    """The command typed on the bastion: only the agent's key, and the host key is checked there too."""
    alias = target.get("hostkeyalias", target["hostname"])
    known = host_key(alias, target["userknownhostsfile"].split()[0])
    options = [
        "BatchMode=yes",
        "IdentityFile=none",
        "StrictHostKeyChecking=yes",
        "UserKnownHostsFile=none",
        f"HostKeyAlias={alias}",
        # The bastion need not know the private machine: the key travels with the question.
        f"KnownHostsCommand=/bin/echo {alias} {known}",
        f"ConnectTimeout={seconds:.0f}",
    ]
    words = ["ssh", *(word for option in options for word in ("-o", option))]
    return shlex.join([*words, f"{target['user']}@{target['hostname']}", WHO_AM_I])


def answer(status: int, text: str, complaint: str) -> dict[str, Any]:
    """Who the machine says has logged in, or why nobody could."""
    peer = text.split()[0] if status == 0 and text else ""
    return {"ok": bool(peer), "peer": peer, "error": "" if peer else complaint or f"status {status}"}


def patiently(attempt: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A login that failed gets a second chance, so that a busy machine is no alarm."""
    first = attempt()
    if first["ok"]:
        return first
    time.sleep(PAUSE_SECONDS)
    return attempt()


def direct(config: str, host: str, seconds: float) -> dict[str, Any]:
    """Log in to one host of the configuration, whatever way it takes."""
    return answer(*run(ssh(config, host, WHO_AM_I, seconds), 3 * seconds))


def forwarded(config: str, bastion: str, host: str, seconds: float) -> dict[str, Any]:
    """Log in to the bastion with an agent, and from there onwards with nothing but that agent."""
    target = settings(config, host)
    if "userknownhostsfile" not in target:
        return {"ok": False, "peer": "", "error": f"{config} is missing or not readable"}
    identity = str(Path(target.get("identityfile", "")).expanduser())
    with temporary_agent(identity) as agent:
        if not agent:
            return {"ok": False, "peer": "", "error": f"no agent took {identity}: has it a passphrase?"}
        command = ssh(config, bastion, second_hop(target, seconds), seconds)
        return answer(*run(command, 3 * seconds, agent))
