"""Read moto's databases as machines with an interface: like lab.observe, one of the few that know moto from inside."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from moto.backends import get_backend

from lab.config import ACCOUNT, REGION
from lab.model import Endpoint, Instance
from lab.rds.mysql import STANDS_FOR, Wanted
from lab.rds.refusals import machine_type

WITHOUT_POWER = ("stopping", "stopped", "deleting", "failed")


def rds_backend(region: str = REGION) -> Any:
    return get_backend("rds")[ACCOUNT][region]


def databases(region: str = REGION) -> list[Any]:
    """moto's databases that have an interface and so a machine."""
    return [one for one in list(rds_backend(region).databases.values()) if hasattr(one, "lab_nic")]


def machine_of(database: Any) -> Instance:
    """The machine behind a database; before its volume is there it is `preparing`."""
    state = "stopped" if database.status in WITHOUT_POWER else "running" if database.lab_ready else "preparing"
    return Instance(
        id=database.dbi_resource_id,
        name=database.db_instance_identifier,
        state=state,
        image_id="rds-mysql",
        instance_type=machine_type(database.db_instance_class),
        interface_ids=(database.lab_nic,),
        public_key="",
        hostname=database.dbi_resource_id.lower(),
    )


def endpoint_of(database: Any, nic: Any) -> Endpoint:
    return Endpoint(
        name=database.address,
        vpc_id=nic.vpc_id,
        private_ip=IPv4Address(nic.private_ip_address),
        public_ip=IPv4Address(nic.public_ip) if nic.public_ip else None,
    )


def wanted_of(database: Any) -> Wanted:
    """What should stand inside; the user's own parameters too, if their values are plain."""
    parameters: dict[str, str] = {}
    for group in database.db_parameter_groups():
        for name, one in dict(getattr(group, "parameters", {})).items():
            value = str(one.get("ParameterValue", one.get("parameter_value", "")) or "")
            if value and "{" not in value:
                parameters[name] = value
    return Wanted(
        port=int(database.port),
        version=database.engine_version,
        master=database.master_username or "",
        password=database._master_user_password or "",
        schema=database.db_name or "",
        parameters=parameters,
    )


def _note(database: Any) -> str:
    if database.status == "failed":
        return str(getattr(database, "lab_failure", ""))
    if database.status == "creating" and not database.lab_ready:
        return "its volume is being made; the first database on a computer waits for its image, about two minutes"
    return ""


def describe(machine_id: str) -> dict[str, str] | None:
    """What `lab status` tells of a database; None for a machine that is none."""
    for one in databases():
        if one.dbi_resource_id == machine_id:
            return {
                "status": one.status,
                "asked": one.engine_version,
                "runs": STANDS_FOR,
                "endpoint": f"{one.address}:{one.port}",
                "note": _note(one),
            }
    return None
