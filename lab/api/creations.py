"""What subnets, interfaces, groups and tags must be like."""

from __future__ import annotations

from ipaddress import IPv4Network

from lab.api.account import Account
from lab.api.calls import Call
from lab.api.launches import refuse_address
from lab.api.refusal import Refusal

LARGEST, SMALLEST = 16, 28


def refuse_subnet(call: Call, account: Account) -> Refusal | None:
    """Sources: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html,
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html
    """
    text, zone = call.parameters.get("CidrBlock", ""), call.parameters.get("AvailabilityZone")
    if zone and zone not in account.zones:
        message = f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in "
        names = ", ".join(sorted(account.zones))
        return Refusal("InvalidParameterValue", f"{message}the following availability zones: {names}.")
    if text and not LARGEST <= IPv4Network(text).prefixlen <= SMALLEST:
        return Refusal("InvalidSubnet.Range", f"The CIDR '{text}' is invalid.")
    return None


def refuse_interface(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html"""
    listed = [value for key, value in call.parameters.items() if key.endswith(".PrivateIpAddress")]
    for address in (*filter(None, [call.parameters.get("PrivateIpAddress")]), *listed):
        if refusal := refuse_address(address, call.parameters.get("SubnetId"), account):
            return refusal
    return None


def refuse_group(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html"""
    name, vpc_id = call.parameters.get("GroupName", ""), call.parameters.get("VpcId")
    if vpc_id and vpc_id not in {vpc.id for vpc in account.model.vpcs}:
        return Refusal("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    if name == "default":
        return Refusal("InvalidParameterValue", f"Cannot use reserved security group name: {name}")
    if name.startswith("sg-"):
        message = f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*."
        return Refusal("InvalidParameterValue", message)
    return None


def refuse_tags(call: Call, _: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions"""
    if any(key.endswith(".Key") and value.startswith("aws:") for key, value in call.parameters.items()):
        message = "Tag keys starting with 'aws:' are reserved for internal use"
        return Refusal("InvalidParameterValue", message)
    return None
