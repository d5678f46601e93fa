"""What the command `lab` may ask of its process: a name, plain parameters, a plain answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lab.apply.impairment import Impairment, impair
from lab.compile.names import short
from lab.config import LabConfig
from lab.errors import LabError
from lab.machines.ailments import Ailment, Ailments, as_row
from lab.machines.interruption import Interruptions
from lab.model import Instance, Interface
from lab.observe import observe
from lab.observe_facts import is_spot
from lab.rds.keeper import AllMachines
from lab.rds.observe import describe
from lab.run import run
from lab.trace.order import answer_trace

Order = Callable[..., dict[str, Any]]


class Orders:
    """The orders of one lab; `failure` tells what the last change stumbled over."""

    def __init__(
        self, config: LabConfig, fleet: AllMachines, interruptions: Interruptions, failure: Callable[[], str]
    ) -> None:
        self._config, self._fleet, self._failure = config, fleet, failure
        self._interruptions = interruptions
        self._ailments = Ailments(self._cable_of)

    def by_name(self) -> dict[str, Order]:
        return {
            "status": self.status,
            "machine": self.machine,
            "power-off": self.power_off,
            "impair": self.impair,
            "ailment-add": self.ail,
            "ailment-list": self.ailing,
            "ailment-clear": self.heal,
            "interrupt": self.interrupt,
            "trace": answer_trace,
        }

    def machine(self, which: str) -> dict[str, Any]:
        """One machine, found by its Name tag or id: how to enter it, its console, the router's end of its cable."""
        one = _find(which)
        machine = self._fleet.machine(one.id) if one.id in self._fleet.powered else None
        leader = machine.leader if machine else None
        nic = next(nic for vpc in observe().vpcs for nic in vpc.interfaces if nic.id == one.interface_ids[0])
        return {
            "id": one.id,
            "name": one.name,
            "leader": leader,
            "console": str(self._fleet.disk(one.id).console),
            "router": f"{self._config.prefix}{short(nic.vpc_id)}",
            "port": short(nic.id),
        }

    def power_off(self, which: str) -> dict[str, Any]:
        """Cut the power of a machine: its disk loses what was not flushed, and EC2 finds it stopped."""
        one = _find(which)
        self._fleet.machine(one.id).cut_power()
        return {"id": one.id, "name": one.name}

    def interrupt(self, which: str, action: str, seconds: float) -> dict[str, Any]:
        """Give a spot instance its notice."""
        one = _find(which)
        if not is_spot(one.id):
            raise LabError(
                f"{one.name or one.id} is no spot instance, and AWS interrupts no other",
                hint="launch it with InstanceMarketOptions MarketType=spot",
            )
        notice = self._interruptions.give(one.id, action, seconds)
        return {"id": one.id, "name": one.name, "time": notice.moment.isoformat(timespec="seconds")}

    def impair(self, which: str, line: dict[str, int], *, full_disk: bool) -> dict[str, Any]:
        """Set the state of a machine's line and disk."""
        one = _find(which)
        before = self._ailments.of(one.id, one.name)
        return self._apply(replace(before, line=Impairment(**line), full_disk=full_disk))

    def ail(self, which: str, kind: str, amount: int | None) -> dict[str, Any]:
        """Spoil one more thing at a machine."""
        one = _find(which)
        return self._apply(self._ailments.of(one.id, one.name).worse(kind, amount))

    def ailing(self) -> dict[str, Any]:
        return {"machines": [as_row(one) for one in self._ailments.list()]}

    def heal(self, which: list[str]) -> dict[str, Any]:
        """Heal these machines, or all."""
        healed = []
        for one in self._ailments.list():
            if not which or {one.machine, one.name} & set(which):
                self._apply(replace(one, line=Impairment(), full_disk=False))
                healed.append(one.name or one.machine)
        return {"healed": healed}

    def _apply(self, ailment: Ailment) -> dict[str, Any]:
        found = self.machine(ailment.machine)
        namespace = f"{self._config.prefix}{short(found['id'])}"
        impair(found["router"], found["port"], namespace, ailment.line)
        self._fleet.machine(found["id"]).fill_disk(full=ailment.full_disk)
        self._ailments.note(ailment)
        return found

    def _cable_of(self, machine: str) -> str:
        """The kernel's number of the router's end: another one after each power cycle."""
        if machine not in self._fleet.powered:
            return ""
        found = self.machine(machine)
        return run(["ip", "-n", found["router"], "-o", "link", "show", found["port"]], check=False).partition(":")[0]

    def status(self) -> dict[str, Any]:
        """What `lab status` shows."""
        model = observe()
        nics = {nic.id: nic for vpc in model.vpcs for nic in vpc.interfaces}
        return {
            "name": self._config.name,
            "endpoint": self._config.endpoint_url,
            "failure": self._failure(),
            "vpcs": [
                {
                    "id": vpc.id,
                    "name": vpc.name,
                    "cidr": str(vpc.cidr),
                    "gateway": vpc.gateway_id,
                    "subnets": [{"id": one.id, "cidr": str(one.cidr)} for one in vpc.subnets],
                }
                for vpc in model.vpcs
            ],
            "instances": [self._instance(one, nics[one.interface_ids[0]]) for one in model.instances],
        }

    def _instance(self, one: Instance, nic: Interface) -> dict[str, Any]:
        return {
            "id": one.id,
            "name": one.name,
            "state": one.state,
            "power": one.id in self._fleet.powered,
            "vpc": nic.vpc_id,
            "subnet": nic.subnet_id,
            "private": str(nic.private_ip),
            "public": str(nic.public_ip or ""),
            "forwards": not nic.source_dest_check,
            "database": describe(one.id),
        }


def _find(which: str) -> Instance:
    instances = observe().instances
    found = [one for one in instances if which in (one.id, one.name)]
    if len(found) != 1:
        known = ", ".join(sorted(one.name or one.id for one in instances)) or "none"
        reason = "no machine is" if not found else "several machines are"
        raise LabError(f"{reason} called {which}", hint=f"there are: {known}; the id is unique")
    return found[0]
