"""A public machine is replaced: whenever the controller dies, there is one, and the same command ends it well.

Without machines: their plays are left out by the limit, and what is left are the calls.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.network.accounts import AT_LENGTH, Account, Operator, empty_account
from tests.network.test_crash import BUILD, each

# No page is there, and nobody asks for it outside.
EXTRA = ("machine=public", "aws_replacement_page_url=http://127.0.0.1:9/")


@AT_LENGTH
def test_a_replacement_goes_on_from_every_moment(tmp_path: Path) -> None:
    with empty_account(tmp_path / "account") as operator:
        operator.succeeds(*BUILD)
        old, clean = machines(operator.account)["public"], operator.account.things()
        operator.account.order("keep", keep=True)
        operator.succeeds("replace", extra=EXTRA)
        operator.account.order("keep", keep=False)
        assert machines(operator.account)["public"] != old
        faults = each(operator.account.moments(), partial(replaced, operator, old, clean))
        assert not faults, "\n".join(faults)


def replaced(operator: Operator, old: str, clean: Any, moment: Account) -> str:
    """What is wrong at this moment, or after the same command once more."""
    later, at = operator.at(moment), moment.folder.name
    serving = holder(moment)
    if serving not in machines(moment).values():
        return f"{at}: the address leads to {serving}, which is not there"
    before = machines(moment)
    status, said = later.play("launch_instances")
    if set(machines(moment).values()) - set(before.values()):
        return f"{at}: a usual run made a machine: {before} became {machines(moment)}\n{said[-2000:]}"
    if before.get("public") in (None, "") and status == 0:
        return f"{at}: a usual run saw no fault in {before}"
    status, said = later.play("replace", extra=EXTRA)
    if status != 0 or moment.things() != clean or set(machines(moment)) != {"public", "private"}:
        return f"{at}: {machines(moment)}, {moment.things()} instead of {clean}\n{said[-2000:]}"
    new = machines(moment)["public"]
    if holder(moment) != new or router(moment) != new:
        return f"{at}: {new} is public, the address leads to {holder(moment)} and the route to {router(moment)}"
    return ""


def machines(account: Account) -> dict[str, str]:
    """Tier to id of all that live; two of one tier are an error."""
    found: dict[str, str] = {}
    for reservation in account.client("ec2").describe_instances()["Reservations"]:
        for one in reservation["Instances"]:
            if one["State"]["Name"] in ("pending", "running", "stopping", "stopped"):
                tier = next(tag["Value"] for tag in one["Tags"] if tag["Key"] == "Tier")
                assert tier not in found, f"two machines are {tier}"
                found[tier] = one["InstanceId"]
    return found


def holder(account: Account) -> str:
    """Whom the Elastic IP leads to."""
    return str(account.client("ec2").describe_addresses()["Addresses"][0].get("InstanceId"))


def router(account: Account) -> str:
    """Whom the private subnet's default route leads to."""
    tables = account.client("ec2").describe_route_tables()["RouteTables"]
    routes = [route for table in tables for route in table["Routes"] if route.get("InstanceId")]
    return str(routes[0]["InstanceId"])
