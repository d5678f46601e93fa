"""A living environment, and a client of its database that remembers what was acknowledged."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pymysql

from tests.e2e.operator import Operator, Run, wait_for

PRIVATE = "10.1.2.10"
TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE  # the server's certificate is its own


class Living(Operator):
    """The operator of an environment that other hands have built."""

    def __init__(self, build: Path, lab_name: str) -> None:
        self.aws_of_shell = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        super().__init__()
        self.build, self.lab_name = build, lab_name

    @cached_property
    def aws(self) -> dict[str, str]:
        return self.aws_of_shell

    def lab_verb(self, *argv: str) -> Run:
        return self.run("lab", *argv, "--name", self.lab_name, seconds=60, aws=False).check()

    def address(self) -> str:
        return str(self.machine("public")["PublicIpAddress"])

    def mysql(self, statement: str) -> str:
        """As root, by the socket of the private machine."""
        quoted = statement.replace("'", "'\\''")
        return self.ssh("private", f"sudo mysql --batch --skip-column-names --execute '{quoted}'")

    def answers(self, tier: str) -> bool:
        try:
            return "up" in self.ssh(tier, "echo up")
        except (AssertionError, subprocess.TimeoutExpired):
            return False

    def egress(self) -> bool:
        look = "import urllib.request as u; print(u.urlopen('http://checkip.amazonaws.com/', timeout=3).status)"
        try:
            return "200" in self.ssh("private", f'python3 -c "{look}"')
        except (AssertionError, subprocess.TimeoutExpired):
            return False

    def wait_for_all(self, *, seconds: float) -> float:
        """The page shows a row, and the private machine has its way out."""
        began = time.monotonic()
        wait_for("the page", lambda: self.page()[0] == 200 and "row:" in self.page()[1], seconds=seconds)
        wait_for("the way out", self.egress, seconds=seconds - (time.monotonic() - began))
        took = time.monotonic() - began
        assert took < seconds, f"everything was back after {took:.0f} s only"
        return took

    @contextmanager
    def tunnel(self, behind: int = 3306) -> Iterator[int]:
        """What MySQL Workbench uses: a port of this machine that leads to the database."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        argv = ["ssh", "-F", str(self.build / "ssh_config"), "-o", "ControlPath=none", "-o", "BatchMode=yes"]
        argv += ["-N", "-L", f"127.0.0.1:{port}:{PRIVATE}:{behind}", "public"]
        with subprocess.Popen(argv) as ssh:
            try:
                wait_for("the tunnel", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, seconds=20)
                yield port
            finally:
                ssh.terminate()

    def connect(self, port: int, user: str = "app", database: str | None = "app", **options: Any) -> Any:
        """The application's account, unless another is named; it seems to come from the public machine."""
        parameter = self.ssm.get_parameter(Name="/onebox/sidedish/playground/mysql_app_password", WithDecryption=True)
        password = parameter["Parameter"]["Value"]
        settings: dict[str, Any] = {"ssl": TRUSTING, "connect_timeout": 3, "read_timeout": 5, "write_timeout": 5}
        settings |= {"host": "127.0.0.1", "port": port, "user": user, "password": password, "database": database}
        return pymysql.connect(**(settings | {"autocommit": True} | options))


class Writer(threading.Thread):
    """Commits a row after another, and keeps those that the server has acknowledged."""

    def __init__(self, site: Living, port: int) -> None:
        super().__init__(daemon=True)
        self.site, self.port = site, port
        self.acknowledged: list[int] = []
        self.times: list[float] = []
        self.errors = 0
        self.over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.over.is_set():
            with suppress(pymysql.err.Error, OSError), self.site.connect(self.port) as connection:
                cursor = connection.cursor()
                while not self.over.is_set():
                    number += 1
                    cursor.execute("INSERT INTO proof (n) VALUES (%s)", (number,))
                    self.acknowledged.append(number)
                    self.times.append(time.monotonic())
            self.errors += 1
            time.sleep(0.1)

    def writes_again(self, since: float) -> bool:
        return bool(self.times) and self.times[-1] > since

    def longest_pause(self) -> float:
        return max((after - before for before, after in zip(self.times, self.times[1:], strict=False)), default=0.0)


@contextmanager
def writing(site: Living) -> Iterator[Writer]:
    """A writer at work on an empty table; afterwards every row it was promised must be there."""
    site.mysql("DROP TABLE IF EXISTS app.proof; CREATE TABLE app.proof (n INT PRIMARY KEY)")
    with site.tunnel() as port:
        writer = Writer(site, port)
        writer.start()
        try:
            wait_for("rows are written", lambda: len(writer.acknowledged) > 100, seconds=20)
            yield writer
        finally:
            writer.over.set()
            writer.join(20)
    found = {int(line) for line in site.mysql("SELECT n FROM app.proof").split()}
    lost = set(writer.acknowledged) - found
    assert not lost, f"{len(lost)} of {len(writer.acknowledged)} acknowledged rows are lost"
    site.mysql("DROP TABLE app.proof")
