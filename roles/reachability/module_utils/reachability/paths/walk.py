"""The walk of a packet: interface, check, groups, route, network ACLs, gateway, and the same on the way back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from . import codes
from .account import Account, Interface, Route, Subnet
from .filters import Decision, Peer, judge_acl, judge_groups
from .packet import Packet, Step

# Amazon's own addresses beside VPC+2: no route leads there, and no group or ACL filters them.
# https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
LINK_LOCAL = IPv4Network("169.254.169.0/24")
MOST_FORWARDERS = 8
NOT_OUTSIDE = {
    IPv4Network("10.0.0.0/8"): codes.IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS,
    IPv4Network("172.16.0.0/12"): codes.IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS,
    IPv4Network("192.168.0.0/16"): codes.IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS,
    IPv4Network("100.64.0.0/10"): codes.IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS,
}


class Dropped(Exception):
    """The packet went no further; the last step says why."""


class Settled(Exception):
    """There is no reply to follow; the last step says why."""


@dataclass
class Walk:
    """What has been decided, and what the devices on the way remember for the reply."""

    account: Account
    # The instances known to translate for others; None: nobody has looked, so it is assumed, and said.
    translating: frozenset[str] | None = None
    steps: list[Step] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    receiver: Interface | None = None  # None: somebody outside
    endpoint_user: Interface | None = None
    _tracked: set[tuple[Any, ...]] = field(default_factory=set)
    _hidden: dict[tuple[Any, ...], Packet] = field(default_factory=dict)
    _forwarders: int = 0

    def decide(self, kind: str, packet: Packet, component: str, said: str, code: str = "") -> None:
        """Take down a decision; one with a code ends the walk."""
        self.steps.append(Step(kind, component, said, str(packet), packet.is_reply, code))
        if code:
            raise Dropped

    def leave(self, nic: Interface, packet: Packet) -> Packet:
        """Send a packet from an interface; return it as its receiver sees it."""
        vpc = self.account.vpc(nic.vpc)
        if not nic.is_up:
            self.decide("interface", packet, nic.label, f"the machine is {nic.state}", codes.BAD_STATE)
        self._check(nic, packet, packet.source)
        if packet.target == vpc.resolver or packet.target in LINK_LOCAL:
            return self._ask_amazon(nic, packet)
        self.decide("interface", packet, nic.label, "sends it" if nic.check else "sends it (source/dest check off)")
        table, route = look_up(self.account, nic, packet.target)
        following = self._behind(nic, route, packet.target)
        self._pass_groups(nic, packet, Peer(packet.target, following), egress=True)
        if route is None:
            self.decide("route", packet, table, f"no route to {packet.target}", codes.NO_ROUTE_TO_DESTINATION)
            raise AssertionError  # decide has raised
        said = f"{route.destination} -> {route.target}"
        outward = route.target == vpc.gateway or route.target.startswith("vpce-")
        if outward and not route.active:
            self.decide("route", packet, table, f"{said}: a black hole", codes.BAD_STATE_ROUTE)
        if outward:
            self.decide("route", packet, table, said)
            self._pass_acl(nic.subnet, packet, egress=True)
            if route.target == vpc.gateway:
                return self._out_of_gateway(nic, packet)
            return self._by_endpoint(nic, packet, route.target)
        self._judge_route(table, route, following, packet)
        assert following is not None  # else the route was a black hole
        if following.id == nic.id:
            self.decide("route", packet, nic.label, "the route leads back to the sender", codes.FORWARDING_LOOP)
        if following.subnet != nic.subnet:
            self._pass_acl(nic.subnet, packet, egress=True)
            self._pass_acl(following.subnet, packet, egress=False)
        return self._enter(following, packet, Peer(packet.source, nic))

    def _check(self, nic: Interface, packet: Packet, own: IPv4Address) -> None:
        """https://docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html#EIP_Disable_SrcDestCheck"""
        if nic.check and own not in nic.addresses:
            said = f"source/dest check is on, and {own} is not its own address"
            self.decide("interface", packet, nic.label, said, codes.ENI_SOURCE_DEST_CHECK_RESTRICTION)

    def _ask_amazon(self, nic: Interface, packet: Packet) -> Packet:
        vpc = self.account.vpc(nic.vpc)
        if packet.target not in LINK_LOCAL and not vpc.resolves:
            self.decide("amazon", packet, vpc.id, "enableDnsSupport is off: nobody answers", codes.BAD_STATE)
        self.decide("amazon", packet, str(packet.target), "Amazon answers by itself: no route, group or ACL is asked")
        raise Settled

    def _by_endpoint(self, nic: Interface, packet: Packet, endpoint: str) -> Packet:
        """A gateway endpoint carries TCP and echo requests, past every NAT."""
        if packet.service.protocol == "udp":
            said = "a gateway endpoint carries TCP and ICMP echo only"
            self.decide("endpoint", packet, endpoint, said, codes.VPCE_GATEWAY_PROTOCOL_RESTRICTION)
        self.decide("endpoint", packet, endpoint, "carries it to the service, which sees the private address")
        self.receiver, self.endpoint_user = None, nic
        return packet

    def from_endpoint(self, packet: Packet) -> Packet:
        """The service's answer, straight to the interface that asked."""
        assert self.endpoint_user is not None
        self._pass_acl(self.endpoint_user.subnet, packet, egress=False)
        return self._enter(self.endpoint_user, packet, Peer(packet.source, None))

    def _behind(self, nic: Interface, route: Route | None, target: IPv4Address) -> Interface | None:
        """The interface that the route hands the packet to."""
        if route is None:
            return None
        inside = self.account.inside(nic.vpc)
        if route.target == "local":
            return next((one for one in inside if target in one.addresses), None)
        return next((one for one in inside if route.target in (one.id, one.owner)), None)

    def _judge_route(self, table: str, route: Route, following: Interface | None, packet: Packet) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html"""
        said, local = f"{route.destination} -> {route.target}", route.target == "local"
        if (
            following is None
            and route.active
            and route.target.partition("-")[0] in ("pcx", "tgw", "vgw", "cagw", "lgw")
        ):
            self.decide("route", packet, table, f"{said}: not followed any further", codes.NOT_FOLLOWED)
        if following is None:
            missing = f"no interface has {packet.target}" if local else "a black hole, its target is not there"
            code = codes.NO_POSSIBLE_DESTINATION if local else codes.BAD_STATE_ROUTE
            self.decide("route", packet, table, f"{said}: {missing}", code)
        elif not following.is_up:
            code = codes.BAD_STATE if local else codes.BAD_STATE_ROUTE
            self.decide("route", packet, table, f"{said}: {following.label} is {following.state}", code)
        self.decide("route", packet, table, said)

    def _enter(self, nic: Interface, packet: Packet, peer: Peer) -> Packet:
        self._check(nic, packet, packet.target)
        self._pass_groups(nic, packet, peer, egress=False)
        hidden = self._hidden.get((nic.id, packet.flow)) if packet.is_reply else None
        if hidden:
            restored = hidden.reply(hidden.target)
            self.decide("forwarder", packet, nic.label, f"knows the flow: hands the reply to {restored.target}")
            return self.leave(nic, restored)
        if packet.target in nic.addresses:
            if nic.is_nat_gateway:
                said = "a NAT gateway admits nothing that nobody behind it has asked for"
                self.decide("forwarder", packet, nic.label, said, codes.NO_POSSIBLE_DESTINATION)
            self.decide("end", packet, nic.label, "receives it")
            self.receiver = nic
            return packet
        return self._forward(nic, packet)

    def _forward(self, nic: Interface, packet: Packet) -> Packet:
        """What a NAT instance does; the API does not show whether this one does."""
        self._forwarders += 1
        if self._forwarders > MOST_FORWARDERS:
            self.decide("forwarder", packet, nic.label, "it goes round in circles", codes.FORWARDING_LOOP)
        if not nic.is_nat_gateway and self.translating is None:
            assumed = f"{nic.label} forwards and translates: the API cannot show that, only packets can"
            self.assumptions += [] if assumed in self.assumptions else [assumed]
        elif not nic.is_nat_gateway and nic.owner not in (self.translating or ()):
            said = "the machine does not forward"
            self.decide("forwarder", packet, nic.label, said, codes.INSTANCE_DOES_NOT_FORWARD)
        if packet.is_reply:
            said = f"hides {packet.source} behind {nic.address}, from where nobody expects a reply"
            self.decide("forwarder", packet, nic.label, said, codes.REPLY_FROM_ANOTHER_ADDRESS)
        after = replace(packet, source=nic.address)
        self._hidden[nic.id, after.flow] = packet
        self.decide("forwarder", packet, nic.label, f"forwards it, hiding {packet.source} behind {nic.address}")
        return self.leave(nic, after)

    def _pass_groups(self, nic: Interface, packet: Packet, peer: Peer, egress: bool) -> None:
        """Groups keep state for each interface: the replies of a flow that was admitted need no rule.

        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
        """
        if nic.is_nat_gateway or nic.assumed:
            return
        if packet.is_reply and (nic.id, packet.flow) in self._tracked:
            self.decide("group", packet, nic.label, "groups: a reply of a flow that was admitted needs no rule")
            return
        decision = judge_groups(self.account, nic, packet, peer, egress)
        self.decide("group", packet, *decision)
        self._tracked.add((nic.id, packet.flow))

    def _pass_acl(self, subnet: str, packet: Packet, egress: bool) -> None:
        decision: Decision | None = judge_acl(self.account, subnet, packet, egress)
        if decision:
            self.decide("acl", packet, *decision)

    def _out_of_gateway(self, nic: Interface, packet: Packet) -> Packet:
        """One to one between private and public. https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html"""
        gateway = self.account.vpc(nic.vpc).gateway
        for network, code in NOT_OUTSIDE.items():
            if packet.target in network:
                self.decide("gateway", packet, gateway, f"there is no {packet.target} on the internet", code)
        public = dict(pair for one in self.account.inside(nic.vpc) for pair in one.mapped).get(packet.source)
        if public is None:
            said = f"{packet.source} has no public address"
            self.decide("gateway", packet, gateway, said, codes.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS)
            raise AssertionError  # decide has raised
        self.decide("gateway", packet, gateway, f"translates {packet.source} to {public}")
        return self.arrive_outside(replace(packet, source=public))

    def arrive_outside(self, packet: Packet) -> Packet:
        """A packet on the internet: it enters the VPC that holds its target, or has arrived."""
        nic = self.account.holder(packet.target)
        if nic and self.account.vpc(nic.vpc).gateway:
            return self._into_gateway(nic, packet)
        code = codes.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS
        if nic:
            self.decide("gateway", packet, nic.vpc, "no internet gateway is attached to its VPC", code)
        if packet.target in self.account.elastic:
            said = f"the Elastic IP {packet.target} is associated with nothing"
            self.decide("gateway", packet, "internet", said, code)
        self.decide("end", packet, "internet", "receives it")
        self.receiver = None
        return packet

    def _into_gateway(self, nic: Interface, packet: Packet) -> Packet:
        """Inbound, the subnet's route table is not asked: the gateway knows the interface."""
        if not nic.is_up:
            self.decide("interface", packet, nic.label, f"the machine is {nic.state}", codes.BAD_STATE)
        gateway = self.account.vpc(nic.vpc).gateway
        private = next(private for private, public in nic.mapped if public == packet.target)
        self.decide("gateway", packet, gateway, f"translates {packet.target} to {private}")
        inside = replace(packet, target=private)
        self._pass_acl(nic.subnet, inside, egress=False)
        return self._enter(nic, inside, Peer(inside.source, None))


def look_up(account: Account, nic: Interface, target: IPv4Address) -> tuple[str, Route | None]:
    """The most specific route, and the table it stands in; inside a subnet no table is asked.

    https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
    """
    subnet: Subnet = account.subnet(nic.subnet)
    if target in subnet.cidr:
        return subnet.id, Route(str(subnet.cidr), (subnet.cidr,), "local")
    table = account.table_of(subnet)
    routes = [Route(str(cidr), (cidr,), "local") for cidr in account.vpc(nic.vpc).cidrs]
    routes += [one for one in (table.routes if table else ()) if one.target != "local"]
    matching = [
        (network.prefixlen, number, one)
        for number, one in enumerate(routes)
        for network in one.networks
        if target in network
    ]
    # Of two that are equally specific, the first: EC2 lets a table have a destination once.
    best = max(matching, key=lambda found: (found[0], -found[1]), default=None)
    label = f"{table.id} ({table.name})" if table and table.name else table.id if table else subnet.id
    return label, best[2] if best else None
