"""RDS in moto: databases whose states follow their machines, and RDS's refusals; the snapshots are next door.

moto's objects carry what the keeper of the machines needs, as plain attributes: `lab_nic` (the interface),
`lab_ready` (the volume is there), `lab_password_due`, `lab_reboot_due`, `lab_volume_from` (what it is restored from).

Each `type: ignore` is the replacing itself: mypy forbids to assign to a method, and that is what is meant.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from typing import Any

from moto.ec2.models import elastic_network_interfaces
from moto.rds.models import DBInstance, RDSBackend

from lab.observe import ec2_backend
from lab.rds.moto_snapshots import begin_snapshot, find, mend_snapshots
from lab.rds.refusals import (
    refuse_class,
    refuse_creation,
    refuse_deletion,
    refuse_deletion_of_used_group,
    refuse_elsewhere,
    refuse_foreign_groups,
    refuse_narrow_group,
    refuse_password,
    refuse_public_without_way,
    refuse_smaller,
    refuse_unless,
)

# What waits for the maintenance window unless applied immediately, by moto's name and RDS's.
# Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.DBInstance.Modifying.html
LATER = {
    "allocated_storage": "AllocatedStorage",
    "db_instance_class": "DBInstanceClass",
    "engine_version": "EngineVersion",
    "multi_az": "MultiAZ",
    "port": "Port",
    "storage_type": "StorageType",
}
# What gp3 gives without being asked, below 400 GiB: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html
GP3_IOPS, GP3_THROUGHPUT = 3000, 125
Backend = Any


def apply_rds_fixes(tell: Callable[[], None]) -> None:
    """Mend moto's classes; `tell` hears of every change that a machine must follow."""
    _report_storage_as_rds()
    _hide_the_endpoint_until_it_is_there()
    _keep_subnet_groups()
    _create(tell)
    _modify(tell)
    _start_and_stop(tell)
    _delete(tell)
    mend_snapshots(tell)


def _report_storage_as_rds() -> None:
    """Without StorageThroughput of gp3, amazon.aws.rds_instance dies at its second run.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html
    """

    def read(self: Any) -> int | None:
        chosen: int | None = self.__dict__.get("_storage_throughput")
        return (chosen or GP3_THROUGHPUT) if self.storage_type == "gp3" else chosen

    def write(self: Any, value: int | None) -> None:
        self._storage_throughput = value

    DBInstance.storage_throughput = property(read, write)  # type: ignore[method-assign, assignment]


def _hide_the_endpoint_until_it_is_there() -> None:
    """A database that is being created has no endpoint yet."""
    original = DBInstance.endpoint

    def endpoint(self: Any) -> dict[str, Any] | None:
        hidden = self.status == "creating"
        return None if hidden else original.__get__(self, type(self))

    DBInstance.endpoint = property(endpoint)  # type: ignore[method-assign, assignment]


def _keep_subnet_groups() -> None:
    create, delete = RDSBackend.create_subnet_group, RDSBackend.delete_subnet_group

    def create_subnet_group(self: Backend, subnet_name: str, description: str, subnets: Any, tags: Any) -> Any:
        refuse_narrow_group(subnets)
        return create(self, subnet_name, description, subnets, tags)

    def modify_db_subnet_group(self: Backend, subnet_name: str, description: str | None, subnets: Any) -> Any:
        """moto forgets a group that was modified."""
        (group,) = self.describe_db_subnet_groups(subnet_name)
        refuse_narrow_group(subnets)
        group.subnets = subnets
        group.description = group.description if description is None else description
        return group

    def delete_subnet_group(self: Backend, subnet_name: str) -> Any:
        refuse_deletion_of_used_group(subnet_name, self.databases.values())
        return delete(self, subnet_name)

    RDSBackend.create_subnet_group = create_subnet_group  # type: ignore[method-assign]
    RDSBackend.modify_db_subnet_group = modify_db_subnet_group  # type: ignore[method-assign]
    RDSBackend.delete_subnet_group = delete_subnet_group  # type: ignore[method-assign]


