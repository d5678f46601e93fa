"""A router in namespaces of this machine's, with the rules that the NAT instance has, and without. Needs root."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Network

from bench.machine import Machine
from bench.measure import Way
from lab.run import in_namespace, run

SECONDS = 3
CLIENT, ROUTER, SERVER = "bench-client", "bench-router", "bench-server"
OUTSIDE = IPv4Network("192.0.2.0/24")  # for examples, RFC 5737; it is in these namespaces only
FLUSH = in_namespace(ROUTER, ["nft", "flush", "ruleset"])


@contextmanager
def nat(public: Machine) -> Iterator[dict[str, list[Way]]]:
    """One stream through the router; what the machine has in its file of rules is taken as it is."""
    if not shutil.which("iperf3"):
        sys.stdout.write("iperf3 is not installed here, so the NAT is left out: apt-get install iperf3\n")
        yield {}
        return
    rules = public.ask("cat /etc/nat-masquerade.rules")
    told = re.search(r"^-A POSTROUTING -s (\S+) -o (\S+) ", rules, re.MULTILINE)
    if not told:
        raise SystemExit(f"There is no rule that translates in the file of the {public.name} machine:\n{rules}")
    with ExitStack() as undo:
        for namespace in (CLIENT, ROUTER, SERVER):
            run(["ip", "netns", "delete", namespace], check=False)  # of a run that was killed
            run(["ip", "netns", "add", namespace])
            undo.callback(run, ["ip", "netns", "delete", namespace])
        run(in_namespace(ROUTER, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]))
        connect(CLIENT, "inside", IPv4Network(told.group(1)))
        server = connect(SERVER, told.group(2), OUTSIDE)
        quiet = subprocess.DEVNULL
        answering = subprocess.Popen(in_namespace(SERVER, ["iperf3", "--server"]), stdout=quiet, stderr=quiet)
        undo.callback(answering.wait)
        undo.callback(answering.terminate)
        stream = in_namespace(CLIENT, ["iperf3", "--client", server, "--time", str(SECONDS), "--format", "g"])
        load = in_namespace(ROUTER, ["sh", "-c", 'printf %s "$1" | iptables-restore --noflush', "sh", rules])
        yield {
            "One TCP stream through a router (iperf3)": [
                Way("plain routing", stream, {}, FLUSH, "Gbit/s", gigabits),
                Way("with the rules of the NAT", stream, {}, load, "Gbit/s", gigabits),
            ]
        }


def connect(namespace: str, interface: str, network: IPv4Network) -> str:
    """Join it with the router, which has the network's first address; the answer is its own, the second."""
    router, own, *_ = network.hosts()
    pair = ["type", "veth", "peer", "name", "eth0", "netns", namespace]
    run(["ip", "link", "add", interface, "netns", ROUTER, *pair])
    for place, name, address in ((ROUTER, interface, router), (namespace, "eth0", own)):
        run(["ip", "-n", place, "address", "add", f"{address}/{network.prefixlen}", "dev", name])
        run(["ip", "-n", place, "link", "set", name, "up"])
    run(["ip", "-n", namespace, "route", "add", "default", "via", str(router)])
    return str(own)


def gigabits(said: str) -> float:
    """What the server has received, in Gbit/s."""
    received = re.search(r"([\d.]+) Gbits/sec\s+receiver", said)
    if not received:
        raise SystemExit(f"iperf3 does not say what was received:\n{said}")
    return float(received.group(1))
