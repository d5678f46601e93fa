"""What groups and network ACLs decide about a packet, in words."""

from __future__ import annotations

from typing import NamedTuple

from lab.model import AclEntry, Interface, NetworkAcl, SecurityGroup, Vpc
from lab.trace.codes import Code
from lab.trace.path import Packet
from lab.trace.rules import Peer, acl_entry_in_words, admits, names_peer, overlaps, rule_in_words, speaks_of_ports


class Decision(NamedTuple):
    """Who decided what; a code if it was to drop."""

    component: str
    said: str
    code: Code | None = None


def judge_groups(vpc: Vpc, nic: Interface, packet: Packet, peer: Peer, *, egress: bool) -> Decision:
    """The union of the interface's groups admits, or nothing does.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
    """
    word = "egress" if egress else "ingress"
    own = [group for group in vpc.groups if group.id in nic.group_ids]
    rules = [(group, rule) for group in own for rule in (group.egress if egress else group.ingress)]
    for group, rule in rules:
        if admits(rule, packet, peer, vpc):
            return Decision(_named(group), f"{word} rule {rule_in_words(rule, vpc)} admits it")
    names = ", ".join(_named(group) for group in own) or nic.id
    if not rules:
        return Decision(names, f"{word}: no rule at all", Code.SG_HAS_NO_RULES)
    if any(speaks_of_ports(rule, packet) and names_peer(rule, peer, vpc) for _, rule in rules):
        said = f"{word}: a rule names the group of {peer.address}, which does not count on a detour by another machine"
        return Decision(names, said, Code.SG_REFERENCES_NOT_PRESERVED)
    return Decision(names, f"{word}: no rule admits it", Code.ENI_SG_RULES_MISMATCH)


def _named(group: SecurityGroup) -> str:
    return f"{group.id} ({group.name})" if group.name else group.id


def judge_acl(vpc: Vpc, subnet_id: str, packet: Packet, *, egress: bool) -> Decision | None:
    """The lowest numbered entry that matches decides, and what none matches is denied; no state is kept.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
    """
    acl = next((one for one in vpc.acls if subnet_id in one.subnet_ids), None)
    if acl is None:
        return None  # every subnet has one; a drawing may leave it out, and it then admits all
    word = "egress" if egress else "ingress"
    entry = _deciding_entry(acl, packet, egress=egress)
    if entry is None:
        return Decision(acl.id, f"{word} entry *: deny all", Code.SUBNET_ACL_RESTRICTION)
    code = None if entry.allow else Code.SUBNET_ACL_RESTRICTION
    return Decision(acl.id, f"{word} entry {acl_entry_in_words(entry)}", code)


def _deciding_entry(acl: NetworkAcl, packet: Packet, *, egress: bool) -> AclEntry | None:
    """The CIDR is where the packet goes to, on its way out, or where it comes from."""
    address = packet.target if egress else packet.source
    for entry in sorted(acl.entries, key=lambda one: one.number):
        matches = entry.egress is egress and address in entry.cidr
        # A denial of only some of the ports that the client may have makes the answer uncertain: it counts.
        if matches and (speaks_of_ports(entry, packet) or (not entry.allow and overlaps(entry, packet))):
            return entry
    return None
