"""One VPC's router in the kernel: its namespace, its ports, its ruleset and its routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from lab.apply import namespaces
from lab.compile.firewall import compile_firewall
from lab.compile.names import (
    ENDPOINT_INTERFACE,
    GATEWAY_INTERFACE,
    GATEWAY_VPC_END,
    endpoint_address,
    endpoint_link,
    instance_interface,
    short,
)
from lab.compile.routes import Routing, compile_routing
from lab.compile.tracking import cut_by_change
from lab.config import LabConfig
from lab.model import Interface, Vpc
from lab.run import in_namespace, run

# Inside a VPC jumbo frames are the rule; the internet gateway takes 1500.
# Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/network_mtu.html
VPC_MTU = 9001
INTERNET_MTU = 1500
POLICY_TABLE = 10000  # of a machine's further interfaces, plus their device index

ROUTER_SYSCTL: dict[str, str | int] = {
    "net.ipv4.ip_forward": 1,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.conf.default.send_redirects": 0,
    "net.ipv4.conf.default.proxy_arp": 1,
    "net.ipv6.conf.all.disable_ipv6": 1,
    "net.ipv6.conf.default.disable_ipv6": 1,
}

# A namespace starts with this host's values; a machine starts with the kernel's.
MACHINE_SYSCTL: dict[str, str | int] = {
    "net.ipv4.ip_forward": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv4.ip_local_port_range": "32768 60999",
}


@dataclass
class Port:
    """The other end of a router's cable: whose it is, as which interface, with which secondary addresses."""

    machine: str
    index: int
    secondary: frozenset[IPv4Address] = frozenset()


