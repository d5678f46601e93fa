"""The walk: interface, check, groups, route, network ACLs, gateway, and the same things on the way back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network

from lab.model import Interface, Model, Route, RouteTable, Vpc
from lab.trace.codes import Code
from lab.trace.filters import Decision, judge_acl, judge_groups
from lab.trace.path import Packet, Step
from lab.trace.rules import Peer, holds

# Amazon's own addresses beside VPC+2; no route leads there, and no group or ACL filters DNS to them.
# Source: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
RESOLVER, METADATA = IPv4Address("169.254.169.253"), IPv4Address("169.254.169.254")
POWERED = ("pending", "running")
MOST_FORWARDERS = 8
NOT_OUTSIDE = {
    IPv4Network("10.0.0.0/8"): Code.IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS,
    IPv4Network("172.16.0.0/12"): Code.IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS,
    IPv4Network("192.168.0.0/16"): Code.IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS,
    IPv4Network("100.64.0.0/10"): Code.IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS,
}


class Dropped(Exception):
    """The packet went no further; the last step says why."""


class Settled(Exception):
    """There is no reply to follow; the last step says why."""


@dataclass
class Walk:
    """What has been decided, and what the devices on the way remember for the reply."""

    model: Model
    # The instances known to masquerade; None where nobody has looked.
    masquerading: frozenset[str] | None = None
    leg: str = "request"
    steps: list[Step] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    receiver: tuple[Vpc, Interface] | None = None  # None: somebody outside
    # Whose packet went to a service by a gateway endpoint: the answer comes back the same way.
    endpoint_user: tuple[Vpc, Interface] | None = None
    _tracked: set[tuple[object, ...]] = field(default_factory=set)
    _hidden: dict[tuple[object, ...], Packet] = field(default_factory=dict)
    _forwarders: int = 0

    def decide(self, packet: Packet, component: str, said: str, code: Code | None = None) -> None:
        """Take down a decision; one with a code ends the walk."""
        self.steps.append(Step(self.leg, component, said, str(packet), code))
        if code:
            raise Dropped

    def label(self, nic: Interface) -> str:
        name = next((one.name for one in self.model.instances if one.id == nic.instance_id), "")
        if nic.is_nat_gateway:
            return f"{nic.instance_id} ({nic.id})"
        return f"{nic.id} ({name or nic.instance_id})"

    def state(self, nic: Interface) -> str:
        """What the API says of its instance; a drawing without instances means that all run."""
        return next((one.state for one in self.model.instances if one.id == nic.instance_id), "running")

    def is_up(self, nic: Interface) -> bool:
        return self.state(nic) in POWERED

    def leave(self, vpc: Vpc, nic: Interface, packet: Packet) -> Packet:
        """Send a packet from an interface; return it as its receiver sees it."""
        if not self.is_up(nic):
            self.decide(packet, self.label(nic), f"the instance is {self.state(nic)}", Code.BAD_STATE)
        self._check(nic, packet, packet.source)
        if packet.target in (vpc.resolver, RESOLVER, METADATA):
            return self._ask_amazon(vpc, packet)
        self.decide(packet, self.label(nic), f"sends it{'' if nic.source_dest_check else ' (source/dest check off)'}")
        table, route = _look_up(vpc, nic, packet.target)
        following = _interface_behind(vpc, route, packet.target)
        self._pass_groups(vpc, nic, packet, Peer(packet.target, following), egress=True)
        if route is None:
            self.decide(packet, table, f"no route to {packet.target}", Code.NO_ROUTE_TO_DESTINATION)
        elif route.target == vpc.gateway_id:
            self.decide(packet, table, f"{route.destination} -> {route.target}")
            self._pass_acl(vpc, nic.subnet_id, packet, egress=True)
            return self._out_of_gateway(vpc, packet)
        elif route.target.startswith("vpce-"):
            self.decide(packet, table, f"{route.destination} -> {route.target}")
            self._pass_acl(vpc, nic.subnet_id, packet, egress=True)
            return self._by_endpoint(vpc, nic, packet, route.target)
        else:
            self._judge_route(table, route, following, packet)
        assert following is not None  # else the route was a black hole
        if following.id == nic.id:
            self.decide(packet, self.label(nic), "its own subnet's route leads back to it", Code.FORWARDING_LOOP)
        if following.subnet_id != nic.subnet_id:
            self._pass_acl(vpc, nic.subnet_id, packet, egress=True)
            self._pass_acl(vpc, following.subnet_id, packet, egress=False)
        return self._enter(vpc, following, packet, Peer(packet.source, nic))

    def _check(self, nic: Interface, packet: Packet, own: IPv4Address) -> None:
        """Source/dest check.

        Source: https://docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html#EIP_Disable_SrcDestCheck
        """
        if nic.source_dest_check and not holds(nic, own):
            said = f"source/dest check is on, and {own} is not its own address"
            self.decide(packet, self.label(nic), said, Code.ENI_SOURCE_DEST_CHECK_RESTRICTION)

    def _ask_amazon(self, vpc: Vpc, packet: Packet) -> Packet:
        """The resolver and the metadata service; they answer on the spot, so there is no reply to follow."""
        if packet.target == METADATA:
            served = (packet.protocol, packet.port) == ("tcp", 80)
        else:
            served = packet.protocol in ("tcp", "udp") and packet.port == 53
        if not served:
            self.decide(packet, vpc.id, "Amazon serves nothing else there", Code.NO_POSSIBLE_DESTINATION)
        self.decide(packet, vpc.id, "Amazon answers by itself: no route, group or ACL is asked")
        raise Settled

    def _by_endpoint(self, vpc: Vpc, nic: Interface, packet: Packet, endpoint: str) -> Packet:
        """A gateway endpoint carries TCP and echo requests to its service, past every NAT.

        Source: https://docs.aws.amazon.com/vpc/latest/reachability/explanation-codes.html
        """
        if packet.protocol not in ("tcp", "icmp"):
            said = "a gateway endpoint carries TCP and ICMP echo only"
            self.decide(packet, endpoint, said, Code.VPCE_GATEWAY_PROTOCOL_RESTRICTION)
        self.decide(packet, endpoint, "carries it to the service, which sees the private address")
        self.receiver, self.endpoint_user = None, (vpc, nic)
        return packet

    def from_endpoint(self, packet: Packet) -> Packet:
        """The service's answer, straight to the interface that asked."""
        assert self.endpoint_user is not None
        vpc, nic = self.endpoint_user
        self._pass_acl(vpc, nic.subnet_id, packet, egress=False)
        return self._enter(vpc, nic, packet, Peer(packet.source, None))

    def _judge_route(self, table: str, route: Route, following: Interface | None, packet: Packet) -> None:
        """A route leads to an interface that is there and whose instance runs, or is a black hole.

        Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
        """
        said = f"{route.destination} -> {route.target}"
        if route.target == "local":
            codes, missing = (Code.NO_POSSIBLE_DESTINATION, Code.BAD_STATE), f"no interface has {packet.target}"
        else:
            codes, missing = (Code.BAD_STATE_ROUTE, Code.BAD_STATE_ROUTE), "a black hole, its target is not there"
        if following is None:
            self.decide(packet, table, f"{said}: {missing}", codes[0])
        elif not self.is_up(following):
            gone = f"{self.label(following)} is {self.state(following)}"
            self.decide(packet, table, f"{said}: {gone}", codes[1])
        self.decide(packet, table, said)

    def _enter(self, vpc: Vpc, nic: Interface, packet: Packet, peer: Peer) -> Packet:
        self._check(nic, packet, packet.target)
        self._pass_groups(vpc, nic, packet, peer, egress=False)
        hidden = self._hidden.get((nic.id, packet.flow)) if packet.is_reply else None
        if hidden:
            restored = hidden.reply(source=hidden.target)
            self.decide(packet, self.label(nic), f"knows the flow: hands the reply to {restored.target}")
            return self.leave(vpc, nic, restored)
        if holds(nic, packet.target):
            if nic.is_nat_gateway:
                said = "a NAT gateway admits nothing that nobody behind it has asked for"
                self.decide(packet, self.label(nic), said, Code.NO_POSSIBLE_DESTINATION)
            self.decide(packet, self.label(nic), "receives it")
            self.receiver = (vpc, nic)
            return packet
        return self._forward(vpc, nic, packet)

    def _forward(self, vpc: Vpc, nic: Interface, packet: Packet) -> Packet:
        """What a NAT instance does; the API does not show whether this one does."""
        self._forwarders += 1
        if self._forwarders > MOST_FORWARDERS:
            self.decide(packet, self.label(nic), "it goes round in circles", Code.FORWARDING_LOOP)
        if nic.is_nat_gateway:
            pass  # that is what it is for
        elif self.masquerading is None:
            assumed = f"{self.label(nic)} forwards and masquerades: the API cannot show that, only packets can"
            self.assumptions += [] if assumed in self.assumptions else [assumed]
        elif nic.instance_id not in self.masquerading:
            self.decide(packet, self.label(nic), "the instance does not forward", Code.INSTANCE_DOES_NOT_FORWARD)
        if packet.is_reply:
            said = f"hides {packet.source} behind {nic.private_ip}, from where nobody expects a reply"
            self.decide(packet, self.label(nic), said, Code.REPLY_FROM_ANOTHER_ADDRESS)
        after = replace(packet, source=nic.private_ip)
        self._hidden[nic.id, after.flow] = packet
        self.decide(packet, self.label(nic), f"forwards it, hiding {packet.source} behind {nic.private_ip}")
        return self.leave(vpc, nic, after)

    def _pass_groups(self, vpc: Vpc, nic: Interface, packet: Packet, peer: Peer, *, egress: bool) -> None:
        """Groups keep state for each interface: a flow that it has seen needs no rule for its replies.

        Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
        """
        if nic.is_nat_gateway:
            return  # it has no groups
        if packet.is_reply and (nic.id, packet.flow) in self._tracked:
            self.decide(packet, self.label(nic), "groups: the reply of a flow that was admitted needs no rule")
            return
        self.decide(packet, *judge_groups(vpc, nic, packet, peer, egress=egress))
        self._tracked.add((nic.id, packet.flow))

    def _pass_acl(self, vpc: Vpc, subnet_id: str, packet: Packet, *, egress: bool) -> None:
        decision: Decision | None = judge_acl(vpc, subnet_id, packet, egress=egress)
        if decision:
            self.decide(packet, *decision)

    def _out_of_gateway(self, vpc: Vpc, packet: Packet) -> Packet:
        """One to one between a private address and its public one.

        Source: https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
        """
        gateway = vpc.gateway_id or ""
        for network, code in NOT_OUTSIDE.items():
            if packet.target in network:
                self.decide(packet, gateway, f"there is no {packet.target} on the internet", code)
        public = dict(pair for nic in vpc.interfaces for pair in nic.mappings).get(packet.source)
        if public is None:
            said = f"{packet.source} has no public address"
            self.decide(packet, gateway, said, Code.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS)
            raise AssertionError  # decide has raised
        self.decide(packet, gateway, f"translates {packet.source} to {public}")
        return self.arrive_outside(replace(packet, source=public))

    def arrive_outside(self, packet: Packet) -> Packet:
        """A packet on the internet: it enters the VPC that holds its target, or has arrived."""
        for vpc in self.model.vpcs:
            nic = next((one for one in vpc.interfaces if packet.target in [public for _, public in one.mappings]), None)
            if nic and vpc.gateway_id:
                return self._into_gateway(vpc, nic, packet)
            if nic:
                said = "no internet gateway is attached to the VPC of that address"
                self.decide(packet, vpc.id, said, Code.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS)
        if any(one.public_ip == packet.target for one in self.model.addresses):
            said = f"the Elastic IP {packet.target} is associated with nothing"
            self.decide(packet, "internet", said, Code.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS)
        self.decide(packet, "internet", "receives it")
        self.receiver = None
        return packet

    def _into_gateway(self, vpc: Vpc, nic: Interface, packet: Packet) -> Packet:
        """Inbound, the subnet's route table is not asked: the gateway knows the interface."""
        if not self.is_up(nic):
            self.decide(packet, self.label(nic), f"the instance is {self.state(nic)}", Code.BAD_STATE)
        private = next(private for private, public in nic.mappings if public == packet.target)
        self.decide(packet, vpc.gateway_id or "", f"translates {packet.target} to {private}")
        inside = replace(packet, target=private)
        self._pass_acl(vpc, nic.subnet_id, inside, egress=False)
        return self._enter(vpc, nic, inside, Peer(inside.source, None))


def _look_up(vpc: Vpc, nic: Interface, target: IPv4Address) -> tuple[str, Route | None]:
    """The most specific route, and the table it stands in; inside a subnet no table is asked.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
    Source: https://docs.aws.amazon.com/vpc/latest/userguide/gateway-route-tables.html
            (tables apply to traffic that leaves a subnet)
    """
    subnet = next(one for one in vpc.subnets if one.id == nic.subnet_id)
    if target in subnet.cidr:
        return subnet.id, Route(subnet.cidr, "local")
    table = vpc.table_of(nic.subnet_id) or RouteTable(subnet.id, vpc.id, main=False)
    routes = [*(Route(cidr, "local") for cidr in vpc.cidrs), *(one for one in table.routes if one.target != "local")]
    matching = [one for one in routes if target in one.destination]
    return table.id, max(matching, key=lambda one: one.destination.prefixlen, default=None)


def _interface_behind(vpc: Vpc, route: Route | None, target: IPv4Address) -> Interface | None:
    if route is None:
        return None
    if route.target == "local":
        return next((one for one in vpc.interfaces if holds(one, target)), None)
    return vpc.interface_of(route.target)
