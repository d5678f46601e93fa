"""What EC2 refuses and moto would allow: pure questions to the model, each with its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.api.calls import Call
from lab.model import Model

# The default quota per region: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
ELASTIC_ADDRESS_QUOTA = 5


@dataclass(frozen=True)
class Refusal:
    """An error code of EC2 and its sentence.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """

    code: str
    message: str


def refuse(call: Call, model: Model) -> Refusal | None:
    """Return why EC2 would refuse this call, or None."""
    rule = RULES.get(call.action)
    return rule(call, model) if rule else None


def _delete_security_group(call: Call, model: Model) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html"""
    group_id = call.parameters.get("GroupId", "")
    used = any(group_id in nic.group_ids for vpc in model.vpcs for nic in vpc.interfaces)
    referenced = any(
        rule.group_id == group_id
        for vpc in model.vpcs
        for group in vpc.groups
        if group.id != group_id
        for rule in (*group.ingress, *group.egress)
    )
    if used or referenced:
        return Refusal("DependencyViolation", f"resource {group_id} has a dependent object")
    return None


def _detach_internet_gateway(call: Call, model: Model) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html"""
    vpc_id = call.parameters.get("VpcId", "")
    if any(nic.public_ip for vpc in model.vpcs if vpc.id == vpc_id for nic in vpc.interfaces):
        return Refusal(
            "DependencyViolation",
            f"Network {vpc_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway.",
        )
    return None


def _release_address(call: Call, model: Model) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html"""
    wanted = (call.parameters.get("AllocationId"), call.parameters.get("PublicIp"))
    for address in model.addresses:
        if address.interface_id and wanted in ((address.allocation_id, None), (None, str(address.public_ip))):
            return Refusal("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
    return None


def _delete_subnet(call: Call, model: Model) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html"""
    subnet_id = call.parameters.get("SubnetId", "")
    if any(nic.subnet_id == subnet_id for vpc in model.vpcs for nic in vpc.interfaces):
        return Refusal("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return None


def _allocate_address(call: Call, model: Model) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html"""
    if len(model.addresses) >= ELASTIC_ADDRESS_QUOTA:
        return Refusal("AddressLimitExceeded", "The maximum number of addresses has been reached.")
    return None


RULES: dict[str, Callable[[Call, Model], Refusal | None]] = {
    "DeleteSecurityGroup": _delete_security_group,
    "DetachInternetGateway": _detach_internet_gateway,
    "ReleaseAddress": _release_address,
    "DeleteSubnet": _delete_subnet,
    "AllocateAddress": _allocate_address,
}