def _subnets(backend: Backend, given: dict[str, Any]) -> list[Any]:
    """The subnets that the database may stand in, the wanted zone first; without a group those of the default VPC."""
    name, zone = given.get("db_subnet_group_name"), given.get("availability_zone")
    ec2 = ec2_backend(backend.region_name)
    if name:
        found = list(backend.describe_db_subnet_groups(name)[0]._subnets)
    else:
        default = ec2.default_vpc
        every = [one for zone_subnets in ec2.subnets.values() for one in zone_subnets.values()]
        found = [one for one in every if default and one.vpc_id == default.id]
    return sorted(found, key=lambda one: zone is not None and one.availability_zone != zone)


def _create(tell: Callable[[], None]) -> None:
    original = RDSBackend.create_db_instance

    def create_db_instance(self: Backend, db_kwargs: dict[str, Any]) -> Any:
        ec2 = ec2_backend(self.region_name)
        refuse_elsewhere(self.region_name)
        subnets = _subnets(self, db_kwargs)
        refuse_creation(db_kwargs, subnets)
        subnet = subnets[0]
        groups = db_kwargs.get("vpc_security_group_ids") or [ec2.get_default_security_group(subnet.vpc_id).id]
        refuse_foreign_groups(ec2, groups, subnet.vpc_id)
        if db_kwargs.get("publicly_accessible"):
            refuse_public_without_way(ec2, subnet.vpc_id)
        fixed: dict[str, Any] = {"vpc_security_group_ids": list(groups), "availability_zone": subnet.availability_zone}
        fixed["db_instance_identifier"] = db_kwargs["db_instance_identifier"].lower()  # as RDS keeps it
        if db_kwargs.get("storage_type") == "gp3":
            fixed["iops"] = db_kwargs.get("iops") or GP3_IOPS
        database: Any = original(self, {**db_kwargs, **fixed})
        database.status = "creating"
        database.pending_modified_values = {}
        # The form of RDS: db- and 26 characters of base32.
        database.dbi_resource_id = "db-" + base64.b32encode(secrets.token_bytes(17)).decode()[:26]
        database.lab_ready, database.lab_password_due, database.lab_reboot_due = False, True, False
        database.lab_volume_from = db_kwargs.get("lab_volume_from", "")
        database.lab_nic = _plug(ec2, subnet, groups, public=bool(db_kwargs.get("publicly_accessible"))).id
        _adopt_automated_snapshots(self, database)
        tell()
        return database

    RDSBackend.create_db_instance = create_db_instance  # type: ignore[method-assign]


def _plug(ec2: Any, subnet: Any, group_ids: list[str], *, public: bool) -> Any:
    """RDS puts an interface of its own into the customer's subnet; its address stays as long as the database.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html
    """
    address = subnet.get_available_subnet_ip(instance=None)
    nic = ec2.create_network_interface(subnet, address, group_ids=group_ids, description="RDSNetworkInterface")
    nic.status, nic.requester_managed, nic.requester_id = "in-use", True, "amazon-rds"
    nic.public_ip = elastic_network_interfaces.random_public_ip() if public else None
    return nic


def _adopt_automated_snapshots(backend: Backend, database: Any) -> None:
    """moto takes the first backup at once and also where backups are off."""
    for snapshot in list(backend.database_snapshots.values()):
        if snapshot.snapshot_type == "automated" and snapshot.db_instance_identifier == database.db_instance_identifier:
            if database.backup_retention_period:
                snapshot.dbi_resource_id = database.dbi_resource_id
                begin_snapshot(snapshot)
            else:
                del backend.database_snapshots[snapshot.db_snapshot_identifier]


