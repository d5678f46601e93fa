# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""For each step, Ansible connects, becomes root and starts a Python, which loads the same libraries again.

Here that happens once for each machine and run. What waits there (server.py) forks for each module.
"""

from __future__ import annotations

import itertools
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from ansible.plugins.action import ActionBase, LowLevelExecuteCommandResult
from ansible.plugins.connection import ConnectionBase, ssh

# Follows the Python of a machine: it reads how long the server is, and then the server.
START = " -c " + shlex.quote("import sys; exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))")

# Where a connection starts what it was given. ssh calls this again if the connection fails, as it is told to.
STARTS = {"ssh": "_bare_run", "local": "exec_command"}

Execute = Callable[..., LowLevelExecuteCommandResult]
Ran = tuple[int, bytes, bytes]


class NoForkServer(BaseException):
    """There is none. No handler of Exception may take this for a failing connection, and try again."""


class BrokerClient:
    """Asks the process that holds the servers (broker.py), as those that run the steps come and go."""

    def __init__(self) -> None:
        self.line, its_end = socket.socketpair()
        with its_end:
            program = [sys.executable, "-I", str(Path(__file__).with_name("broker.py")), str(its_end.fileno())]
            subprocess.Popen(program, pass_fds=[its_end.fileno()], stdin=subprocess.DEVNULL)
        self.logins = 0

    def run(self, command: Sequence[str | bytes], folder: str | None, script: bytes) -> Ran:
        """The exit code of the script, what it printed, and its errors. The command starts the server for it."""
        words = [os.fsencode(word) for word in command]
        own, its_end = socket.socketpair()
        with Connection(own.detach()) as answer:
            try:
                with its_end:
                    socket.send_fds(self.line, [b"?"], [its_end.fileno()])
                answer.send((words, folder, (self.logins, *hosts_file(words)), script))
            except OSError:
                raise NoForkServer from None
            try:
                ran = answer.recv()
            except (OSError, EOFError):  # it may have begun
                ran = 255, b"", b"The process that holds the fork servers is gone.\n"
        if ran is None:
            raise NoForkServer
        return cast(Ran, ran)


def hosts_file(ssh_words: Sequence[bytes]) -> Iterator[tuple[Path, int, int]]:
    """In which state the file after -F is. It says which machine is behind a name."""
    for option, word in itertools.pairwise(ssh_words):
        file = Path(os.fsdecode(word))
        if option == b"-F" and file.exists():
            status = file.stat()
            yield file, status.st_mtime_ns, status.st_size


def run_in_forks(execute: Execute) -> Execute:
    """The same for what has a script for the Python of a machine, but a fork server runs it where there is one."""
    broker = BrokerClient()
    reset = ssh.Connection.reset

    def reset_all(self: ssh.Connection) -> None:
        """After this, groups and limits of a user are to be read again."""
        broker.logins += 1
        reset(self)

    ssh.Connection.reset = reset_all  # type: ignore[method-assign] # nobody is told of a reset otherwise

    def execute_in_fork(
        self: ActionBase, cmd: str, sudoable: bool = True, in_data: bytes = b"", *rest: Any, **named: Any
    ) -> LowLevelExecuteCommandResult:
        connection = self._connection
        if connection.transport not in STARTS or asks_for_password(connection):
            return execute(self, cmd, sudoable, in_data, *rest, **named)
        name = STARTS[connection.transport]

        def start(command: str | list[bytes], in_data: bytes, **_: object) -> Ran:
            """Stand where Ansible, having built the command, starts it."""
            words = ["/bin/sh", "-c", command] if isinstance(command, str) else command
            return broker.run(words, getattr(connection, "cwd", None), in_data)

        setattr(connection, name, start)
        try:
            return execute(self, cmd + START, sudoable, in_data, *rest, **named)
        except NoForkServer:
            delattr(connection, name)
            return execute(self, cmd, sudoable, in_data, *rest, **named)
        finally:
            vars(connection).pop(name, None)

    return execute_in_fork


def asks_for_password(connection: ConnectionBase) -> bool:
    """Whether somebody has to be there when the connection is made, or root's rights are taken."""
    become = connection.become
    return bool(
        (connection.transport == "ssh" and connection.get_option("password"))
        or (become and become.get_option("become_pass"))
    )
