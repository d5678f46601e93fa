"""The whole data plane: one internet, one router per VPC that has something plugged in."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.apply.internet import Internet
from lab.apply.router import Router
from lab.compile.names import short
from lab.config import LabConfig
from lab.model import Instance, Model, Vpc


@dataclass
class Network:
    """Makes the kernel follow the model, one `sync` at a time; not for several threads."""

    config: LabConfig
    internet: Internet = field(init=False)
    routers: dict[str, Router] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.internet = Internet(self.config)

    def create(self, *, uplink: bool = True) -> None:
        """Build the internet; without an uplink the lab is an island."""
        self.internet.create()
        if uplink:
            self.internet.start_uplink()

    def sync(self, model: Model) -> list[Vpc]:
        """Apply the model; return the VPCs whose router is new, so that their resolver can be started."""
        living = {vpc.id: vpc for vpc in model.vpcs if vpc.interfaces}
        for vpc_id in self.routers.keys() - living.keys():
            self.routers.pop(vpc_id).destroy()
        new = [vpc for vpc in living.values() if vpc.id not in self.routers]
        for vpc in new:
            router = Router(self.config, vpc.id)
            router.create(vpc)
            self.routers[vpc.id] = router
        for vpc in living.values():
            self.routers[vpc.id].sync(vpc)
        self.internet.sync(list(living.values()))
        return new

    def unplug(self, vpc_id: str, nic_ids: tuple[str, ...]) -> None:
        """Take a machine's links away; the next sync gives it new ones, as empty as after a power cycle."""
        if router := self.routers.get(vpc_id):
            for nic_id in nic_ids:
                router.unplug(nic_id)

    def machine_namespace(self, instance: Instance) -> str:
        return f"{self.config.prefix}{short(instance.id)}"
