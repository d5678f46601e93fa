"""Network ACLs as EC2 has them: ICMP types, the closing denials, what is not there, and subnets that go.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
"""

from __future__ import annotations

import re
from typing import Any

from moto.ec2.models.network_acls import NetworkAclBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.network_acls import NetworkACLs

from lab.api.guards import guard, refusal, replace

LAST = 32767


def mend_acls() -> None:
    """Change moto's classes; call it once, before the first request."""
    _read_icmp()
    _deny_the_rest()
    _go_with_subnet_and_vpc()
    guard(NetworkAclBackend, "delete_network_acl_entry", _entry_is_there)
    guard(NetworkAclBackend, "replace_network_acl_association", _association_is_there)
    guard(NetworkAclBackend, "describe_network_acls", _acls_are_there)
    guard(NetworkAclBackend, "delete_network_acl", _keep_default)


def _read_icmp() -> None:
    """moto looks for ICMP types under a name that no client sends.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html
    """
    original = NetworkACLs._get_param

    def get_param(self: Any, name: str, if_none: Any = None) -> Any:
        return original(self, re.sub(r"^Icmp\.", "IcmpTypeCode.", name), if_none)

    replace(NetworkACLs, "_get_param", get_param)


def _deny_the_rest() -> None:
    """A new ACL of one's own denies all, and shows it."""
    original = NetworkAclBackend.create_network_acl

    def create_network_acl(self: Any, *args: Any, **kwargs: Any) -> Any:
        acl = original(self, *args, **kwargs)
        if not acl.default:
            for egress in (True, False):
                self.create_network_acl_entry(
                    acl.id, LAST, "-1", "deny", egress, "0.0.0.0/0", None, None, None, None, None
                )
        return acl

    replace(NetworkAclBackend, "create_network_acl", create_network_acl)


def _go_with_subnet_and_vpc() -> None:
    """A subnet that is deleted leaves its ACL and its route table; a VPC takes its default ACL with it.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
    """
    delete_subnet, delete_vpc = SubnetBackend.delete_subnet, VPCBackend.delete_vpc

    def without_associations(self: Any, subnet_id: str) -> Any:
        subnet = delete_subnet(self, subnet_id)
        for acl in self.network_acls.values():
            acl._associations = {key: one for key, one in acl._associations.items() if one.subnet_id != subnet_id}
        for table in self.route_tables.values():
            table._associations = {key: one for key, one in table._associations.items() if one != subnet_id}
        return subnet

    def with_acls(self: Any, vpc_id: str) -> Any:
        if any(acl.vpc_id == vpc_id and not acl.default for acl in self.network_acls.values()):
            raise refusal("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        vpc = delete_vpc(self, vpc_id)
        for acl in [one for one in self.network_acls.values() if one.vpc_id == vpc_id]:
            del self.network_acls[acl.id]
        return vpc

    replace(SubnetBackend, "delete_subnet", without_associations)
    replace(VPCBackend, "delete_vpc", with_acls)


def _entry_is_there(self: Any, network_acl_id: str, rule_number: int, egress: bool) -> None:
    entries = self.get_network_acl(network_acl_id).network_acl_entries
    if not any(one.egress == egress and one.rule_number == rule_number for one in entries):
        way = "egress" if egress else "ingress"
        message = f"The {way} entry {rule_number} does not exist in network ACL {network_acl_id}"
        raise refusal("InvalidNetworkAclEntry.NotFound", message)


def _association_is_there(self: Any, association_id: str, network_acl_id: str) -> None:
    self.get_network_acl(network_acl_id)
    if not any(association_id in acl._associations for acl in self.network_acls.values()):
        raise refusal("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")


def _acls_are_there(self: Any, network_acl_ids: list[str] | None) -> None:
    for one in network_acl_ids or []:
        self.get_network_acl(one)


def _keep_default(self: Any, network_acl_id: str) -> None:
    acl = self.network_acls.get(network_acl_id)
    if acl and acl.default:
        raise refusal("InvalidParameterValue", f"Cannot delete default network ACL {network_acl_id}")
