"""The lab's internet: a namespace between the VPCs' gateways, the operator's machine, and the way out."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from lab.apply import namespaces
from lab.compile.names import GATEWAY_INTERNET_END, GATEWAY_VPC_END, endpoint_address, endpoint_link, short
from lab.config import LabConfig
from lab.errors import LabError
from lab.model import Vpc
from lab.run import in_namespace, run

UPLINK_INTERFACE = "uplink"
UPLINK_DEADLINE_SECONDS = 10.0
PACKAGE_CACHE_PORT = 3128
# Worst of all metrics, so that every real route of this machine wins over the guard. Each lab takes one of its own:
# the kernel tells routes to one prefix apart by nothing else, and a lab that goes must not take another one's along.
GUARD_METRIC = 4294967295


@dataclass
class Internet:
    """The namespace, the cable to the operator, slirp4netns as the uplink, and one route per public address."""

    config: LabConfig
    _routes: frozenset[tuple[str, str]] = frozenset()
    _linked: set[str] = field(default_factory=set)
    _guards: frozenset[IPv4Network] = frozenset()
    _uplink: subprocess.Popen[bytes] | None = None

    @property
    def namespace(self) -> str:
        return self.config.internet_namespace

    def create(self) -> None:
        """Build the internet; the guard route comes first, so that no packet for the pool leaves this machine."""
        config = self.config
        run(["ip", "route", "replace", "unreachable", str(config.pool), *self._guard_options()])
        namespaces.create(self.namespace)
        namespaces.sysctl(
            self.namespace,
            {
                "net.ipv4.ip_forward": 1,
                "net.ipv4.conf.all.rp_filter": 0,
                "net.ipv4.conf.default.rp_filter": 0,
                # As in the routers: else the kernel's own announcements are among the packets that are counted.
                "net.ipv6.conf.all.disable_ipv6": 1,
                "net.ipv6.conf.default.disable_ipv6": 1,
            },
        )
        peer = ["type", "veth", "peer", "name", "operator", "netns", self.namespace]
        run(["ip", "link", "add", config.operator_interface, *peer])
        namespaces.batch(
            self.namespace,
            [
                f"address add {config.internet_address}/32 dev operator",
                f"address add {config.s3_address}/32 dev lo",
                "link set operator up",
                f"route add {config.operator_address}/32 dev operator",
                f"route add unreachable {config.pool}",
            ],
        )
        run(["ip", "address", "add", f"{config.operator_address}/32", "dev", config.operator_interface])
        run(["ip", "link", "set", config.operator_interface, "up"])
        via = [
            "dev",
            config.operator_interface,
            "src",
            str(config.operator_address),
            "proto",
            config.route_protocol,
        ]
        run(["ip", "route", "add", f"{config.internet_address}/32", *via])
        run(["ip", "route", "add", str(config.pool), "via", str(config.internet_address), *via])
        run(in_namespace(self.namespace, ["nft", "-f", "-"]), stdin=self._ruleset())

    def _guard_options(self) -> list[str]:
        return ["metric", str(GUARD_METRIC - self.config.slot), "proto", self.config.route_protocol]

    def _ruleset(self) -> str:
        """Translate towards the uplink; hand plain HTTP of the machines to the package cache, as a provider might."""
        return f"""\
table ip internet {{
  chain to_package_cache {{
    type nat hook prerouting priority dstnat; policy accept;
    iifname "vpc-*" ip daddr != {self.config.pool} tcp dport 80 redirect to :{PACKAGE_CACHE_PORT}
    iifname "vpc-*" ip daddr {self.config.internet_address} tcp dport 80 redirect to :{PACKAGE_CACHE_PORT}
  }}
  chain to_uplink {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "{UPLINK_INTERFACE}" masquerade
  }}
}}
"""

    def start_uplink(self) -> None:
        """Lead the default route of the lab's internet into this machine's user space."""
        argv = ["slirp4netns", "--configure", "--mtu=1500", "--disable-host-loopback", "--netns-type=path"]
        log = (self.config.run_dir / "uplink.log").open("wb")
        self._uplink = subprocess.Popen(
            [*argv, str(namespaces.NETNS_DIR / self.namespace), UPLINK_INTERFACE],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + UPLINK_DEADLINE_SECONDS
        while not run(["ip", "-n", self.namespace, "route", "show", "default"], check=False).strip():
            if time.monotonic() > deadline or self._uplink.poll() is not None:
                raise LabError(
                    "slirp4netns gave the lab no way out to the real internet",
                    hint=f"read {self.config.run_dir / 'uplink.log'}",
                )
            time.sleep(0.05)

    def sync(self, vpcs: list[Vpc]) -> None:
        """Lead every mapped public address to the gateway of its VPC, and guard the VPCs' own prefixes."""
        for vpc in vpcs:
            if vpc.id not in self._linked:
                namespaces.batch(
                    self.namespace,
                    [
                        f"address add {GATEWAY_INTERNET_END}/32 dev {short(vpc.id)}",
                        f"link set {short(vpc.id)} up",
                        f"address add {GATEWAY_INTERNET_END}/32 dev {endpoint_link(vpc.id)}",
                        f"link set {endpoint_link(vpc.id)} up",
                        f"route replace {endpoint_address(vpc.id)}/32 dev {endpoint_link(vpc.id)}",
                    ],
                )
                self._linked.add(vpc.id)
        self._linked &= {vpc.id for vpc in vpcs}
        routes = frozenset(
            (f"{public}/32", f"via {GATEWAY_VPC_END} dev {short(vpc.id)} onlink")
            for vpc in vpcs
            if vpc.gateway_id
            for nic in vpc.interfaces
            for _, public in nic.mappings
        )
        kept = {address for address, _ in routes}
        gone = sorted(address for address, _ in self._routes if address not in kept)
        namespaces.batch(self.namespace, [f"route replace {a} {via}" for a, via in sorted(routes - self._routes)])
        namespaces.batch(self.namespace, [f"route delete {address}" for address in gone], tolerant=True)
        self._routes = routes
        self._guard(frozenset(cidr for vpc in vpcs for cidr in vpc.cidrs))

    def _guard(self, cidrs: frozenset[IPv4Network]) -> None:
        """Private prefixes are reachable from nowhere outside: neither from the lab's internet nor from this host."""
        guard = self._guard_options()
        for cidr in cidrs - self._guards:
            run(["ip", "route", "replace", "unreachable", str(cidr), *guard])
            run(["ip", "-n", self.namespace, "route", "replace", "unreachable", str(cidr)])
        for cidr in self._guards - cidrs:
            run(["ip", "route", "delete", "unreachable", str(cidr), *guard], check=False)
            run(["ip", "-n", self.namespace, "route", "delete", "unreachable", str(cidr)], check=False)
        self._guards = cidrs
