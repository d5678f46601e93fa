# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""One run at a time: who is at work on an environment stands in the parameter store."""

from __future__ import annotations

import contextlib
import datetime
import getpass
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

with contextlib.suppress(ImportError):  # AnsibleAWSModule says what is missing.
    from botocore.exceptions import ClientError


# A module that makes something rests for 5 seconds at most afterwards; most have ended long before.
LEFTOVER_SECONDS = 30


class LockedError(Exception):
    """Somebody else is at work."""


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def started(pid: int) -> str:
    """Say when a process began, in ticks since the boot: a number is given again, this is not.

    Nothing for one that is gone, or has ended and waits for its parent to notice (proc_pid_stat(5), state Z).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def runner() -> int:
    """Find the ansible-playbook that this module works for; its workers are called the same."""
    found, pid = 0, os.getppid()
    while pid > 0:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:2]
            if any(word.rpartition(b"/")[2] == b"ansible-playbook" for word in words):
                found = pid
        pid = parent(pid)
    return found


def this_run() -> dict[str, Any]:
    """Say who runs this, so that others can be told, and whether it still runs can be seen."""
    pid = runner()
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {
        "who": f"{getpass.getuser()}@{socket.gethostname()}",
        "pid": pid,
        "started": started(pid),
        "boot": boot.read_text(encoding="utf-8").strip() if boot.exists() else "",
        "space": str(Path("/proc/self/ns/pid").readlink()) if pid else "",
    }


def mark(run: dict[str, Any]) -> str:
    """What stands as ONEBOX_RUN in the environment of every module that a run starts to change something."""
    return f"{run['pid']}.{run['started']}"


def leftovers(run: dict[str, Any]) -> bool:
    """Whether modules of a run go on without it: its workers are no children of it, nor what is in the background."""
    wanted = f"ONEBOX_RUN={mark(run)}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (process / "environ").read_bytes().split(b"\0") and started(int(process.name)):
                return True
    return False


def outlived(run: dict[str, Any]) -> bool:
    """Wait for the modules that a run has left behind; whether one of them stays."""
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while left := leftovers(run):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return left


def is_over(lock: dict[str, Any], run: dict[str, Any]) -> str:
    """Say why a lock no longer counts, or nothing. Of another machine's runs only the time is known."""
    if lock["until"] < now().isoformat():
        return "it has expired"
    if lock["who"] != run["who"] or not lock["pid"]:
        return ""
    if lock["boot"] != run["boot"]:
        return "this machine was restarted since"
    if lock["space"] == run["space"]:
        return "" if started(lock["pid"]) == lock["started"] or outlived(lock) else "that run has ended"
    for process in Path("/proc").glob("[0-9]*/ns/pid"):
        with contextlib.suppress(OSError):
            if str(process.readlink()) == lock["space"]:
                return ""
    return "that run has ended"


class Lock:
    """A parameter that says who is at work. PutParameter without Overwrite is atomic."""

    def __init__(self, ssm: Any, *, name: str, path: str, tags: dict[str, str], minutes: int) -> None:
        self.ssm, self.name, self.path, self.tags = ssm, name, path, tags
        self.run = this_run()
        since = now()
        until = since + datetime.timedelta(minutes=minutes)
        self.text = json.dumps(self.run | {"since": since.isoformat(timespec="seconds"), "until": until.isoformat()})

    def take(self) -> tuple[str, str]:
        """Return the lock, and whose lock had to be taken over and why; or stop with LockedError."""
        try:
            tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
            self.ssm.put_parameter(Name=self.path, Value=self.text, Type="String", Overwrite=False, Tags=tags)
            return self.text, ""
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterAlreadyExists":
                raise
        try:
            kept = self.ssm.get_parameter(Name=self.path)["Parameter"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            return self.take()  # It was given back this very moment.
        theirs = json.loads(kept["Value"])
        if self.run.items() <= theirs.items():
            return str(kept["Value"]), ""
        reason = is_over(theirs, self.run)
        if not reason:
            raise LockedError(self.complaint(theirs))
        version = self.ssm.put_parameter(Name=self.path, Value=self.text, Type="String", Overwrite=True)["Version"]
        if version != kept["Version"] + 1:
            winner = self.ssm.get_parameter(Name=f"{self.path}:{kept['Version'] + 1}")["Parameter"]["Value"]
            # Where an answer was lost, the SDK has written ours twice. Else somebody else took it over a moment before.
            if winner != self.text:
                self.ssm.put_parameter(Name=self.path, Value=winner, Type="String", Overwrite=True)
                raise LockedError(self.complaint(json.loads(winner)))
        return self.text, f"Took over the lock of {theirs['who']} since {theirs['since']}: {reason}."

    def complaint(self, theirs: dict[str, Any]) -> str:
        return (
            f"{theirs['who']} (process {theirs['pid']}) is at work on {self.name} since {theirs['since']}, and "
            f"two runs at once would make things twice. Wait until it has ended; its lock expires at "
            f"{theirs['until'][:19]} UTC. If you know that it was aborted: aws ssm delete-parameter --name {self.path}"
        )

    def release(self, held: str) -> None:
        """Give back what is ours. After its time it may be somebody else's, so only then it is read first."""
        with contextlib.suppress(self.ssm.exceptions.ParameterNotFound):
            late = json.loads(held)["until"] < now().isoformat()
            if not late or self.ssm.get_parameter(Name=self.path)["Parameter"]["Value"] == held:
                self.ssm.delete_parameter(Name=self.path)
