#!/usr/bin/python3
# Ansible managed. Role mysql_server.
"""Dumps and binary logs of this machine's MySQL: kept in a folder and in S3, and brought back.

    mysql-backup dump [--adopt]     a dump of all databases, the logs so far, and what is old goes
    mysql-backup logs               the binary logs that are not kept yet
    mysql-backup restore MOMENT     everything as it was then: "2026-11-24 10:00:00" (UTC) or latest
    mysql-backup rehearse MOMENT    the same in a server that lives for that only; counts the rows

The identity that opens what lies in S3 is read from standard input, where there is a bucket.
"""

from __future__ import annotations

import argparse
import configparser
import fcntl
import gzip
import json
import os
import re
import shutil
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from mysql_archive import BackupError, Dump, choose, dumps, expired, logs, ours
from mysql_engine import Server, pipe, scratch
from mysql_offsite import Offsite

SETTINGS = Path("/etc/mysql-backup.conf")
ROOT = Path("/var/lib/mysql-backup")
POSITION = re.compile(rb"(?:SOURCE|MASTER)_LOG_FILE='[^']*\.(\d+)', (?:SOURCE|MASTER)_LOG_POS=(\d+)")
ONLINE = "SET PERSIST offline_mode = OFF; RESET PERSIST IF EXISTS offline_mode"
EMPTY_LOG_BYTES = 250  # a log with nothing in it but its own beginning


def kept() -> list[str]:
    return ours(str(path.relative_to(ROOT)) for path in ROOT.glob("*/*.gz"))


