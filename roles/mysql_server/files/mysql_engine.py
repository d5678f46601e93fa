# Ansible managed. Role mysql_server.
"""MySQL's own programs: questions to a server, pipelines, and a server that lives for a rehearsal only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mysql_archive import BackupError

LIVE = "/run/mysqld/mysqld.sock"
# A folder that AppArmor lets MySQL write to, beside its own.
SCRATCH = Path("/var/lib/mysql-files/rehearsal")
SYSTEM = "('mysql', 'sys', 'performance_schema', 'information_schema')"


class Server:
    """One MySQL, by its socket."""

    def __init__(self, socket: str = LIVE) -> None:
        self.login = [f"--socket={socket}", "--user=root"]

    def ask(self, query: str) -> list[list[str]]:
        argv = ["mysql", *self.login, "--batch", "--skip-column-names", "--execute", query]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BackupError(f"MySQL refused {query[:60]}: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def one(self, query: str) -> str:
        return self.ask(query)[0][0]

    def databases(self) -> list[str]:
        query = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN {SYSTEM}"
        return [row[0] for row in self.ask(query)]

    def tables(self) -> dict[str, dict[str, int]]:
        """Rows and checksum of every table."""
        query = f"""SELECT table_schema, table_name FROM information_schema.tables
            WHERE table_type = 'BASE TABLE' AND table_schema NOT IN {SYSTEM} ORDER BY 1, 2"""
        found = {}
        for schema, table in self.ask(query):
            name = f"`{schema}`.`{table}`"
            rows = int(self.one(f"SELECT COUNT(*) FROM {name}"))
            found[f"{schema}.{table}"] = {"rows": rows, "checksum": int(self.ask(f"CHECKSUM TABLE {name}")[0][1])}
        return found


def pipe(*programs: list[str], output: Any = None, edit: bool = False) -> None:
    """Run a pipeline; any program that fails is named. `edit` mends statements on their way to the last."""
    running: list[subprocess.Popen[bytes]] = []
    for number, argv in enumerate(programs):
        last = number == len(programs) - 1
        source: Any = running[-1].stdout if running else subprocess.DEVNULL
        if last and edit:
            source = subprocess.PIPE
        sink = output if last else subprocess.PIPE
        running.append(subprocess.Popen(argv, stdin=source, stdout=sink, env=os.environ | {"TZ": "UTC"}))
    if edit:
        repeatable(running[-2], running[-1])
    for one in running[:-1]:
        if one.stdout:
            one.stdout.close()
    failed = [argv[0] for argv, one in zip(programs, running) if one.wait()]
    if failed:
        raise BackupError(f"{', '.join(failed)} failed; what it said stands above.")


def repeatable(source: subprocess.Popen[bytes], sink: subprocess.Popen[bytes]) -> None:
    """Accounts are in the logs but in no dump, so they may be there already."""
    assert source.stdout
    assert sink.stdin
    with suppress(BrokenPipeError), sink.stdin:
        for line in source.stdout:
            line = re.sub(rb"^CREATE USER (?!IF)", b"CREATE USER IF NOT EXISTS ", line)
            sink.stdin.write(re.sub(rb"^DROP USER (?!IF)", b"DROP USER IF EXISTS ", line))


@contextmanager
def scratch() -> Iterator[Server]:
    """An empty MySQL without a network, gone afterwards."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(mode=0o700)
    shutil.chown(SCRATCH, "mysql", "mysql")
    socket, own = SCRATCH / "socket", ["--no-defaults", "--user=mysql", f"--datadir={SCRATCH}/data"]
    own += [f"--log-error={SCRATCH}/error.log", "--innodb-buffer-pool-size=32M", "--performance-schema=OFF"]
    lines = [f"--socket={socket}", f"--pid-file={SCRATCH}/pid", "--skip-networking", "--mysqlx=OFF", "--skip-log-bin"]
    mysqld: subprocess.Popen[bytes] | None = None
    try:
        pipe(["/usr/sbin/mysqld", *own, "--initialize-insecure"])
        mysqld = subprocess.Popen(["/usr/sbin/mysqld", *own, *lines])
        deadline = time.monotonic() + 60
        ping = ["mysqladmin", f"--socket={socket}", "--user=root", "--silent", "ping"]
        while subprocess.run(ping, stderr=subprocess.DEVNULL, check=False).returncode:
            if mysqld.poll() is not None or time.monotonic() > deadline:
                raise BackupError(f"The server for the rehearsal did not start: {(SCRATCH / 'error.log').read_text()}")
            time.sleep(0.2)
        yield Server(str(socket))
    finally:
        if mysqld:
            mysqld.terminate()
            mysqld.wait()
        shutil.rmtree(SCRATCH, ignore_errors=True)
