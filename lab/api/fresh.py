"""Eventual consistency: an id is not found for a moment after it was made, while the API is slow.

Source: https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
"""

from __future__ import annotations

import re

from lab.api.calls import Call
from lab.api.pace import Pace
from lab.api.refusal import Refusal

# What each call makes, by the prefix of its id.
MAKES = {
    "AllocateAddress": "eipalloc",
    "CreateInternetGateway": "igw",
    "CreateNatGateway": "nat",
    "CreateNetworkAcl": "acl",
    "CreateNetworkInterface": "eni",
    "CreateRouteTable": "rtb",
    "CreateSecurityGroup": "sg",
    "CreateSubnet": "subnet",
    "CreateVolume": "vol",
    "CreateVpc": "vpc",
    "CreateVpcEndpoint": "vpce",
    "RunInstances": "i",
}

# How EC2 says that it knows no such thing:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
NOT_FOUND = {
    "acl": ("InvalidNetworkAclID.NotFound", "The networkAcl ID '{}' does not exist"),
    "eipalloc": ("InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    "eni": ("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '{}' does not exist"),
    "i": ("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
    "igw": ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '{}' does not exist"),
    "nat": ("NatGatewayNotFound", "NatGateway {} was not found"),
    "rtb": ("InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"),
    "sg": ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
    "subnet": ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    "vol": ("InvalidVolume.NotFound", "The volume '{}' does not exist."),
    "vpc": ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    "vpce": ("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{}' does not exist"),
}


def made(call: Call, body: bytes) -> set[str]:
    """The ids of what a successful call made, read from its answer."""
    prefix = MAKES.get(call.action)
    if prefix is None:
        return set()
    found = re.findall(rf">({prefix}-[0-9a-f]{{8,17}})<", body.decode(errors="replace"))
    return set(found) - set(call.resources)


def refuse_unseen(call: Call, pace: Pace) -> Refusal | None:
    """A call that names what not every server knows yet; in a filter it finds nothing instead."""
    for key, value in call.parameters.items():
        if not key.startswith("Filter.") and pace.unseen(value):
            code, message = NOT_FOUND[value.partition("-")[0]]
            return Refusal(code, message.format(value))
    return None


def hide_unseen(call: Call, pace: Pace) -> dict[str, str] | None:
    """The parameters with every unseen id in a filter made one that nothing has; None if there is none."""
    hidden = {
        key: f"{value.partition('-')[0]}-unseen" if key.startswith("Filter.") and pace.unseen(value) else value
        for key, value in call.parameters.items()
    }
    return hidden if hidden != call.parameters else None
