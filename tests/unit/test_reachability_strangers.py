"""What nobody has asked for is found and named, though every packet is answered as intended."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from tests.green import Params, dig, green, wrong
from tests.green_api import instance
from tests.green_broken import check_suspect


def packed(**found: str) -> str:
    return base64.b64encode(zlib.compress(json.dumps(found).encode())).decode()


def database(params: Params, **more: str) -> None:
    usual = {"MySQL account root@localhost": "", "MySQL account app@10.1.1.10": "", "MySQL setting read_only": "OFF"}
    dig(params, "observations", "private", "evidence")["state"] = packed(**usual, **more)


def machine_of_somebody(params: Params) -> None:
    stranger = instance("public", "10.1.1.77", check=True) | {"instance_id": "i-stranger", "tags": {"Name": "test"}}
    params["api"]["others"].append(stranger)


def address_left_over(params: Params) -> None:
    tags = {"Environment": "playground"}
    params["api"]["addresses"].append({"public_ip": "198.51.100.99", "tags": tags})


def another_elastic_ip(params: Params) -> None:
    login = dig(params, "observations", "internet", "logins", "public")
    login.update(ok=False, peer="", error="Connection timed out", host="198.51.100.6")


def something_listens(params: Params) -> None:
    dig(params, "observations", "public", "evidence")["listeners"].append("0.0.0.0:4444")


def account_for_everybody(params: Params) -> None:
    database(params, **{"MySQL account bob@%": ""})


def writes_refused(params: Params) -> None:
    database(params, **{"MySQL setting super_read_only": "ON"})


def clock_ten_minutes_late(params: Params) -> None:
    params["observations"]["private"]["asked_at"] -= 600


def clock_ten_minutes_early(params: Params) -> None:
    params["observations"]["private"]["asked_at"] += 600


def metadata_off(params: Params) -> None:
    dig(params, "api", "instances", 1, "metadata_options")["http_endpoint"] = "disabled"


def endpoint_for_one_bucket_only(params: Params) -> None:
    one = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::one/*"}
    dig(params, "api", "endpoints", 0)["policy_document"] = json.dumps({"Statement": [one]})


FAULTS = {
    machine_of_somebody: "machine in the VPC that is not ours: test (i-stranger)",
    address_left_over: "Elastic IP that leads to nobody: 198.51.100.99",
    another_elastic_ip: "Elastic IP of public is 198.51.100.7, and ssh_config leads to 198.51.100.6",
    something_listens: "public listens for others, and nobody asked for it: port 4444",
    account_for_everybody: "MySQL account that may come from anywhere: bob@%",
    writes_refused: "MySQL on private refuses writes: super_read_only is ON",
    clock_ten_minutes_late: "clock of private is wrong (-10 minutes)",
    clock_ten_minutes_early: "clock of private is wrong (+10 minutes)",
    metadata_off: "instance metadata of private (off)",
    endpoint_for_one_bucket_only: "S3 endpoint of the VPC",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_is_the_first_suspect_with_its_advice(fault: Any) -> None:
    params = green()
    fault(params)
    check_suspect(params, FAULTS[fault])


def test_the_usual_accounts_ports_and_policies_are_no_fault() -> None:
    params = green()
    database(params)
    whole = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    dig(params, "api", "endpoints", 0)["policy_document"] = json.dumps({"Statement": whole})
    dig(params, "observations", "public", "evidence")["listeners"] += ["0.0.0.0:5355", "127.0.0.1:6010"]
    assert wrong(params) == []
