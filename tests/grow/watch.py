"""Run on the public machine: which side would take a write of the application just now. One JSON line a look.

usage: watch.py DATABASE USER PASSWORD HOST HOST
"""

from __future__ import annotations

import json
import sys
import time

import pymysql


def writable(host: str, database: str, user: str, password: str) -> bool:
    """Whether a row could be written; it is not."""
    try:
        connection = pymysql.connect(
            host=host, user=user, password=password, database=database, ssl={"check_hostname": False}, connect_timeout=2
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO ledger (id, text) VALUES (-1, 'never committed')")
            connection.rollback()
    except pymysql.MySQLError:
        return False
    return True


def main() -> None:
    database, user, password = sys.argv[1:4]
    while True:
        answers = [writable(host, database, user, password) for host in sys.argv[4:]]
        sys.stdout.write(json.dumps([round(time.time(), 2), *answers]) + "\n")
        sys.stdout.flush()
        time.sleep(0.1)


if __name__ == "__main__":
    main()
