"""MySQL's settings and accounts as text: pure functions of what the API was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STANDS_FOR = "9.7"  # Debian's MySQL, whatever version was asked for
TLS_ONLY_SINCE = (9, 7)
ROLE = "rds_superuser_role"
# Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html
PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE ROLE, DROP ROLE"
)
# Its SET_USER_ID became these two in MySQL 8.4: https://dev.mysql.com/doc/refman/8.4/en/privileges-provided.html
DYNAMIC_PRIVILEGES = (
    "APPLICATION_PASSWORD_ADMIN, ROLE_ADMIN, SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, XA_RECOVER_ADMIN"
)


@dataclass(frozen=True)
class Wanted:
    """What a database should be inside."""

    port: int
    version: str
    master: str
    password: str = field(repr=False)
    schema: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def settings(wanted: Wanted) -> str:
    """The option file of one database: its port, and whether connections must be encrypted.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html
    """
    numbers = tuple(int(part) for part in wanted.version.split(".")[:2] if part.isdigit())
    lines = {
        "port": str(wanted.port),
        "require_secure_transport": "ON" if numbers >= TLS_ONLY_SINCE else "OFF",
        **wanted.parameters,
    }
    return "[mysqld]\n" + "".join(f"{name} = {value}\n" for name, value in sorted(lines.items()))


def accounts(wanted: Wanted) -> str:
    """The statements that make the master user and its password what the API says, as often as they are run."""
    user = f"{literal(wanted.master)}@'%'"
    statements = [
        "SET SESSION sql_log_bin = 0",  # RDS's own work is no change for a replica
        f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY {literal(wanted.password)}",
        f"ALTER USER {user} IDENTIFIED BY {literal(wanted.password)} ACCOUNT UNLOCK",
        f"CREATE ROLE IF NOT EXISTS {ROLE}",
        f"GRANT {DYNAMIC_PRIVILEGES} ON *.* TO {ROLE} WITH GRANT OPTION",
        f"GRANT {PRIVILEGES} ON *.* TO {user} WITH GRANT OPTION",
        f"GRANT {ROLE} TO {user} WITH ADMIN OPTION",
    ]
    if wanted.schema:
        statements.append(f"CREATE DATABASE IF NOT EXISTS {identifier(wanted.schema)}")
    return "".join(f"{one};\n" for one in statements)


def literal(text: str) -> str:
    """A string in SQL. Source: https://dev.mysql.com/doc/refman/9.7/en/string-literals.html"""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def identifier(text: str) -> str:
    """A name in SQL. Source: https://dev.mysql.com/doc/refman/9.7/en/identifiers.html"""
    quoted = text.replace("`", "``")
    return f"`{quoted}`"
