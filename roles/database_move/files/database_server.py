"""One of the two servers of a move: who may write there, and what is on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pymysql

UNKNOWN_THREAD = 1094
PATIENCE_SECONDS = 10.0
Rows = tuple[tuple[Any, ...], ...]
Contents = dict[str, tuple[int, int]]


class MoveError(Exception):
    """What stops a move; the message is for the person who started it."""


class Server:
    """One of the two servers, as its administrator and as the application see it."""

    def __init__(self, plan: dict[str, Any], side: str) -> None:
        self.plan, self.name = plan, str(plan[side]["name"])
        self.host, self.port = str(plan[side]["host"]), int(plan[side]["port"])
        self.admin, self.password = str(plan[side]["admin"]), str(plan[side]["password"])
        # RDS gives nobody the right to set it; there the privileges alone decide.
        self.has_switch = bool(plan[side]["read_only_switch"])
        self.account = f"{quoted(plan['account'])}@{quoted(plan['account_address'])}"
        self.schema = f"`{plan['database']}`"

    @contextmanager
    def session(self, user: str = "", password: str = "") -> Iterator[Callable[[str], Rows]]:
        """Ask as the administrator, or as somebody else. Encrypted; the certificate is the server's own."""
        connection = pymysql.connect(
            host=self.host, port=self.port, user=user or self.admin, password=password or self.password,
            ssl={"check_hostname": False}, autocommit=True, connect_timeout=5, read_timeout=600,
        )  # fmt: skip
        with connection, connection.cursor() as cursor:

            def ask(statement: str) -> Rows:
                cursor.execute(statement)
                return tuple(cursor.fetchall())

            yield ask

    def close(self) -> None:
        """Let the application read only; when this returns no statement of it can still write."""
        with self.session() as ask:
            ask(f"GRANT SELECT ON {self.schema}.* TO {self.account}")
            # One by one: MySQL 9.7 takes none of several if it finds that one was not given.
            for privilege in self.plan["privileges"]:
                if privilege != "SELECT":
                    ask(f"REVOKE IF EXISTS {privilege} ON {self.schema}.* FROM {self.account}")
            if self.has_switch:
                ask("SET SESSION lock_wait_timeout = 10")
                ask("SET PERSIST read_only = ON")
        self.end_sessions()

    def open(self) -> None:
        """Let the application write."""
        with self.session() as ask:
            if self.has_switch:
                ask("SET PERSIST read_only = OFF")
            ask(f"GRANT {', '.join(self.plan['privileges'])} ON {self.schema}.* TO {self.account}")

    def end_sessions(self) -> None:
        """A session keeps the privileges it came with. Everybody may end those of his own account."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.session(self.plan["account"], self.plan["account_password"]) as ask:
            mine = ask("SELECT CONNECTION_ID()")[0][0]
            before = {row[0] for row in ask("SHOW PROCESSLIST")} - {mine}
            while before & {row[0] for row in ask("SHOW PROCESSLIST")}:
                if time.monotonic() > deadline:
                    raise MoveError(f"sessions of the application on {self.name} could not be ended: {before}")
                for thread in before:
                    try:
                        ask(f"KILL {thread}")
                    except pymysql.MySQLError as error:
                        if error.args[0] != UNKNOWN_THREAD:
                            raise
                time.sleep(0.05)

    def empty(self) -> None:
        """An empty schema of the same name; what the account may do in it stays."""
        with self.session() as ask:
            ask(f"DROP DATABASE IF EXISTS {self.schema}")
            ask(f"CREATE DATABASE {self.schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci")

    def tables(self, ask: Callable[[str], Rows]) -> list[str]:
        return sorted(row[0] for row in ask(f"SHOW FULL TABLES FROM {self.schema} WHERE Table_type = 'BASE TABLE'"))

    def contents(self) -> Contents:
        """Rows and checksum of each table."""
        with self.session() as ask:
            return {
                table: (
                    ask(f"SELECT COUNT(*) FROM {self.schema}.`{table}`")[0][0],
                    ask(f"CHECKSUM TABLE {self.schema}.`{table}`")[0][1],
                )
                for table in self.tables(ask)
            }

    def others(self) -> list[str]:
        """Views, triggers and routines by name."""
        schema = quoted(self.plan["database"])
        kinds = {"view": "views.table", "trigger": "triggers.trigger", "routine": "routines.routine"}
        found: list[str] = []
        with self.session() as ask:
            for kind, (source, column) in {kind: name.split(".") for kind, name in kinds.items()}.items():
                names = f"SELECT {column}_name FROM information_schema.{source} WHERE {column}_schema = {schema}"
                found += [f"{kind} {row[0]}" for row in ask(names)]
            events = ask(f"SELECT event_name FROM information_schema.events WHERE event_schema = {schema}")
        if events:
            raise MoveError(
                f"{self.name} has events ({', '.join(row[0] for row in events)}). They would run on both servers "
                "during the move. Drop them, and make them again afterwards."
            )
        return sorted(found)


def quoted(text: str) -> str:
    return "'" + str(text).replace("\\", "\\\\").replace("'", "''") + "'"
