"""What a database is made of, as text, and what RDS refuses; no machine, no API."""

from __future__ import annotations

from ipaddress import IPv4Address
from types import SimpleNamespace

import pytest
from moto.rds.exceptions import RDSClientError

from lab.machines.image import DEBIAN, MYSQL, RECIPES, recipe
from lab.model import Endpoint
from lab.rds.mysql import Wanted, accounts, identifier, literal, settings
from lab.rds.refusals import refuse_deletion, refuse_elsewhere, refuse_narrow_group, refuse_password, refuse_smaller


def wanted(**change: object) -> Wanted:
    given = {"port": 3306, "version": "8.4.9", "master": "chef", "password": "plain-enough", **change}
    return Wanted(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("version", "expected"), [("8.0.46", "OFF"), ("8.4.9", "OFF"), ("9.7.2", "ON"), ("9.10", "ON"), ("8.4", "OFF")]
)
def test_encryption_is_required_since_the_version_that_was_asked_for(version: str, expected: str) -> None:
    assert f"require_secure_transport = {expected}\n" in settings(wanted(version=version))


def test_the_users_own_parameters_win() -> None:
    text = settings(wanted(parameters={"require_secure_transport": "1", "max_connections": "7"}))
    assert text == "[mysqld]\nmax_connections = 7\nport = 3306\nrequire_secure_transport = 1\n"


@pytest.mark.parametrize(("plain", "quoted"), [("it's", "'it''s'"), ("back\\slash", "'back\\\\slash'"), ("", "''")])
def test_a_password_cannot_end_its_string(plain: str, quoted: str) -> None:
    assert literal(plain) == quoted


def test_a_name_cannot_end_its_quotes() -> None:
    assert identifier("a`b") == "`a``b`"


def test_accounts_can_be_made_again_and_never_lock_anybody_out() -> None:
    text = accounts(wanted(schema="recipes"))
    assert text.startswith("SET SESSION sql_log_bin = 0;\nCREATE USER IF NOT EXISTS 'chef'@'%'")
    assert "ALTER USER 'chef'@'%' IDENTIFIED BY 'plain-enough' ACCOUNT UNLOCK;" in text
    assert "SUPER" not in text
    assert text.endswith("CREATE DATABASE IF NOT EXISTS `recipes`;\n")


def test_a_password_is_not_shown_by_accident() -> None:
    assert "plain-enough" not in repr(wanted())


def test_a_name_is_private_at_home_and_public_elsewhere() -> None:
    private, public = IPv4Address("10.9.2.4"), IPv4Address("198.18.0.16")
    endpoint = Endpoint("shop.example", "vpc-1", private, public)
    assert endpoint.seen_from("vpc-1") == private
    assert endpoint.seen_from("vpc-2") == public
    assert Endpoint("shop.example", "vpc-1", private).seen_from("vpc-2") == private


@pytest.mark.parametrize(
    "bad", ["seven77", "x" * 42, "with space", 'with"quote', "with@sign", "with/slash", "물김치물김치물김치"]
)
def test_a_bad_password_is_refused_with_its_reason(bad: str) -> None:
    with pytest.raises(RDSClientError, match="not a valid password"):
        refuse_password(bad)


@pytest.mark.parametrize(
    ("state", "final", "skip", "reason"),
    [
        ({"deletion_protection": True}, None, True, "protected"),
        ({}, None, False, "is required unless"),
        ({}, "the-last", True, "can not be specified"),
        ({"status": "deleting"}, None, True, "already"),
        ({}, "the-last", False, None),
        ({"status": "stopped"}, None, True, None),
    ],
)
def test_deletion_has_rules(state: dict[str, object], final: str | None, skip: bool, reason: str | None) -> None:
    defaults = {"deletion_protection": False, "status": "available", "db_instance_identifier": "shop"}
    database = SimpleNamespace(**{**defaults, **state})
    if reason is None:
        refuse_deletion(database, final=final, skip=skip)
        return
    with pytest.raises(RDSClientError, match=reason):
        refuse_deletion(database, final=final, skip=skip)


def test_storage_only_grows_and_only_where_there_are_machines() -> None:
    database = SimpleNamespace(allocated_storage=30)
    refuse_smaller(database, 40)
    with pytest.raises(RDSClientError, match="less than"):
        refuse_smaller(database, 20)
    refuse_elsewhere("ap-northeast-2")
    with pytest.raises(RDSClientError, match="eu-west-1"):
        refuse_elsewhere("eu-west-1")


def test_a_group_covers_two_zones() -> None:
    zones = [SimpleNamespace(availability_zone=f"ap-northeast-2{letter}") for letter in "aac"]
    refuse_narrow_group(zones)
    with pytest.raises(RDSClientError, match="AZ coverage: ap-northeast-2a"):
        refuse_narrow_group(zones[:2])


def test_the_database_image_has_no_login_and_leaves_the_other_one_alone() -> None:
    assert not {"openssh-server", "sudo", "libpam-systemd"} & set(RECIPES[MYSQL].packages)
    assert recipe(None, DEBIAN) != recipe(None, MYSQL)
    assert "mysql" not in recipe(None, DEBIAN)
