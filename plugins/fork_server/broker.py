# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
"""Starts fork servers and holds them, for one run of Ansible: `python broker.py <number of a socket>`.

Who asks sends an end of a socket of its own through that one."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, cast

SERVER = Path(__file__).with_name("server.py").read_bytes()
LISTENS, BEGUN = b"The fork server listens\n", b"Begun\n"
# Commands that differ in nothing but this start the same: sudo has to say another word each time.
ANY_WORD = re.compile(rb"BECOME-SUCCESS-\w+")
# Servers of one kind. sshd allows ten sessions on a connection (MaxSessions), and others need some.
MOST = 4
# The code of ssh for its own failures: the machine cannot be reached, or is no longer.
SSH_FAILED = 255

Ran = tuple[int, bytes, bytes]


class NotBegunError(Exception):
    """The script does not run: the exit code of the command that should have, and its errors."""


class Server:
    """One that waits for scripts somewhere, behind a command that goes on."""

    def __init__(self, command: list[bytes], folder: str | None) -> None:
        # A pipe would be held open by the master that ssh leaves behind.
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 # as long as this
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors
        )
        self.input, self.output = cast(IO[bytes], self.process.stdin), cast(IO[bytes], self.process.stdout)
        self._send(SERVER, LISTENS)

    def run(self, script: bytes) -> Ran:
        """Its exit code, what it printed, and its errors. If the server is lost meanwhile: as ssh would end."""
        self._send(script, BEGUN)
        code, printed, errors = self.output.readline().split() or (b"0", b"0", b"1")  # one that never comes
        said = self.output.read(int(printed) + int(errors))
        if len(said) < int(printed) + int(errors):
            return SSH_FAILED, b"", self._end()[1]
        return int(code), said[: int(printed)], said[int(printed) :]

    def lives(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.input.close()
        self.process.terminate()  # ssh would wait for a machine that is gone

    def _send(self, script: bytes, answer: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # then there is no answer, either
            self.input.write(b"%d\n%b" % (len(script), script))
            self.input.flush()
        while (line := self.output.readline()) != answer:
            if not line:
                raise NotBegunError(*self._end())

    def _end(self) -> tuple[int, bytes]:
        code = self.process.wait()
        self.errors.seek(0)
        return code, self.errors.read()


class Broker:
    """Has a server for whoever asks, or starts one."""

    def __init__(self) -> None:
        self.idle: dict[object, list[Server]] = defaultdict(list)
        self.busy: Counter[object] = Counter()
        self.one_at_a_time = threading.Lock()

    def answer(self, asking: Connection) -> None:
        """Read a command, where it is started, what else tells servers apart, and a script; answer how that ran.

        The answer is None where there is no server.
        """
        with asking, contextlib.suppress(OSError, EOFError):  # who asked may be gone
            command, folder, state, script = asking.recv()
            kind = ANY_WORD.sub(b"", b"\0".join(command)), folder, state
            with self.one_at_a_time:
                waiting = self.idle[kind].pop() if self.idle[kind] else None
                full = self.busy[kind] == MOST
                self.busy[kind] += not full
            asking.send(None if full else self._run(kind, waiting, command, folder, script))

    def _run(
        self, kind: object, server: Server | None, command: list[bytes], folder: str | None, script: bytes
    ) -> Ran | None:
        try:
            if server:
                with contextlib.suppress(NotBegunError):  # the machine may have been started anew
                    return server.run(script)
            server = Server(command, folder)
            return server.run(script)
        except NotBegunError as failure:
            code, said = failure.args
            return (code, b"", said) if code == SSH_FAILED else None
        finally:
            with self.one_at_a_time:
                self.busy[kind] -= 1
                if server and server.lives():
                    self.idle[kind].append(server)

    def stop(self) -> None:
        """Stop what waits. What runs is not stopped: its server ends after it."""
        with self.one_at_a_time:
            for servers in self.idle.values():
                for server in servers:
                    server.stop()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # goes to all that a terminal runs; Ansible says so
    broker = Broker()
    with socket.socket(fileno=int(sys.argv[1])) as line:
        while asking := socket.recv_fds(line, 1, 1)[1]:
            threading.Thread(target=broker.answer, args=(Connection(asking[0]),), daemon=True).start()
    broker.stop()


if __name__ == "__main__":
    main()