def _modify(tell: Callable[[], None]) -> None:
    original = RDSBackend.modify_db_instance

    def modify_db_instance(self: Backend, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
        database = find(self, db_instance_identifier)
        ec2 = ec2_backend(self.region_name)
        refuse_unless(database, "available")
        refuse_class(db_kwargs.get("db_instance_class"))
        refuse_password(db_kwargs.get("master_user_password"))
        nic = ec2.enis[database.lab_nic]
        groups = db_kwargs.get("vpc_security_group_ids")
        public = db_kwargs.get("publicly_accessible")
        refuse_foreign_groups(ec2, groups or (), nic.subnet.vpc_id)
        if public:
            refuse_public_without_way(ec2, nic.subnet.vpc_id)
        given = {**db_kwargs, "port": db_kwargs.get("db_port_number")}
        changes = {key: given[key] for key in LATER if given.get(key) not in (None, getattr(database, key))}
        refuse_smaller(database, changes.get("allocated_storage"))
        immediately = bool(db_kwargs.get("apply_immediately"))
        kept = {key: value for key, value in given.items() if key not in LATER}
        original(self, database.db_instance_identifier, kept | (changes if immediately else {}))
        if immediately:
            changes = {**_waiting(database), **changes}
            database.update(**changes)
            database.pending_modified_values = {}
            _begin(database, changes)
        else:
            named = {LATER[key]: value for key, value in changes.items()}
            database.pending_modified_values = {**database.pending_modified_values, **named}
        if groups:
            nic._group_set = [ec2.get_security_group_from_id(one) for one in groups]
        if public is not None:
            nic.public_ip = (nic.public_ip or elastic_network_interfaces.random_public_ip()) if public else None
        if db_kwargs.get("master_user_password"):
            database.lab_password_due, database.status = True, "resetting-master-credentials"
        tell()
        return database

    RDSBackend.modify_db_instance = modify_db_instance  # type: ignore[method-assign]


def _waiting(database: Any) -> dict[str, Any]:
    names = {theirs: ours for ours, theirs in LATER.items()}
    return {names[key]: value for key, value in database.pending_modified_values.items()}


def _begin(database: Any, changes: dict[str, Any]) -> None:
    """Another class or size is another boot, another port or version a restart of the server."""
    if {"allocated_storage", "db_instance_class", "engine_version", "port"} & changes.keys():
        database.status = "modifying"
        database.lab_reboot_due = bool({"allocated_storage", "db_instance_class"} & changes.keys())


def _start_and_stop(tell: Callable[[], None]) -> None:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html (status)"""
    stop, start = RDSBackend.stop_db_instance, RDSBackend.start_db_instance

    def stop_db_instance(self: Backend, db_instance_identifier: str, db_snapshot_identifier: str | None = None) -> Any:
        database = stop(self, db_instance_identifier, db_snapshot_identifier)
        database.status = "stopping"
        tell()
        return database

    def start_db_instance(self: Backend, db_instance_identifier: str) -> Any:
        database = start(self, db_instance_identifier)
        database.status = "starting"
        tell()
        return database

    def reboot_db_instance(self: Backend, db_instance_identifier: str) -> Any:
        database = find(self, db_instance_identifier)
        refuse_unless(database, "available")
        database.status, database.lab_reboot_due = "rebooting", True
        tell()
        return database

    RDSBackend.stop_db_instance = stop_db_instance  # type: ignore[method-assign]
    RDSBackend.start_db_instance = start_db_instance  # type: ignore[method-assign]
    RDSBackend.reboot_db_instance = reboot_db_instance  # type: ignore[method-assign]


def _delete(tell: Callable[[], None]) -> None:
    """The database is there as `deleting` until its machine is gone; `forget` ends it."""
    original = RDSBackend.delete_db_instance

    def delete_db_instance(
        self: Backend,
        db_instance_identifier: str,
        final_db_snapshot_identifier: str | None = None,
        skip_final_snapshot: bool | None = False,
        delete_automated_backups: bool | None = True,
    ) -> Any:
        database = find(self, db_instance_identifier)
        refuse_deletion(database, final=final_db_snapshot_identifier, skip=bool(skip_final_snapshot))
        if final_db_snapshot_identifier:
            self.create_db_snapshot(database.db_instance_identifier, final_db_snapshot_identifier)
        database.status = "deleting"
        database.lab_keep_backups = delete_automated_backups is False
        tell()
        return database

    def lab_forget(self: Backend, database: Any) -> None:
        name, keep = database.db_instance_identifier, database.lab_keep_backups
        original(self, name, skip_final_snapshot=True, delete_automated_backups=not keep)
        ec2_backend(self.region_name).enis[database.lab_nic].delete()

    RDSBackend.delete_db_instance = delete_db_instance  # type: ignore[method-assign]
    RDSBackend.lab_forget = lab_forget  # type: ignore[attr-defined]
