"""What RDS refuses and moto would allow; each raises the error that RDS gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.rds.exceptions import RDSClientError

from lab.config import REGION
from lab.machines.sizes import memory_mib

ENGINE = "mysql"
SMALLEST_GIB = 20
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 41
FORBIDDEN = frozenset('/@" ')


def machine_type(instance_class: str) -> str:
    """The EC2 type of the same size: db.t4g.micro -> t4g.micro."""
    return instance_class.removeprefix("db.")


def refuse_elsewhere(region: str) -> None:
    """In other regions nothing would ever make a machine of it."""
    if region != REGION:
        raise RDSClientError("InvalidParameterValue", f"The lab runs databases in {REGION} only, not in {region}.")


def refuse_creation(given: Mapping[str, Any], subnets: Iterable[Any]) -> None:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"""
    if given.get("engine") != ENGINE:
        raise RDSClientError(
            "InvalidParameterValue", f"The lab has machines for engine {ENGINE} only, not for {given.get('engine')}"
        )
    if not list(subnets):
        raise RDSClientError("InvalidVPCNetworkStateFault", "There is no subnet that the DB instance could stand in.")
    refuse_class(given.get("db_instance_class"))
    size = given.get("allocated_storage")
    if size is not None and int(size) < SMALLEST_GIB:
        kind = given.get("storage_type") or "gp2"
        message = f"Invalid storage size for engine name {ENGINE} and storage type {kind}: {size}"
        raise RDSClientError("InvalidParameterCombination", message)
    if given.get("manage_master_user_password"):
        message = "The lab does not keep master passwords in Secrets Manager: give MasterUserPassword."
        raise RDSClientError("InvalidParameterCombination", message)
    for name, key in (("MasterUsername", "master_username"), ("MasterUserPassword", "master_user_password")):
        if not given.get(key):
            raise RDSClientError(
                "InvalidParameterValue", f"The parameter {name} must be provided and must not be blank."
            )
    refuse_password(given["master_user_password"])


def refuse_class(instance_class: str | None) -> None:
    if instance_class is not None and memory_mib(machine_type(instance_class)) is None:
        raise RDSClientError("InvalidParameterValue", f"Invalid DB Instance class: {instance_class}")


def refuse_smaller(database: Any, gib: int | None) -> None:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html"""
    if gib is not None and int(gib) < int(database.allocated_storage):
        message = (
            f"Invalid storage size: {gib} GiB is less than the {database.allocated_storage} GiB that are allocated."
        )
        raise RDSClientError("InvalidParameterCombination", message)


def refuse_password(password: str | None) -> None:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html (MySQL: 8 to 41 characters)"""
    if password is None:
        return
    reason = ""
    if len(password) < SHORTEST_PASSWORD:
        reason = f"it is shorter than {SHORTEST_PASSWORD} characters."
    elif len(password) > LONGEST_PASSWORD:
        reason = f"it is longer than {LONGEST_PASSWORD} characters."
    if reason:
        message = f"The parameter MasterUserPassword is not a valid password because {reason}"
        raise RDSClientError("InvalidParameterValue", message)
    if FORBIDDEN & set(password) or not (password.isascii() and password.isprintable()):
        message = "The parameter MasterUserPassword is not a valid password."
        hint = "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        raise RDSClientError("InvalidParameterValue", f"{message} {hint}")


def refuse_unless(database: Any, *states: str) -> None:
    """Most changes need a certain state; source: the errors of each action in the API reference."""
    if database.status not in states:
        message = f"Instance {database.db_instance_identifier} is not in {' or '.join(states)} state."
        raise RDSClientError("InvalidDBInstanceState", message)


def refuse_foreign_groups(ec2: Any, group_ids: Iterable[str], vpc_id: str) -> None:
    """The groups stand in the VPC of the subnet group.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
    """
    for group_id in group_ids:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            message = f"Invalid security group , groupId= {group_id}, groupName="
            raise RDSClientError("InvalidParameterValue", message)
        if group.vpc_id != vpc_id:
            raise RDSClientError(
                "InvalidParameterCombination",
                "The DB instance and EC2 security group are in different VPCs. "
                f"The DB instance is in {vpc_id} and the EC2 security group is in {group.vpc_id}",
            )


def refuse_public_without_way(ec2: Any, vpc_id: str) -> None:
    """A public database needs a VPC with a gateway, names and a resolver.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
    """
    start = "Cannot create a publicly accessible DBInstance. The specified VPC"
    if not any(one.vpc and one.vpc.id == vpc_id for one in ec2.internet_gateways.values()):
        raise RDSClientError("InvalidVPCNetworkStateFault", f"{start} has no internet gateway attached.")
    vpc = ec2.vpcs[vpc_id]
    names, support = (str(one).lower() == "true" for one in (vpc.enable_dns_hostnames, vpc.enable_dns_support))
    if not (names and support):
        message = f"{start} does not support DNS resolution, DNS hostnames, or both."
        raise RDSClientError("InvalidVPCNetworkStateFault", message)


def refuse_deletion(database: Any, *, final: str | None, skip: bool) -> None:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html"""
    if database.deletion_protection:
        message = "Cannot delete protected DB Instance, please disable deletion protection and try again."
        raise RDSClientError("InvalidParameterCombination", message)
    if not skip and not final:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise RDSClientError("InvalidParameterCombination", message)
    if skip and final:
        message = "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is specified."
        raise RDSClientError("InvalidParameterCombination", message)
    if database.status == "deleting":
        message = f"Instance {database.db_instance_identifier} is already being deleted."
        raise RDSClientError("InvalidDBInstanceState", message)


def refuse_narrow_group(subnets: Iterable[Any]) -> None:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html"""
    zones = sorted({one.availability_zone for one in subnets})
    if len(zones) < 2:
        raise RDSClientError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            f"Current AZ coverage: {', '.join(zones)}. Add subnets to cover at least 2 AZs.",
        )


def refuse_deletion_of_used_group(name: str, databases: Iterable[Any]) -> None:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBSubnetGroup.html"""
    for one in databases:
        group = getattr(one, "db_subnet_group", None)
        if group is not None and group.name == name.lower():
            message = f"Cannot delete the subnet group '{name}' because at least one database instance: "
            message += f"{one.db_instance_identifier} is still using it."
            raise RDSClientError("InvalidDBSubnetGroupStateFault", message)
