"""What EC2 makes of a request before it acts: ranges in their canonical form, and what nobody said.

`100.68.0.18/18` becomes `100.68.0.0/18`.
Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from lab.api.calls import Call
from lab.api.refusal import Refusal

RANGE = re.compile(r"(^|\.)(CidrBlock|DestinationCidrBlock|CidrIp|CidrIpv4|Cidr)$")
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
MALFORMED = {
    "InstanceId": ("i", "InvalidInstanceID.Malformed"),
    "ImageId": ("ami", "InvalidAMIID.Malformed"),
    "GroupId": ("sg", "InvalidGroupId.Malformed"),
    "SecurityGroupId": ("sg", "InvalidGroupId.Malformed"),
}
UNSAID = {
    ("CreateVpcEndpoint", "VpcEndpointType"): "Gateway",
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
    ("AssociateAddress", "AllowReassociation"): "true",
}


def canonical(call: Call) -> dict[str, str] | Refusal:
    """The parameters as EC2 understands them, or why it does not."""
    parameters = dict(call.parameters)
    for key, value in call.parameters.items():
        if refusal := _malformed_id(key, value):
            return refusal
        if not RANGE.search(key) or key.startswith("Filter.") or ":" in value:
            continue
        try:
            parameters[key] = str(IPv4Network(value, strict=False))
        except (AddressValueError, NetmaskValueError):
            return _malformed_range(key, value)
        if "/" not in value:
            return _malformed_range(key, value)
    for (action, key), value in UNSAID.items():
        if call.action == action:
            parameters.setdefault(key, value)
    return parameters


def _malformed_id(key: str, value: str) -> Refusal | None:
    name = re.sub(r"\.\d+$", "", key)
    kind, code = MALFORMED.get(name, ("", ""))
    # Digits of moto's own images and groups may be fewer or more than EC2's.
    if not kind or re.fullmatch(rf"{kind}-[0-9a-z]{{8,}}", value):
        return None
    return Refusal(code, f'Invalid id: "{value}" (expecting "{kind}-...")')


def _malformed_range(key: str, value: str) -> Refusal:
    if "CidrIp" in key:
        return Refusal("InvalidParameterValue", f"CIDR block {value} is malformed")
    name = key.rpartition(".")[2]
    message = f"Value ({value}) for parameter {name[0].lower()}{name[1:]} is invalid. This is not a valid CIDR block."
    return Refusal("InvalidParameterValue", message)
