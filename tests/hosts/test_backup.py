"""Promise 25: what a backup brings back is row-identical, at any moment, also after the disk is gone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.e2e.operator import wait_for

from .living import Living

BUCKET = f"onebox-backups-{int(time.time())}"
SHOP = """
CREATE DATABASE shop; USE shop;
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(99), price DECIMAL(9,2), photo BLOB,
  at DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6));
CREATE TABLE log (line TEXT);
CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW INSERT INTO log VALUES (CONCAT(NEW.id, " 김치"));
DELIMITER //
CREATE PROCEDURE many(IN n INT) BEGIN WHILE n > 0 DO
  INSERT INTO orders (what, price, photo) VALUES (UUID(), RAND() * 100, RANDOM_BYTES(64)); SET n = n - 1;
END WHILE; END//
"""


def fill(site: Living, rows: int) -> None:
    site.mysql(f"CALL shop.many({rows})")


def state(site: Living) -> str:
    """Everything, row by row, as text."""
    dump = "sudo mysqldump --skip-dump-date --skip-comments --routines --hex-blob --order-by-primary"
    return site.ssh("private", f"{dump} --set-gtid-purged=OFF --databases app shop | sha256sum")


def next_second(site: Living) -> str:
    """A moment between what was done and what will be, by the clock of the machine."""
    time.sleep(1.1)
    moment = site.ssh("private", "date --utc '+%Y-%m-%d %H:%M:%S'").strip()
    time.sleep(1.1)
    return moment


def bring_back(site: Living, moment: str, *more: str) -> float:
    return site.play("restore", "--extra-vars", json.dumps({"restore_to": moment}), *more).check().seconds


@pytest.fixture
def shop(site: Living) -> Living:
    site.mysql("DROP DATABASE IF EXISTS shop; DROP DATABASE IF EXISTS later; DROP USER IF EXISTS mistake@localhost")
    site.ssh("private", f"sudo mysql <<'EOF'\n{SHOP}\nEOF")
    fill(site, 500)
    return site


def test_any_moment_comes_back_row_for_row(shop: Living, capsys: pytest.CaptureFixture[str]) -> None:
    shop.play("backup").check()
    fill(shop, 300)
    first, moment = state(shop), next_second(shop)
    shop.mysql("UPDATE shop.orders SET price = price + 1; CREATE TABLE shop.late (n INT); CREATE DATABASE later")
    shop.mysql("CREATE USER mistake@localhost")
    second, later = state(shop), next_second(shop)
    shop.mysql("DROP TABLE shop.orders; DELETE FROM shop.log")
    took = [bring_back(shop, later)]
    assert state(shop) == second
    assert "later" in shop.mysql("SHOW DATABASES")
    took.append(bring_back(shop, moment))
    assert state(shop) == first
    assert "later" not in shop.mysql("SHOW DATABASES")
    took.append(bring_back(shop, later))  # forward again: going back did not erase what came after
    assert state(shop) == second
    assert shop.page()[0] == 200
    with capsys.disabled():
        print(f"\n    restored to a moment in {', '.join(f'{seconds:.0f} s' for seconds in took)}")  # noqa: T201 - figures


def test_a_rehearsal_counts_the_rows_and_leaves_nothing(shop: Living) -> None:
    shop.play("backup").check()
    before = state(shop)
    said = shop.play("rehearse").check()
    assert "shop.orders" in said.output
    assert "rows: 500" in said.output
    assert state(shop) == before
    assert "rehearsal" not in shop.ssh("private", "sudo ls /var/lib/mysql-files")
    assert said.changed["sidedish-playground-private"] == 0


def test_a_backup_that_cannot_be_made_is_seen(shop: Living) -> None:
    def failed() -> bool:
        return "mysql-backup.service" in shop.ssh("private", "systemctl --failed --no-legend")

    shop.lab_verb("impair", "sidedish-playground-private", "--full-disk")
    try:
        assert shop.play("backup").status != 0
        wait_for("the third try in a row fails", failed, seconds=90)
    finally:
        shop.lab_verb("impair", "sidedish-playground-private", "--heal")
    shop.play("backup").check()
    assert not failed()


@pytest.mark.parametrize("unit", ["mysql-backup", "mysql-backup-logs"])
def test_a_backup_that_meets_a_restart_of_mysql_is_no_failed_unit(shop: Living, unit: str) -> None:
    """The dump is tried again once the server is back; binary logs are kept by the next run, if it stays away."""

    def state() -> dict[str, str]:
        said = shop.ssh("private", f"systemctl show {unit} --property=ActiveState,SubState,Result,NRestarts")
        return dict(line.split("=") for line in said.split())

    shop.ssh("private", f"sudo systemctl reset-failed {unit}")  # the tests before this one are no tries of it
    began = int(state()["NRestarts"])
    shop.ssh("private", "sudo systemd-run --quiet --unit=proof-lock flock /run/mysql-backup.lock sleep 60")
    shop.ssh("private", f"sudo systemctl start --no-block {unit}")
    wait_for("the backup begins", lambda: state()["SubState"] == "start", seconds=10)
    shop.ssh("private", "sudo systemctl stop mysql && sudo systemctl stop proof-lock")
    try:
        wait_for("it fails, and will be tried again", lambda: state()["SubState"] == "auto-restart", seconds=10)
        if unit == "mysql-backup":
            shop.ssh("private", "sudo systemctl start mysql")
        wait_for("it is over", lambda: state()["ActiveState"] == "inactive", seconds=60)
        assert int(state()["NRestarts"]) == began + 1
        assert "mysql" not in shop.ssh("private", "systemctl --failed --no-legend")
    finally:
        shop.ssh("private", "sudo systemctl start mysql")


@pytest.fixture
def bucket(shop: Living) -> Iterator[tuple[str, str]]:
    """What a run is told so that backups go into a bucket, too; the site forgets it afterwards."""
    where = {"LocationConstraint": shop.aws["AWS_REGION"]}
    shop.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    settings = {
        "mysql_server_backup_s3_bucket": BUCKET,
        "mysql_server_backup_s3_url": f"http://s3.{shop.aws['AWS_REGION']}.amazonaws.com",
        "mysql_server_backup_s3_key_id": shop.aws["AWS_ACCESS_KEY_ID"],
        "mysql_server_backup_s3_secret_key": shop.aws["AWS_SECRET_ACCESS_KEY"],
    }
    yield "--extra-vars", json.dumps(settings)
    shop.play("configure_private", "--tags", "mysql_server").check()


def test_after_the_machine_is_gone_everything_comes_back_from_s3(
    shop: Living, bucket: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The machine and its disk are terminated; a new one is made, and restored from the bucket."""
    s3 = shop.client("s3")
    shop.play("configure_private", "--tags", "mysql_server", *bucket).check()
    shop.play("backup", *bucket).check()
    fill(shop, 200)
    wanted = state(shop)
    shop.ssh("private", "sudo systemctl start mysql-backup-logs")
    names = [str(one["Key"]) for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert all(name.endswith(".age") for name in names)
    body = s3.get_object(Bucket=BUCKET, Key=names[0])
    assert body["Body"].read(21) == b"age-encryption.org/v1"
    assert body["ServerSideEncryption"] == "AES256"

    gone = shop.machine("private")["InstanceId"]
    shop.ec2.terminate_instances(InstanceIds=[gone])
    began = time.monotonic()
    shop.play("site", *bucket).check()
    rebuilt = time.monotonic() - began
    assert shop.machine("private")["InstanceId"] != gone
    assert shop.play("backup", *bucket).status != 0, "a new server became the newest backup before it was restored"
    bring_back(shop, "latest", *bucket)
    assert state(shop) == wanted
    shop.play("backup", *bucket).check()
    wait_for("the page", lambda: shop.page()[0] == 200, seconds=30)
    with capsys.disabled():
        print(f"\n    new machine {rebuilt:.0f} s, restored after {time.monotonic() - began:.0f} s")  # noqa: T201 - figures
