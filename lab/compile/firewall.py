"""One VPC -> the nftables ruleset of its router: checks, translation, network ACLs, security groups.

The ruleset replaces the one before in one transaction, so no packet ever sees half of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab.compile.matches import acl_match, rule_matches
from lab.compile.names import ENDPOINT_INTERFACE, GATEWAY_INTERFACE, chain, members, short
from lab.compile.tracking import EGRESS, INGRESS, UNTRACKED_PROTOCOLS, Direction, is_untracked, rules_of
from lab.model import ANYWHERE, Interface, NetworkAcl, Rule, SecurityGroup, Vpc

NOT_OUTSIDE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")  # RFC 1918, RFC 6598


def compile_firewall(vpc: Vpc) -> str:
    """Return the whole ruleset of the VPC's router as text for `nft -f`."""
    # Only this table is made anew: an impaired line has one of its own.
    lines = ["table ip vpc", "delete table ip vpc", "table ip vpc {"]
    for block in (
        _gateway_maps(vpc),
        _member_sets(vpc),
        _source_check(vpc),
        _router_input(vpc),
        _translation(),
        _acl_chains(vpc),
        _group_chains(vpc),
        _forward(vpc),
    ):
        lines += [f"  {line}" for line in block]
    return "\n".join([*lines, "}", ""])


def _elements(values: Iterable[str]) -> str:
    joined = ", ".join(values)
    return f" elements = {{ {joined} }};" if joined else ""


def _gateway_maps(vpc: Vpc) -> Iterator[str]:
    mapped = [pair for nic in vpc.interfaces for pair in nic.mappings if vpc.gateway_id]
    inward = _elements(f"{public} : {private}" for private, public in mapped)
    outward = _elements(f"{private} : {public}" for private, public in mapped)
    yield f"map public_to_private {{ type ipv4_addr : ipv4_addr;{inward} }}"
    yield f"map private_to_public {{ type ipv4_addr : ipv4_addr;{outward} }}"
    yield f"set public_holders {{ type ipv4_addr;{_elements(str(private) for private, _ in mapped)} }}"


def _member_sets(vpc: Vpc) -> Iterator[str]:
    """A rule that names a group admits its members by their private addresses, each straight from or to its interface.

    Through a machine in between references are lost.
    Source: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html#security-group-referencing
    """
    for group in vpc.groups:
        members_of = (nic for nic in vpc.interfaces if group.id in nic.group_ids)
        places = _elements(f'"{short(nic.id)}" . {address}' for nic in members_of for address in nic.addresses)
        yield f"set {members(group.id)} {{ type ifname . ipv4_addr;{places} }}"


def _source_check(vpc: Vpc) -> Iterator[str]:
    """An instance must be the source or the destination of its traffic unless the check is off.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html#EIP_Disable_SrcDestCheck
    """
    yield "chain source_check {"
    yield "  type filter hook prerouting priority raw; policy accept;"
    for nic in vpc.interfaces:
        if nic.source_dest_check:
            yield f'  iifname "{short(nic.id)}" ip saddr != {_own(nic)} counter drop'
    yield "}"


def _own(nic: Interface) -> str:
    addresses = ", ".join(str(address) for address in nic.addresses)
    return f"{{ {addresses} }}" if nic.secondary_ips else addresses


def _router_input(vpc: Vpc) -> Iterator[str]:
    """The router itself answers only DNS and instance metadata, which no group or ACL filters.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
    """
    yield "chain input {"
    yield "  type filter hook input priority filter; policy drop;"
    yield '  iifname "lo" accept'
    yield "  ct state established,related accept"
    for protocol in ("udp", "tcp"):
        yield f"  ip daddr {{ {vpc.resolver}, 169.254.169.253 }} {protocol} dport 53 accept"
    yield "  ip daddr 169.254.169.254 tcp dport 80 accept"
    yield "}"


def _translation() -> Iterator[str]:
    """The internet gateway translates one to one between a private address and its public one.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
    """
    yield "chain gateway_in {"
    yield "  type nat hook prerouting priority dstnat; policy accept;"
    yield f'  iifname "{GATEWAY_INTERFACE}" dnat to ip daddr map @public_to_private'
    yield "}"
    yield "chain gateway_out {"
    yield "  type nat hook postrouting priority srcnat; policy accept;"
    yield f'  oifname "{GATEWAY_INTERFACE}" snat to ip saddr map @private_to_public'
    yield f'  oifname "{ENDPOINT_INTERFACE}" masquerade'
    yield "}"


