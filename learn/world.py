"""The world an exercise looks at, as answers to questions: asked of the living lab, or read from a recording.

A question is a tuple of words:
  list THING                     what the API lists: vpcs, subnets, instances, ...
  calls                          the lab's log of mutating calls
  connect PLACE HOST PORT        open, refused or silent; PLACE is `outside` or a machine's name
  run MACHINE COMMAND            what the command prints there
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Thing = dict[str, Any]
Ask = Callable[[tuple[str, ...]], Any]
DEFAULT_ROUTE = "0.0.0.0/0"
SHOW_MY_ADDRESS = "curl -s -m 5 http://checkip.amazonaws.com/"


def name_of(thing: Thing) -> str:
    """Its Name tag."""
    return next((str(tag["Value"]) for tag in thing.get("Tags", []) if tag["Key"] == "Name"), "")


class World:
    """Questions with names, so that a check reads like its page."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    def all(self, what: str) -> list[Thing]:
        things: list[Thing] = self.ask(("list", what))
        return things

    def connect(self, place: str, host: str, port: int) -> str:
        return str(self.ask(("connect", place, host, str(port))))

    def run(self, machine: str, command: str) -> str:
        return str(self.ask(("run", machine, command))).strip()

    def calls(self, action: str, *resources: str, error: str = "", after: int = 0) -> list[Thing]:
        """The calls of that name that named all these resources and ended like that, after the one numbered so."""
        return [
            call
            for call in self.ask(("calls",))
            if (call["action"], call["error"]) == (action, error)
            and call["n"] > after
            and set(resources) <= set(call["resources"])
        ]

    @property
    def vpc(self) -> str:
        """The id of the student's VPC, or nothing."""
        return next((str(one["VpcId"]) for one in self.all("vpcs") if name_of(one) == "learn"), "")

    def here(self, what: str) -> list[Thing]:
        """What lies in the student's VPC."""
        return [one for one in self.all(what) if one.get("VpcId") == self.vpc]

    def named(self, what: str, name: str) -> Thing:
        return next((one for one in self.here(what) if name_of(one) == name), {})

    def group(self, name: str) -> Thing:
        return next((one for one in self.here("security_groups") if one["GroupName"] == name), {})

    def machine(self, name: str) -> Thing:
        """A machine that runs."""
        running = [one for one in self.here("instances") if one["State"]["Name"] == "running"]
        return next((one for one in running if name_of(one) == name), {})

    def elastic_ip(self, machine: str) -> str:
        instance = self.machine(machine).get("InstanceId", "none")
        return next((str(one["PublicIp"]) for one in self.all("addresses") if one.get("InstanceId") == instance), "")

    @property
    def idle_addresses(self) -> list[str]:
        """Elastic IPs that belong to nothing, and cost."""
        return [str(one["PublicIp"]) for one in self.all("addresses") if not one.get("AssociationId")]

    def table_of(self, subnet: str) -> Thing:
        """The route table that was given to a subnet; the main one, which it has else, does not count."""
        wanted = self.named("subnets", subnet).get("SubnetId", "none")
        for table in self.here("route_tables"):
            if any(one.get("SubnetId") == wanted for one in table["Associations"]):
                return table
        return {}

    def way_out(self, subnet: str) -> str:
        """What the subnet's default route leads to, if anything lives there."""
        for route in self.table_of(subnet).get("Routes", []):
            if route.get("DestinationCidrBlock") == DEFAULT_ROUTE and route.get("State", "active") == "active":
                return str(route.get("InstanceId") or route.get("NatGatewayId") or route.get("GatewayId") or "")
        return ""

    def seen_from(self, machine: str) -> str:
        """The address under which the internet sees a machine: asked by the machine itself."""
        return self.run(machine, SHOW_MY_ADDRESS) if self.machine(machine) else ""
