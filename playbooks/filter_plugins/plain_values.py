# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Tell which of the words, switches and numbers that people set are none that could be meant.

Ansible takes any text for false, and a number that it cannot read for 0: a mistyped budget would be none at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

WORDS = {
    "nat": (("instance", "gateway"), "network"),
    "architecture": (("amd64", "arm64"), "instances"),
    "database": (("mysql", "rds"), "database"),
}
SWITCHES = {"s3_endpoint": "network", "isolated_subnet": "network"}
SAID = ("true", "false", "yes", "no")
# The smallest and the largest, and why. The disks of our images need 8 GiB; EC2 sells 16 TiB in one piece.
NUMBERS = {
    "monthly_budget_usd": (0.0, 1e9, "no sum of US dollars", "aws"),
    "aws_instances_public_disk_gb": (8, 16384, "no size of a disk from 8 to 16384 GiB", "instances"),
    "aws_instances_private_disk_gb": (8, 16384, "no size of a disk from 8 to 16384 GiB", "instances"),
}
SERVICE, ACCOUNT = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?"), re.compile(r"([0-9]{12})?")


def value_problems(values: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each mistake: the value, why it cannot work, where to change it."""
    return [*_words(values), *_numbers(values), *_names(values)]


def _words(values: Mapping[str, Any]) -> Iterator[str]:
    for name, (words, file) in WORDS.items():
        if values[name] not in words:
            yield f"{name} is {values[name]!r}, which is none of {', '.join(words)}. Change it in {_file(file)}."
    for name, file in SWITCHES.items():
        if str(values[name]).lower() not in SAID:
            yield f"{name} is {values[name]!r}, which is neither true nor false. Change it in {_file(file)}."
    spot = values["spot"]
    wrong = [tier for tier in (spot.split(",") if isinstance(spot, str) else spot) if tier not in ("public", "private")]
    if wrong and spot != "":
        yield f"spot has {', '.join(wrong)}, which is none of public, private. Change it in {_file('instances')}."


def _numbers(values: Mapping[str, Any]) -> Iterator[str]:
    for name, (least, most, why, file) in NUMBERS.items():
        try:
            fits = least <= float(values[name]) <= most
        except (TypeError, ValueError):
            fits = False
        if not fits:
            yield f"{name} is {values[name]!r}, which is {why}. Change it in {_file(file)}."


def _names(values: Mapping[str, Any]) -> Iterator[str]:
    service, account = str(values["service_name"]), str(values["expected_account_id"])
    if not SERVICE.fullmatch(service):
        yield (
            f"service_name is {service!r}. Names in EC2 and RDS are made of it, so it takes 1 to 20 lower-case "
            f"letters, digits and hyphens, and begins with a letter. Change it in {_file('service')}."
        )
    if not ACCOUNT.fullmatch(account):
        yield (
            f"expected_account_id is {account}, and the number of an account has 12 digits. Write it in quotes, or "
            f"YAML may take it for another number, in {_file('aws')}."
        )


def _file(topic: str) -> str:
    return f"group_vars/all/{topic}.yml"


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"value_problems": value_problems}