def write(source: list[str], target: Path) -> None:
    """All of it, or nothing under that name."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            pipe(source, ["gzip", "--stdout"], output=file)
            os.fsync(file.fileno())
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def begin_of(path: Path) -> tuple[int, int]:
    """The log and the position at which a dump was begun; the whole of it is read, to see that it can be."""
    with gzip.open(path) as file:
        head = file.read(20_000)
        tail = head
        while piece := file.read(1 << 20):
            tail = (tail + piece)[-200:]
    found = POSITION.search(head)
    if not found or b"-- Dump completed" not in tail[-200:]:
        raise BackupError(f"{path} is not a whole dump.")
    return int(found[1]), int(found[2])


def require_room(needed: int) -> None:
    """So much, and a twentieth of the disk; MySQL itself would sleep where it finds no room for a new binary log."""
    disk = shutil.disk_usage(ROOT)
    if disk.free < needed + disk.total // 20:
        raise BackupError(f"{ROOT} has {disk.free >> 20} MB left: too little for a backup and for MySQL itself.")


def take_dump(server: Server, target: Path) -> int:
    """A consistent dump; nobody waits for it but for the moment in which the position is read."""
    require_room(max([path.stat().st_size for path in ROOT.glob("*/*.sql.gz")], default=0))
    options = ["--single-transaction", "--source-data=2", "--routines", "--events", "--hex-blob"]
    options += ["--set-gtid-purged=OFF", "--default-character-set=utf8mb4", "--databases", *server.databases()]
    write(["mysqldump", *server.login, *options], target)
    return begin_of(target)[0]


def keep_logs(server: Server) -> None:
    """Every finished binary log; the one in use is finished for that, if there is anything in it."""
    require_room(0)
    base = server.one("SELECT @@log_bin_basename")
    folder = ROOT / server.one("SELECT @@server_uuid")
    found = server.ask("SHOW BINARY LOGS")
    if int(found[-1][1]) > EMPTY_LOG_BYTES:
        server.ask("FLUSH BINARY LOGS")
    have = logs(kept(), folder.name)
    for name, *_ in found if int(found[-1][1]) > EMPTY_LOG_BYTES else found[:-1]:
        number = int(name.rpartition(".")[2])
        if number not in have:
            write(["cat", f"{Path(base).parent}/{name}"], folder / f"binlog.{number:06d}.gz")


def keep_apart(settings: dict[str, str]) -> None:
    """What is kept here and not yet in S3 goes there; what nobody needs any more goes."""
    now, days = datetime.now(timezone.utc), int(settings["keep_days"])
    if settings["s3_bucket"]:
        offsite = Offsite(settings)
        there = set(offsite.names())
        gone = expired(sorted(there | set(kept())), now, days)
        for name in sorted(set(kept()) - there - set(gone)):
            offsite.put(ROOT, name)
        for name in there & set(gone):
            offsite.remove(name)
    for name in expired(kept(), now, days):
        (ROOT / name).unlink()


def refuse_a_stranger(server: Server, settings: dict[str, str]) -> None:
    """A new and empty server must not become the newest backup before the old one is restored."""
    known = set(kept()) | set(Offsite(settings).names() if settings["s3_bucket"] else [])
    servers = {dump.server for dump in dumps(known)}
    if servers and server.one("SELECT @@server_uuid") not in servers:
        raise BackupError(
            "There are backups of another server, and this one has none: it is new. Restore it with "
            "playbooks/restore.yml, or begin anew with mysql-backup dump --adopt."
        )


def dump(settings: dict[str, str], adopt: bool) -> None:
    server = Server()
    if not adopt:
        refuse_a_stranger(server, settings)
    folder = ROOT / server.one("SELECT @@server_uuid")
    log = take_dump(server, folder / "new.sql.gz")
    done = Dump(datetime.now(timezone.utc).replace(microsecond=0), folder.name, log)
    (folder / "new.sql.gz").rename(ROOT / done.name)
    keep_logs(server)
    keep_apart(settings)
    print(f"{done.name}: {(ROOT / done.name).stat().st_size >> 10} KB")


def ship(settings: dict[str, str]) -> None:
    server = Server()
    refuse_a_stranger(server, settings)
    keep_logs(server)
    keep_apart(settings)


def fetch(settings: dict[str, str], moment: datetime | None) -> tuple[Dump, list[str]]:
    """Choose the files, and bring those that are in S3 only."""
    if settings["s3_bucket"]:
        offsite, identity = Offsite(settings), sys.stdin.read()
        chosen, chain = choose(sorted({*kept(), *offsite.names()}), moment)
        for name in {chosen.name, *chain} - set(kept()):
            offsite.get(ROOT, name, identity)
        return chosen, chain
    return choose(kept(), moment)


def replay(server: Server, chosen: Dump, chain: list[str], moment: datetime | None) -> None:
    """The dump, and then the logs from its position on, up to the moment."""
    log, position = begin_of(ROOT / chosen.name)
    client = ["mysql", *server.login, "--binary-mode"]
    pipe(["gzip", "--stdout", "--decompress", str(ROOT / chosen.name)], client)
    numbers = [name for name in chain if int(name.split(".")[1]) >= log]
    if not numbers:
        return
    with tempfile.TemporaryDirectory(dir=ROOT) as folder:
        plain = [Path(folder) / Path(name).stem for name in numbers]
        for name, path in zip(numbers, plain):
            with path.open("wb") as file:
                pipe(["gzip", "--stdout", "--decompress", str(ROOT / name)], output=file)
        # Without their ids: this server may have seen these transactions before.
        reader = ["mysqlbinlog", "--skip-gtids", f"--start-position={position}"]
        reader += [f"--stop-datetime={moment:%Y-%m-%d %H:%M:%S}"] if moment else []
        pipe([*reader, *map(str, plain)], client, edit=True)


def restore(settings: dict[str, str], moment: datetime | None) -> None:
    server = Server()
    known = server.one("SELECT @@server_uuid") in {one.server for one in dumps(kept())}
    # PERSIST: also when the server falls over in between, nobody sees half of it.
    server.ask("SET PERSIST offline_mode = ON")
    try:
        if known:
            keep_logs(server)
        chosen, chain = fetch(settings, moment)
        if server.databases():
            take_dump(server, ROOT / "before-restore.sql.gz")  # the way back
    except BackupError:
        server.ask(ONLINE)  # nothing was lost yet
        raise
    for name in server.databases():
        server.ask(f"DROP DATABASE `{name}`")
    replay(server, chosen, chain, moment)
    server.ask(ONLINE)
    dump(settings, adopt=True)
    print(json.dumps({"dump": chosen.name, "logs": len(chain), "tables": server.tables()}))


def rehearse(settings: dict[str, str], moment: datetime | None) -> None:
    chosen, chain = fetch(settings, moment)
    with scratch() as server:
        replay(server, chosen, chain, moment)
        print(json.dumps({"dump": chosen.name, "logs": len(chain), "tables": server.tables()}))


def moment_of(text: str) -> datetime | None:
    return None if text == "latest" else datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("dump").add_argument("--adopt", action="store_true")
    verbs.add_parser("logs")
    for verb in ("restore", "rehearse"):
        verbs.add_parser(verb).add_argument("moment", type=moment_of)
    asked = parser.parse_args()
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(SETTINGS.read_text())
    settings = dict(config["backup"])
    os.umask(0o077)
    ROOT.mkdir(mode=0o700, exist_ok=True)
    with Path("/run/mysql-backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the timers and a run of a playbook may meet
        try:
            if asked.verb == "dump":
                dump(settings, asked.adopt)
            elif asked.verb == "logs":
                ship(settings)
            else:
                {"restore": restore, "rehearse": rehearse}[asked.verb](settings, asked.moment)
        except BackupError as error:
            print(f"<3>{error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
