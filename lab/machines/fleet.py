"""All machines of a lab: starts what should run, stops what should not, and hears of those that went by themselves."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

from lab.config import LabConfig
from lab.errors import LabError
from lab.machines.cgroup import ControlGroup
from lab.machines.disk import Disk
from lab.machines.image import DEBIAN, RECIPES, ensure_image, recipe_of
from lab.machines.machine import Machine
from lab.machines.sizes import memory_mib
from lab.model import Instance

POWERED = ("pending", "running")

LOG = logging.getLogger("lab")


class Fleet:
    """Not for several threads, but for `reboot`, which only leaves a wish."""

    def __init__(self, config: LabConfig, image: Path, wake: Callable[[], None]) -> None:
        self._config = config
        self._images = {DEBIAN: image}
        self._building: set[str] = set()
        self._wake = wake
        self._machines: dict[str, Machine] = {}
        self._exits: queue.Queue[Machine] = queue.Queue()
        self._reboots: queue.Queue[str] = queue.Queue()

    @property
    def powered(self) -> frozenset[str]:
        """Ids of the machines that still have power, whatever the API says."""
        return frozenset(self._machines)

    def disk(self, instance_id: str) -> Disk:
        return Disk.of(self._config, instance_id, self._images[DEBIAN])

    def reboot(self, instance_id: str) -> None:
        self._reboots.put(instance_id)
        self._wake()

    def machine(self, instance_id: str) -> Machine:
        """A machine with power; one without is an error."""
        if instance_id not in self._machines:
            raise LabError(
                f"the machine {instance_id} has no power", hint="start it by the API: aws ec2 start-instances"
            )
        return self._machines[instance_id]

    def collect_exits(self) -> list[Machine]:
        """The machines that lost power since the last time, for whatever reason."""
        gone: list[Machine] = []
        while not self._exits.empty():
            machine = self._exits.get()
            self._machines.pop(machine.instance.id, None)
            gone.append(machine)
        return gone

    def sync(
        self,
        instances: tuple[Instance, ...],
        *,
        namespace_of: Callable[[Instance], str],
        resolver_of: Callable[[Instance], IPv4Address],
    ) -> None:
        """Give power to what the API calls running, take it from the rest."""
        known = {one.id: one for one in instances}
        for instance_id in self._machines.keys() - known.keys():
            self._machines[instance_id].kill()
        for one in instances:
            machine = self._machines.get(one.id)
            if machine is None and one.state in POWERED:
                self._start(one, namespace_of(one), resolver_of(one))
            elif machine is not None and one.state not in POWERED:
                machine.shut_down()
        while not self._reboots.empty():
            if machine := self._machines.get(self._reboots.get()):
                machine.shut_down(restart=True)
        for machine in self._machines.values():
            machine.enforce()

    def _start(self, instance: Instance, namespace: str, resolver: IPv4Address) -> None:
        image = self._image_of(instance)
        if image is None:
            return  # the next sync asks again
        disk = Disk.of(self._config, instance.id, image)
        if instance.made_from and not disk.volume.exists():
            self._copy_disk(disk, instance, resolver)
            return
        disk.create(instance, resolver)
        group = ControlGroup(f"{self._config.control_group}/{instance.id}")
        unified = RECIPES[recipe_of(instance.image_name)].unified_cgroups
        memory = memory_mib(instance.instance_type)
        machine = Machine(instance, disk, namespace, group, memory, self._exited, unified_cgroups=unified)
        machine.boot()
        self._machines[instance.id] = machine

    def _copy_disk(self, disk: Disk, instance: Instance, resolver: IPv4Address) -> None:
        """In a thread, since it takes seconds; the sync after it finds the disk."""
        if instance.id not in self._building:
            self._building.add(instance.id)
            source = self._config.image_file(instance.made_from)
            threading.Thread(target=self._copied, args=[disk, instance, resolver, source], daemon=True).start()

    def _copied(self, disk: Disk, instance: Instance, resolver: IPv4Address, source: Path) -> None:
        try:
            disk.copy(source, instance, resolver)
        except Exception:
            LOG.exception("the disk of %s could not be made from %s", instance.id, source)
        self._wake()

    def _image_of(self, instance: Instance) -> Path | None:
        """The root of the machine's system; None while it is still being made, in a thread of its own."""
        name = recipe_of(instance.image_name)
        if name not in self._images and name not in self._building:
            self._building.add(name)
            threading.Thread(target=self._build, args=[name], daemon=True).start()
        return self._images.get(name)

    def _build(self, name: str) -> None:
        try:
            self._images[name] = ensure_image(LOG.warning, name)
        except Exception:
            LOG.exception("the image %s could not be made: its machines stay without power until the next lab up", name)
        self._wake()

    def _exited(self, machine: Machine) -> None:
        self._exits.put(machine)
        self._wake()
