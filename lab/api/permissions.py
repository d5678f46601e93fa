"""Whether the permissions of AuthorizeSecurityGroup... make sense: protocols and ports.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.api.account import Account
from lab.api.calls import Call
from lab.api.refusal import Refusal

NAMES = ("tcp", "udp", "icmp", "icmpv6", "-1", "all")
WITH_PORTS = ("tcp", "udp", "6", "17")
MOST = 65535


def refuse_permissions(call: Call, _: Account) -> Refusal | None:
    """The first permission that cannot be, before any is added."""
    for protocol, first, last in _permissions(call):
        if protocol not in NAMES and not (protocol.isdigit() and int(protocol) < 256):
            message = f"Invalid value '{protocol}' for IP protocol. Unknown protocol."
            return Refusal("InvalidParameterValue", message)
        if protocol not in WITH_PORTS:
            continue
        if first is None or last is None:
            message = "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."
            return Refusal("InvalidParameterValue", message)
        if not -1 <= first <= last <= MOST:
            return Refusal("InvalidParameterValue", f"Invalid TCP/UDP port range ({first}:{last})")
    return None


def refuse_unknown_rules(call: Call, account: Account) -> Refusal | None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html"""
    groups = [group for vpc in account.model.vpcs for group in vpc.groups]
    known = {rule.id for group in groups for rule in (*group.ingress, *group.egress)}
    for rule_id in call.many("SecurityGroupRuleId"):
        if rule_id not in known:
            message = f"The security group rule ID '{rule_id}' does not exist"
            return Refusal("InvalidSecurityGroupRuleId.NotFound", message)
    return None


def _permissions(call: Call) -> Iterator[tuple[str, int | None, int | None]]:
    """Protocol, first and last port of each; also of the form that names only one."""
    found = [re.match(r"(IpPermissions\.\d+\.)?IpProtocol$", key) for key in call.parameters]
    for prefix in (one[1] or "" for one in found if one):
        ports = [call.parameters.get(f"{prefix}{end}") for end in ("FromPort", "ToPort")]
        first, last = (int(one) if one and one.lstrip("-").isdigit() else None for one in ports)
        yield call.parameters[f"{prefix}IpProtocol"].lower(), first, last
