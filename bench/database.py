"""MySQL asked by sysbench, in a database and by an account that are made for it and go afterwards."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from bench.machine import FOLDER, Machine
from bench.measure import Way, run

SECONDS, CLIENTS = 5, 4
TESTS = {"oltp_point_select": "rows by their key", "oltp_read_write": "transactions"}
SERVER = "/var/lib/mysql"
# What sysbench looks for where it is started, by MySQL's name of it.
TLS = {"ca.pem": "cacert.pem", "client-cert.pem": "client-cert.pem", "client-key.pem": "client-key.pem"}


@contextmanager
def database(public: Machine, private: Machine) -> Iterator[dict[str, list[Way]]]:
    """On its own machine by its socket, and from the public machine over TLS, as the application asks."""
    address, visitor = (machine.ask("hostname --all-ip-addresses").split()[0] for machine in (private, public))
    name, password = server_name(private), secrets.token_hex(16)
    accounts = f"bench@localhost, bench@'{visitor}'"
    given = f"--mysql-user=bench --mysql-password={password} --mysql-db=bench --tables=4 --table-size=10000"
    near = f"sysbench --threads={CLIENTS} --time={SECONDS} {given} --mysql-socket=/run/mysqld/mysqld.sock"
    far = f"sysbench --threads={CLIENTS} --time={SECONDS} {given} --mysql-ssl=on --mysql-host={name}"
    # The name leads there for sysbench only, which sees /etc/hosts as it is here.
    known = f"echo {address} {name} > hosts; mount --bind hosts /etc/hosts"
    for theirs, ours in TLS.items():
        certificate = private.ask(f"tr -d '\\0' < {SERVER}/{theirs}")  # MySQL ends them with a byte that no text has
        public.ask(f'printf %s "$1" > {FOLDER}/{ours}', certificate)
    try:
        private.ask(
            'mysql --execute "$1"',
            f"CREATE DATABASE bench; CREATE USER bench@localhost IDENTIFIED BY '{password}', "
            f"bench@'{visitor}' IDENTIFIED BY '{password}'; GRANT ALL ON bench.* TO {accounts}",
        )
        run("sysbench", private.tool(f"{near} oltp_read_write prepare"), {})
        yield {
            f"MySQL, {what} (sysbench)": [
                Way("on its own machine", private.tool(f"{near} {test} run"), unit="/s", rate=transactions),
                Way(
                    "from the public machine",
                    public.tool(f"unshare --mount sh -c '{known}; {far} {test} run'"),
                    unit="/s",
                    rate=transactions,
                ),
            ]
            for test, what in TESTS.items()
        }
    finally:
        private.ask('mysql --execute "$1"', f"DROP DATABASE IF EXISTS bench; DROP USER IF EXISTS {accounts}")


def server_name(private: Machine) -> str:
    """The name in the certificate that MySQL has made for itself, which sysbench compares."""
    subject = private.ask(f"openssl x509 -noout -subject -nameopt multiline -in {SERVER}/server-cert.pem")
    return subject.split()[-1]


def transactions(said: str) -> float:
    """Of sysbench: transactions a second."""
    rate = re.search(r"transactions:.*\(([\d.]+) per sec", said)
    if not rate:
        raise SystemExit(f"sysbench does not say how many transactions there were:\n{said}")
    return float(rate.group(1))
