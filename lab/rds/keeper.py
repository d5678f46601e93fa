"""The keeper of the databases: gives them volumes and machines, and lets the API say what has become true.

Two threads: the lab's own loop starts and stops machines (`sync`), the keeper's does what takes time.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from lab.config import LabConfig
from lab.errors import LabError
from lab.machines.disk import Disk
from lab.machines.fleet import Fleet
from lab.machines.image import MYSQL, ensure_image
from lab.machines.machine import Machine
from lab.model import DATABASE_PREFIX, Instance
from lab.observe import ec2_backend
from lab.rds import observe
from lab.rds.mysql import accounts, settings
from lab.rds.server import Server, greets
from lab.rds.volume import copy_volume, drop_snapshots, grow_volume, make_folders, make_volume, snapshot_file

WATCH_SECONDS = 0.25
PATIENCE = 20  # a machine that is just booting or leaving cannot be entered for a moment
SETTLED = ("available", "stopped", "failed")
LEAVING = ("stopping", "deleting")
# States that end when MySQL answers. Source of the names:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
RISING = ("creating", "starting", "rebooting", "modifying", "resetting-master-credentials")
LOG = logging.getLogger("lab")


class Databases:
    """All databases of a lab; nothing is built or started before the first one is created."""

    def __init__(self, config: LabConfig, namespace_of: Callable[[Instance], str], wake: Callable[[], None]) -> None:
        self._config, self._namespace_of, self._wake = config, namespace_of, wake
        self._noticed = threading.Event()
        self._fleet: Fleet | None = None
        self._leaders: dict[str, int] = {}  # the init that must be gone before a reboot counts
        self._failures: Counter[str] = Counter()

    def start(self) -> None:
        threading.Thread(target=self._keep, daemon=True, name="databases").start()

    def notice(self) -> None:
        """Something was asked for."""
        self._noticed.set()
        self._wake()

    # What the lab's loop does.

    @property
    def fleet(self) -> Fleet | None:
        """The machines; None while there was never a database."""
        return self._fleet

    @property
    def powered(self) -> frozenset[str]:
        return self._fleet.powered if self._fleet else frozenset()

    def collect_exits(self) -> list[Machine]:
        return self._fleet.collect_exits() if self._fleet else []

    def sync(self, machines: tuple[Instance, ...], resolver_of: Callable[[Instance], IPv4Address]) -> None:
        if self._fleet:
            self._fleet.sync(machines, namespace_of=self._namespace_of, resolver_of=resolver_of)

    def after_exit(self, machine: Machine) -> None:
        """RDS starts a database again whose machine failed."""
        for database in observe.databases():
            if database.dbi_resource_id == machine.instance.id and database.status not in observe.WITHOUT_POWER:
                if database.status in ("available", "backing-up"):
                    database.status = "rebooting"
                self._leaders.pop(machine.instance.id, None)
                grow_volume(machine.disk.volume, int(database.allocated_storage))
        self._noticed.set()

    # What takes time.

    def _keep(self) -> None:
        while True:
            for database in observe.databases():
                self._attempt(database)
            for snapshot in self._unfinished_snapshots():
                self._copy(snapshot)
            drop_snapshots(self._config, {one.lab_volume for one in self._snapshots()})
            busy = any(one.status not in SETTLED for one in observe.databases()) or bool(self._unfinished_snapshots())
            self._noticed.wait(WATCH_SECONDS if busy else None)
            self._noticed.clear()

    def _attempt(self, database: Any) -> None:
        """One step for one database; one that fails again and again is `failed`, its reasons are in the lab's log."""
        name = database.db_instance_identifier
        try:
            self._step(database)
        except Exception as error:
            LOG.exception("database %s", name)
            self._failures[name] += 1
            if self._failures[name] >= PATIENCE or not database.lab_ready:
                database.status, database.lab_failure = "failed", str(error)
        else:
            self._failures.pop(name, None)

    def _step(self, database: Any) -> None:
        machine_id = database.dbi_resource_id
        if database.status == "creating" and not database.lab_ready:
            self._prepare(database)
        elif database.status == "stopping" and machine_id not in self.powered:
            database.status = "stopped"
        elif database.status == "deleting" and machine_id not in self.powered:
            self._end(database)
        elif database.status in RISING and machine_id in self.powered:
            self._raise(database)

    def _prepare(self, database: Any) -> None:
        if self._fleet is None:
            self._fleet = Fleet(self._config, ensure_image(LOG.warning, MYSQL), self._wake)
        disk, source = self._fleet.disk(database.dbi_resource_id), database.lab_volume_from
        if source.startswith("db-"):
            self._copy_volume_of(source, disk.volume)
        elif source:
            copy_volume(snapshot_file(self._config, source), disk.volume)
        else:
            vpc = ec2_backend().vpcs[ec2_backend().enis[database.lab_nic].vpc_id]
            make_volume(
                disk,
                resolver=IPv4Network(vpc.cidr_block)[2],
                settings=settings(observe.wanted_of(database)),
                gib=int(database.allocated_storage),
            )
        grow_volume(disk.volume, int(database.allocated_storage))
        make_folders(disk)
        database.lab_ready = True
        self._wake()

    def _raise(self, database: Any) -> None:
        """Towards `available`: the machine is booted, the server set, the master user made, the port answers."""
        assert self._fleet is not None
        machine_id = database.dbi_resource_id
        leader = self._fleet.machine(machine_id).leader
        if database.lab_reboot_due and leader:
            self._leaders[machine_id] = leader
            database.lab_reboot_due = False
            self._fleet.reboot(machine_id)
        if leader is None or leader == self._leaders.get(machine_id):
            return
        server, wanted = Server(leader), observe.wanted_of(database)
        if not server.runs():
            return
        server.configure(settings(wanted))
        if database.lab_password_due:
            server.execute(accounts(wanted))
            database.lab_password_due = False
        machine = observe.machine_of(database)
        address = IPv4Address(ec2_backend().enis[database.lab_nic].private_ip_address)
        if greets(self._namespace_of(machine), address, wanted.port):
            due = any(one.dbi_resource_id == machine_id for one in self._unfinished_snapshots())
            database.status = "backing-up" if due else "available"

    def _end(self, database: Any) -> None:
        """The volume goes when the final snapshot has been taken from it."""
        waiting = (one.dbi_resource_id == database.dbi_resource_id for one in self._unfinished_snapshots())
        if any(waiting):
            return
        if self._fleet:
            self._fleet.disk(database.dbi_resource_id).delete()
        observe.rds_backend().lab_forget(database)
        self._wake()

    # Snapshots.

    def _snapshots(self) -> list[Any]:
        snapshots = list(observe.rds_backend().database_snapshots.values())
        return [one for one in snapshots if hasattr(one, "lab_volume")]

    def _unfinished_snapshots(self) -> list[Any]:
        return [one for one in self._snapshots() if one.status == "creating"]

    def _copy(self, snapshot: Any) -> None:
        database = next((one for one in observe.databases() if one.dbi_resource_id == snapshot.dbi_resource_id), None)
        target = snapshot_file(self._config, snapshot.lab_volume)
        try:
            if snapshot.lab_copy_of:
                copy_volume(snapshot_file(self._config, snapshot.lab_copy_of), target)
            elif database is None:
                raise LabError(f"the database of the snapshot {snapshot.db_snapshot_identifier} is gone")
            elif database.status in RISING or (database.status in LEAVING and snapshot.dbi_resource_id in self.powered):
                return
            else:
                self._copy_volume_of(database.dbi_resource_id, target)
        except Exception:
            LOG.exception("snapshot %s", snapshot.db_snapshot_identifier)
            snapshot.status = "failed"
        else:
            snapshot.status = "available"
        if database and database.status == "backing-up":
            database.status = "available"

    def _copy_volume_of(self, machine_id: str, target: Path) -> None:
        """With the server held still while it runs; a machine on its way down is waited for by the next look."""
        assert self._fleet is not None
        disk = self._fleet.disk(machine_id)
        if machine_id not in self.powered:
            copy_volume(disk.volume, target)
            return
        leader = self._fleet.machine(machine_id).leader
        if leader is None:
            raise LabError(f"the machine of {machine_id} is on its way")
        with Server(leader).held(disk.mounted_volume):
            copy_volume(disk.volume, target)


@dataclass(frozen=True)
class AllMachines:
    """Instances and databases as one, for the orders that know a machine by its id."""

    instances: Fleet
    databases: Databases

    @property
    def powered(self) -> frozenset[str]:
        return self.instances.powered | self.databases.powered

    def machine(self, machine_id: str) -> Machine:
        return self._fleet(machine_id).machine(machine_id)

    def disk(self, machine_id: str) -> Disk:
        return self._fleet(machine_id).disk(machine_id)

    def _fleet(self, machine_id: str) -> Fleet:
        database = self.databases.fleet if machine_id.startswith(DATABASE_PREFIX) else None
        return database or self.instances