@dataclass
class Router:
    """The living router of one VPC; remembers what it applied so that only differences are written."""

    config: LabConfig
    vpc_id: str
    _ports: dict[str, Port] = field(default_factory=dict)  # by interface id
    _ruleset: str = ""
    _applied: Vpc | None = None
    _routing: Routing = field(default_factory=lambda: Routing(frozenset(), frozenset()))
    _mapped: frozenset[tuple[str, str]] = frozenset()

    @property
    def namespace(self) -> str:
        return f"{self.config.prefix}{short(self.vpc_id)}"

    def machine_namespace(self, nic: Interface) -> str:
        return f"{self.config.prefix}{short(nic.instance_id)}"

    def create(self, vpc: Vpc) -> None:
        """Make the namespace with the resolver's addresses and one link to the internet."""
        namespaces.delete(self.namespace)  # half of one, if the last attempt failed
        namespaces.create(self.namespace)
        namespaces.sysctl(self.namespace, ROUTER_SYSCTL)
        internet_end = f"name {short(self.vpc_id)} mtu {INTERNET_MTU} netns {self.config.internet_namespace}"
        endpoint_end = f"name {endpoint_link(self.vpc_id)} mtu {VPC_MTU} netns {self.config.internet_namespace}"
        namespaces.batch(
            self.namespace,
            [
                f"address add {vpc.resolver}/32 dev lo",
                "address add 169.254.169.253/32 dev lo",
                "address add 169.254.169.254/32 dev lo",
                f"link add {GATEWAY_INTERFACE} mtu {INTERNET_MTU} type veth peer {internet_end}",
                f"address add {GATEWAY_VPC_END}/32 dev {GATEWAY_INTERFACE}",
                f"link set {GATEWAY_INTERFACE} up",
                f"link add {ENDPOINT_INTERFACE} mtu {VPC_MTU} type veth peer {endpoint_end}",
                f"address add {endpoint_address(self.vpc_id)}/32 dev {ENDPOINT_INTERFACE}",
                f"link set {ENDPOINT_INTERFACE} up",
            ],
        )

    def destroy(self) -> None:
        for nic_id in list(self._ports):
            self.unplug(nic_id)
        # By name, since a socket that is still open would keep the namespace and its links alive.
        for link in (GATEWAY_INTERFACE, ENDPOINT_INTERFACE):
            run(["ip", "-n", self.namespace, "link", "delete", link], check=False)
        namespaces.delete(self.namespace)

    def sync(self, vpc: Vpc) -> None:
        """Make ports, filters and routes what the model says."""
        wanted = {nic.id: nic for nic in vpc.interfaces}
        for gone in self._ports.keys() - wanted.keys():
            self.unplug(gone)
        for nic_id in wanted.keys() - self._ports.keys():
            self._plug(vpc, wanted[nic_id])
        for nic in vpc.interfaces:
            self._give_secondary_addresses(nic)
        self._apply_firewall(vpc)
        self._apply_routing(compile_routing(vpc))

    def unplug(self, nic_id: str) -> None:
        """Pull the cable of one interface; with a machine's last one go its firewall rules and sysctls."""
        port = self._ports.pop(nic_id, None)
        run(["ip", "-n", self.namespace, "link", "delete", short(nic_id)], check=False)
        if port and port.machine not in {one.machine for one in self._ports.values()}:
            namespaces.delete(port.machine)
        elif port:
            stale = [f"rule delete priority {POLICY_TABLE + port.index}"] * (1 + len(port.secondary))
            namespaces.batch(port.machine, stale if port.index else [], tolerant=True)
        lost = {route for route in self._routing.routes if short(nic_id) in route.via.split()}
        self._routing = Routing(self._routing.rules, self._routing.routes - lost)

    def _plug(self, vpc: Vpc, nic: Interface) -> None:
        """Give an interface its cable, address and default gateway, as DHCP does on AWS."""
        subnet = next(one for one in vpc.subnets if one.id == nic.subnet_id)
        machine = self.machine_namespace(nic)
        if not namespaces.names(machine):
            namespaces.create(machine)
            namespaces.sysctl(machine, MACHINE_SYSCTL)
        port = short(nic.id)
        inside = instance_interface(nic.device_index)
        machine_end = f"name {inside} mtu {VPC_MTU} address {nic.mac} netns {machine}"
        namespaces.batch(
            self.namespace,
            [
                f"link add {port} mtu {VPC_MTU} type veth peer {machine_end}",
                f"address add {subnet.cidr[1]}/32 dev {port}",
                f"link set {port} up",
                # Proxy ARP answers after a random delay unless told not to.
                f"ntable change name arp_cache dev {port} proxy_delay 0",
            ],
        )
        namespaces.batch(
            machine,
            [
                f"address add {nic.private_ip}/{subnet.cidr.prefixlen} dev {inside}",
                f"link set {inside} up",
                f"route add default via {subnet.cidr[1]} dev {inside} metric {100 + nic.device_index}",
            ],
        )
        if nic.is_nat_gateway:
            self._become_nat_gateway(machine, inside)
        if nic.device_index:
            self._answer_by_itself(machine, nic, subnet.cidr)
        self._ports[nic.id] = Port(machine, nic.device_index)

    def _answer_by_itself(self, machine: str, nic: Interface, subnet: IPv4Network) -> None:
        """What comes from a further interface's address leaves by that interface, or its router would drop it.

        The images of AWS do the same: https://github.com/amazonlinux/amazon-ec2-net-utils
        """
        number, inside = POLICY_TABLE + nic.device_index, instance_interface(nic.device_index)
        namespaces.batch(
            machine,
            [
                f"route add {subnet} dev {inside} table {number}",
                f"route add default via {subnet[1]} dev {inside} table {number}",
                f"rule add priority {number} from {nic.private_ip} lookup {number}",
            ],
        )

    def _give_secondary_addresses(self, nic: Interface) -> None:
        """The images of AWS take their secondary addresses from the metadata; the lab puts them there."""
        port, inside = self._ports[nic.id], instance_interface(nic.device_index)
        wanted, number = frozenset(nic.secondary_ips), POLICY_TABLE + nic.device_index
        new, gone = sorted(wanted - port.secondary), sorted(port.secondary - wanted)
        commands = [f"address replace {one}/32 dev {inside}" for one in new]
        if nic.device_index:
            commands += [f"rule add priority {number} from {one} lookup {number}" for one in new]
        namespaces.batch(port.machine, commands)
        namespaces.batch(port.machine, [f"address delete {one}/32 dev {inside}" for one in gone], tolerant=True)
        if nic.device_index:
            stale = [f"rule delete priority {number} from {one}" for one in gone]
            namespaces.batch(port.machine, stale, tolerant=True)
        port.secondary = wanted

    def _become_nat_gateway(self, machine: str, inside: str) -> None:
        """Forward for everybody under the own address; what nobody asked for is dropped without a word.

        Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html
        """
        namespaces.sysctl(machine, {"net.ipv4.ip_forward": 1})
        ruleset = f"""\
table ip nat_gateway {{
  chain input {{ type filter hook input priority filter; policy drop; ct state established,related accept; }}
  chain out {{ type nat hook postrouting priority srcnat; oifname "{inside}" masquerade; }}
}}
"""
        run(in_namespace(machine, ["nft", "-f", "-"]), stdin=ruleset)

    def _apply_firewall(self, vpc: Vpc) -> None:
        ruleset = compile_firewall(vpc)
        if ruleset != self._ruleset:
            run(in_namespace(self.namespace, ["nft", "-f", "-"]), stdin=ruleset)
            self._ruleset = ruleset
        for direction, address in cut_by_change(self._applied or vpc, vpc):
            # Forgotten, so that the next packet is judged like the first.
            bit = f"{direction.mark}/{direction.mark}"
            forget = ["conntrack", "-D", "--mark", bit, direction.side, str(address)]
            run(in_namespace(self.namespace, forget), check=False)
        self._applied = vpc
        mapped = frozenset((str(private), str(public)) for nic in vpc.interfaces for private, public in nic.mappings)
        for _, public in self._mapped - mapped:
            # A flow over a mapping that is gone ends with it.
            for side in ("--orig-dst", "--reply-dst"):
                run(in_namespace(self.namespace, ["conntrack", "-D", side, public]), check=False)
        self._mapped = mapped

    def _apply_routing(self, routing: Routing) -> None:
        before = self._routing
        keys = {route.key for route in routing.routes}
        commands = [f"route replace {route.arguments()}" for route in sorted(routing.routes - before.routes)]
        commands += [f"rule add {rule.arguments()}" for rule in sorted(routing.rules - before.rules)]
        stale = [route for route in sorted(before.routes - routing.routes) if route.key not in keys]
        gone = [f"route delete {route.arguments()}" for route in stale]
        gone += [f"rule delete {rule.arguments()}" for rule in sorted(before.rules - routing.rules)]
        namespaces.batch(self.namespace, commands)
        namespaces.batch(self.namespace, gone, tolerant=True)  # a route goes by itself with its interface
        self._routing = routing
