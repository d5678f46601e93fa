# Ansible managed. Role mysql_server.
"""What is kept of the databases, by name alone: which files serve a moment, and which are no longer needed.

SERVER/20261124T031700Z-000012.sql.gz   a dump that was complete at that time, begun in that binary log
SERVER/binlog.000012.gz                 a binary log; SERVER is the server_uuid of who wrote it
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

DUMP = re.compile(r"(?P<server>[0-9a-f-]{36})/(?P<moment>\d{8}T\d{6}Z)-(?P<log>\d+)\.sql\.gz")
LOG = re.compile(r"(?P<server>[0-9a-f-]{36})/binlog\.(?P<log>\d+)\.gz")
STAMP = "%Y%m%dT%H%M%SZ"


class BackupError(Exception):
    """A message for whoever reads the journal."""


@dataclass(frozen=True, order=True)
class Dump:
    moment: datetime
    server: str
    log: int

    @property
    def name(self) -> str:
        return f"{self.server}/{self.moment.strftime(STAMP)}-{self.log:06d}.sql.gz"


def ours(names: Iterable[str]) -> list[str]:
    """Without what is unfinished or foreign."""
    return sorted(name for name in names if DUMP.fullmatch(name) or LOG.fullmatch(name))


def dumps(names: Iterable[str]) -> list[Dump]:
    """All dumps, oldest first. Its moment is its end: all it holds was there by then."""
    found = (DUMP.fullmatch(name) for name in names)
    return sorted(
        Dump(datetime.strptime(one["moment"], STAMP).replace(tzinfo=timezone.utc), one["server"], int(one["log"]))
        for one in found
        if one
    )


def logs(names: Iterable[str], server: str) -> dict[int, str]:
    """The binary logs of one server by their number."""
    found = (LOG.fullmatch(name) for name in names)
    return {int(one["log"]): one[0] for one in sorted(filter(None, found), key=str) if one["server"] == server}


def choose(names: list[str], moment: datetime | None) -> tuple[Dump, list[str]]:
    """The newest dump that was complete at the moment (None: now), and every later log of its server."""
    fitting = [dump for dump in dumps(names) if moment is None or dump.moment <= moment]
    if not fitting:
        oldest = next((f"the oldest dump is of {dump.moment:%Y-%m-%d %H:%M:%S} UTC" for dump in dumps(names)), "none")
        raise BackupError(f"There is no dump from before {moment or 'now'}: {oldest}.")
    dump = fitting[-1]
    numbered = {number: name for number, name in logs(names, dump.server).items() if number >= dump.log}
    for number in range(dump.log, max(numbered, default=dump.log)):
        if number not in numbered:
            raise BackupError(f"The binary log {number:06d} of {dump.server} is missing: nothing after it can be had.")
    return dump, [numbered[number] for number in sorted(numbered)]


def expired(names: list[str], now: datetime, keep_days: int) -> list[str]:
    """What no moment of the last days needs any more."""
    everything = dumps(names)
    before = [dump for dump in everything if dump.moment <= now - timedelta(days=keep_days)]
    kept = [dump for dump in everything if not before or dump >= before[-1]]
    first: dict[str, int] = {}
    for dump in kept:
        first[dump.server] = min(dump.log, first.get(dump.server, dump.log))
    gone = [dump.name for dump in everything if dump not in kept]
    for server in {one["server"] for one in map(LOG.fullmatch, names) if one}:
        if kept:  # without any dump nobody knows what will be needed
            begin = first.get(server)
            gone += [name for number, name in logs(names, server).items() if begin is None or number < begin]
    return sorted(gone)
