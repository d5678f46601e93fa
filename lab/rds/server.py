"""The MySQL of one running machine, entered from outside as RDS's own automation: nobody else has a way in."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from lab.apply.namespaces import bind_socket
from lab.run import CommandError, run

SETTINGS = "/etc/mysql/mysql.conf.d/zz-instance.cnf"
# Written and the server restarted only if it is not so already.
CONFIGURE = f"cat > {SETTINGS}.new; cmp -s {SETTINGS}.new {SETTINGS} && exec rm {SETTINGS}.new; \
mv {SETTINGS}.new {SETTINGS}; exec systemctl restart mysql.service"
GREETING_SECONDS = 2.0
RESTART_SECONDS = 120.0


@dataclass(frozen=True)
class Server:
    """`leader` is the machine's init as this host sees it."""

    leader: int

    def _inside(self, *argv: str) -> list[str]:
        return ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *argv]

    def runs(self) -> bool:
        """Whether systemd calls the server active: started, recovered and listening."""
        return run(self._inside("systemctl", "is-active", "mysql.service"), check=False).strip() == "active"

    def configure(self, settings: str) -> None:
        """Make these the settings; the text travels by a pipe."""
        run(self._inside("sh", "-c", CONFIGURE), stdin=settings, timeout_seconds=RESTART_SECONDS)

    def execute(self, statements: str) -> None:
        """Run SQL as root over the socket, which no packet reaches; passwords are on no command line."""
        client = ["mysql", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--user=root", "--batch"]
        run(self._inside(*client), stdin=statements)

    @contextlib.contextmanager
    def held(self, volume: Path) -> Iterator[None]:
        """Stand still with everything on the volume, as RDS suspends I/O for a snapshot.

        The process is stopped instead of the file system frozen: a frozen one would outlive a killed lab.
        Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CreateSnapshot.html
        """
        self._signal(signal.SIGSTOP)
        try:
            descriptor = os.open(f"/proc/{self._holder}/root{volume}", os.O_RDONLY)
            try:
                run(["sync", "--file-system", f"/proc/{os.getpid()}/fd/{descriptor}"])
            finally:
                os.close(descriptor)
            yield
        finally:
            self._signal(signal.SIGCONT)

    @property
    def _holder(self) -> int:
        """The process in whose namespace the volume is mounted: the parent of the machine's init."""
        return int(Path(f"/proc/{self.leader}/stat").read_text().rpartition(")")[2].split()[1])

    def _signal(self, number: signal.Signals) -> None:
        kill = ["systemctl", "kill", "--kill-whom=main", f"--signal={number.name}", "mysql.service"]
        run(self._inside(*kill))


def greets(namespace: str, address: IPv4Address, port: int) -> bool:
    """Whether MySQL answers on its port: it speaks first, with its protocol number 10.

    Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
    """
    with (
        contextlib.suppress(OSError, CommandError),
        bind_socket(namespace, socket.SOCK_STREAM, ("0.0.0.0", 0), listen=False) as stream,
    ):
        stream.settimeout(GREETING_SECONDS)
        stream.connect((str(address), port))
        return stream.recv(5)[4:] == b"\x0a"
    return False
