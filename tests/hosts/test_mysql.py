"""The database from outside: who is let in, how, and with what settings."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from .living import PRIVATE, Living

SETTINGS = {
    "innodb_flush_log_at_trx_commit": "1",
    "sync_binlog": "1",
    "innodb_doublewrite": "ON",
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_0900_ai_ci",
    "slow_query_log": "1",
    "long_query_time": "2.000000",
    "require_secure_transport": "1",
    "local_infile": "0",
    "skip_name_resolve": "1",
    "bind_address": f"{PRIVATE},127.0.0.1",
}


@pytest.fixture(scope="module")
def port(site: Living) -> Iterator[int]:
    with site.tunnel() as number:
        yield number


def refused(site: Living, port: int, **options: object) -> str:
    with pytest.raises(pymysql.err.OperationalError) as error:
        site.connect(port, **options)  # type: ignore[arg-type]
    return str(error.value)


def test_the_application_comes_in_encrypted(site: Living, port: int) -> None:
    with site.connect(port) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER(), @@version_comment")
        user, comment = cursor.fetchone()
        assert user == "app@10.1.1.10"
        assert "maria" not in comment.lower()
        cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
        assert cursor.fetchone()[1] in ("TLSv1.2", "TLSv1.3")


def test_nobody_comes_in_without_encryption(site: Living, port: int) -> None:
    said = refused(site, port, ssl=None, ssl_disabled=True)
    assert "1045" in said or "3159" in said


@pytest.mark.parametrize(("user", "password"), [("root", ""), ("", ""), ("app", ""), ("app", "wrong"), ("mysql", "")])
def test_no_other_account_is_let_in(site: Living, port: int, user: str, password: str) -> None:
    assert "1045" in refused(site, port, user=user, password=password, database=None)


def test_the_account_works_from_the_public_machine_only(site: Living) -> None:
    name = {"Name": "/onebox/sidedish/playground/mysql_app_password", "WithDecryption": True}
    word = site.ssm.get_parameter(**name)["Parameter"]["Value"]  # type: ignore[arg-type]
    for host in (PRIVATE, "127.0.0.1"):
        said = site.ssh("private", f"MYSQL_PWD='{word}' mysql -h {host} -u app -e 'SELECT 1' 2>&1 || true")
        assert "Access denied for user 'app'@" in said or "is not allowed" in said


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM mysql.user",
        "CREATE DATABASE other",
        "CREATE USER thief",
        "GRANT ALL ON app.* TO app@'10.1.1.10'",
        "SET GLOBAL offline_mode = ON",
        "SELECT LOAD_FILE('/etc/passwd') INTO OUTFILE '/tmp/x'",
        "SHUTDOWN",
    ],
)
def test_the_account_keeps_to_its_database(site: Living, port: int, statement: str) -> None:
    refusal = pytest.raises(pymysql.err.MySQLError, match=r"denied|privilege")
    with site.connect(port) as connection, connection.cursor() as cursor, refusal:
        cursor.execute(statement)


def test_a_table_of_the_application_can_be_made_and_used(site: Living, port: int) -> None:
    with site.connect(port) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS tasted (what VARCHAR(9))")
        cursor.execute("INSERT INTO tasted VALUES ('김치 🌶')")
        cursor.execute("SELECT what FROM tasted")
        assert cursor.fetchone() == ("김치 🌶",)
        cursor.execute("DROP TABLE tasted")


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_it_is_set_as_promised(site: Living, name: str, value: str) -> None:
    assert site.mysql(f"SELECT @@{name}").strip() == value


def test_there_is_nobody_without_a_name_no_root_from_afar_and_no_test_database(site: Living) -> None:
    users = site.mysql("SELECT CONCAT(user, '@', host, ' ', plugin) FROM mysql.user").splitlines()
    assert not [user for user in users if user.startswith("@")]
    assert [user for user in users if user.startswith("root@")] == ["root@localhost auth_socket"]
    assert "app@10.1.1.10 caching_sha2_password" in users
    assert "test" not in site.mysql("SHOW DATABASES").split()


def test_it_fits_the_machine(site: Living) -> None:
    """What it may take for tables, and what all clients may take at once, beside a system of 300 MB."""
    memory = int(site.ssh("private", "awk '/MemTotal/ { print $2 * 1024 }' /proc/meminfo"))
    assert int(site.mysql("SELECT @@innodb_buffer_pool_size")) < memory / 2
    used = int(site.ssh("private", "ps -o rss= -C mysqld")) * 1024
    assert used < memory * 0.75


def test_what_is_slow_is_written_down(site: Living, port: int) -> None:
    with site.connect(port) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT SLEEP(2.5)")
    assert "SLEEP(2.5)" in site.ssh("private", "sudo tail -n 5 /var/log/mysql/slow.log")
