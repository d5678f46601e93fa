"""One load balancer -> HAProxy's configuration, as text. Who its targets are is told to the running proxy.

Source of what is imitated: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from lab.elb.model import Balancer, Listener, TargetGroup

SLOTS = 32  # of a target group, empty until somebody registers
CONNECT_SECONDS = 10
NOBODY = "127.0.0.1:9"
# The address of the client goes behind what a proxy before us has said.
FORWARDED_FOR = '"%[req.fhdr(X-Forwarded-For)], %[src]"'


def proxy_config(balancer: Balancer) -> str:
    """The whole file."""
    lines = [*_general(balancer)]
    for listener in balancer.listeners:
        lines += _listener(listener)
    for group in balancer.groups:
        lines += _group(group)
    return "\n".join([*lines, ""])


def _general(balancer: Balancer) -> Iterator[str]:
    idle = balancer.idle_seconds
    yield "global"
    # The next process takes over the listening sockets, so that a change refuses nobody.
    yield "  stats socket /run/proxy.sock mode 600 level admin expose-fd listeners"
    yield f"  hard-stop-after {idle}s"
    yield "defaults"
    yield "  mode http"
    yield f"  timeout connect {CONNECT_SECONDS}s"
    for kind in ("client", "server", "http-keep-alive", "http-request"):
        yield f"  timeout {kind} {idle}s"
    yield "  retries 0"  # what a target did not answer is the client's to repeat


def _listener(listener: Listener) -> Iterator[str]:
    yield f"frontend port-{listener.port}"
    yield f"  bind 0.0.0.0:{listener.port}"
    yield f"  http-request set-header X-Forwarded-For {FORWARDED_FOR} if {{ req.hdr(X-Forwarded-For) -m found }}"
    yield "  http-request set-header X-Forwarded-For %[src] unless { req.hdr(X-Forwarded-For) -m found }"
    yield "  http-request set-header X-Forwarded-Proto http"
    yield f"  http-request set-header X-Forwarded-Port {listener.port}"
    yield "  http-request set-header X-Amzn-Trace-Id Root=1-%[date,hex,bytes(8,8)]-%[uuid,regsub(-,,g),bytes(0,24)]"
    if listener.forward:
        yield f"  default_backend {listener.forward}"
    else:
        yield f'  http-request return status {listener.status} content-type text/plain string "{listener.text}"'


def _group(group: TargetGroup) -> Iterator[str]:
    """Without any target the answer is 503; a target that does not take the connection makes it 502.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
    """
    yield f"backend {group.name}"
    yield "  balance roundrobin"
    yield "  http-response set-var(txn.answered) bool(true)"
    yield "  http-after-response set-status 502 if { status 503 } { nbsrv gt 0 } !{ var(txn.answered) -m bool }"
    yield f"  server-template t 1-{SLOTS} {NOBODY} disabled"


def point(group: str, slot: int, place: tuple[IPv4Address, int] | None) -> str:
    """The order that lets a slot lead to a target, or to nobody; what is under way there ends in peace."""
    server = f"{group}/t{slot}"
    if place is None:
        return f"set server {server} state maint"
    return f"set server {server} addr {place[0]} port {place[1]};set server {server} state ready"