def _restrictive(acl: NetworkAcl) -> bool:
    """Whether the ACL is anything but the default that allows all both ways."""
    for egress in (True, False):
        entries = [entry for entry in acl.entries if entry.egress is egress]
        first = min(entries, key=lambda entry: entry.number, default=None)
        if not (first and first.allow and first.protocol == "-1" and first.cidr == ANYWHERE):
            return True
    return False


def _acl_chains(vpc: Vpc) -> Iterator[str]:
    """Numbered entries, lowest first, the first match decides, the rest is denied; no state is kept.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
    """
    for acl in filter(_restrictive, vpc.acls):
        for egress in (True, False):
            yield f"chain {chain(acl.id, 'egress' if egress else 'ingress')} {{"
            for entry in sorted((e for e in acl.entries if e.egress is egress), key=lambda e: e.number):
                verdict = "return" if entry.allow else "counter drop"
                yield f"  {acl_match(entry)}{verdict}"
            yield "  counter drop"
            yield "}"


def _group_chains(vpc: Vpc) -> Iterator[str]:
    """Per interface: the union of its groups' rules, egress and ingress; what none admits is dropped.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
    """
    groups = {group.id: group for group in vpc.groups}
    for nic in vpc.interfaces:
        if nic.is_nat_gateway:
            yield f"chain {chain(short(nic.id), 'egress')} {{ return; }}"
            yield f"chain {chain(short(nic.id), 'ingress')} {{ accept; }}"
            continue
        own = [groups[group_id] for group_id in nic.group_ids if group_id in groups]
        yield from _rule_chain(chain(short(nic.id), "egress"), own, EGRESS)
        yield from _rule_chain(chain(short(nic.id), "ingress"), own, INGRESS)


def _rule_chain(name: str, groups: list[SecurityGroup], direction: Direction) -> Iterator[str]:
    peer, verdict = ("saddr", "accept") if direction is INGRESS else ("daddr", "return")
    responses = rules_of(groups, EGRESS if direction is INGRESS else INGRESS)
    yield f"chain {name} {{"
    for group in groups:
        rules: tuple[Rule, ...] = group.ingress if direction is INGRESS else group.egress
        for rule in rules:
            for match in rule_matches(rule, peer=peer):
                if is_untracked(rule, responses):
                    protocols = ", ".join(UNTRACKED_PROTOCOLS)
                    yield f"  {match}meta l4proto {{ {protocols} }} ct mark set ct mark or {direction.mark}"
                yield f'  {match}{verdict} comment "{group.id}"'
    yield "  counter drop"
    yield "}"


def _forward(vpc: Vpc) -> Iterator[str]:
    """What crosses the router: checked, then ACLs without state, then groups with state."""
    yield "chain forward {"
    yield "  type filter hook forward priority filter; policy drop;"
    for nic in vpc.interfaces:
        if nic.source_dest_check:
            yield f'  oifname "{short(nic.id)}" ip daddr != {_own(nic)} counter drop'
    yield f'  oifname "{GATEWAY_INTERFACE}" ip saddr != @public_holders counter drop'
    # Source: https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html (IGW_DESTINATION_ADDRESS_...)
    yield f'  oifname "{GATEWAY_INTERFACE}" ip daddr {{ {", ".join(NOT_OUTSIDE)} }} counter drop'
    # Only the gateway translates: the reply to what came in by it must not leave, translated, by another way.
    yield f'  ct status dnat ct direction reply oifname != "{GATEWAY_INTERFACE}" counter drop'
    yield from (f"  {line}" for line in _acl_jumps(vpc))
    yield "  ct state established,related accept"
    yield "  ct state invalid counter drop"
    for direction, name in (("egress", "iifname"), ("ingress", "oifname")):
        jumps = [f'"{short(nic.id)}" : jump {chain(short(nic.id), direction)}' for nic in vpc.interfaces]
        if jumps:
            yield f"  {name} vmap {{ {', '.join(jumps)} }}"
    yield f'  oifname {{ "{GATEWAY_INTERFACE}", "{ENDPOINT_INTERFACE}" }} accept'
    yield "}"


def _acl_jumps(vpc: Vpc) -> Iterator[str]:
    """An ACL sees what enters and leaves its subnet, not what stays inside."""
    for acl in filter(_restrictive, vpc.acls):
        for subnet_id in acl.subnet_ids:
            names = ", ".join(f'"{short(nic.id)}"' for nic in vpc.interfaces if nic.subnet_id == subnet_id)
            if names:
                yield f"iifname {{ {names} }} oifname != {{ {names} }} jump {chain(acl.id, 'egress')}"
                yield f"oifname {{ {names} }} iifname != {{ {names} }} jump {chain(acl.id, 'ingress')}"
