"""The health of one target: what one check says, and what several in a row make of it."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.apply.namespaces import bind_socket
from lab.elb.model import Check
from lab.run import CommandError

AGENT = "ELB-HealthChecker/2.0"


@dataclass(frozen=True)
class Answer:
    """What came back; `reason` is the API's word for what is wrong, empty where nothing is.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
    """

    reason: str = ""
    text: str = ""

    @property
    def good(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class Health:
    """`initial` until the first good check; then each change needs so many answers of the other kind in a row."""

    state: str = "initial"
    reason: str = "Elb.RegistrationInProgress"
    text: str = "Target registration is in progress"
    streak: int = 0  # answers in a row that speak against the state

    def after(self, answer: Answer, check: Check) -> Health:
        if self.state != "initial" and answer.good == (self.state == "healthy"):
            # What is wrong may be something else than before.
            return Health(self.state, answer.reason, answer.text)
        streak = self.streak + 1
        if answer.good and (self.state == "initial" or streak >= check.healthy_count):
            return Health("healthy", "", "")
        if not answer.good and streak >= check.unhealthy_count:
            return Health("unhealthy", answer.reason, answer.text)
        return Health(self.state, self.reason, self.text, streak)


def ask(namespace: str, address: IPv4Address, port: int, check: Check) -> Answer:
    """One check with real packets, from the load balancer's own place in the network."""
    number = check.port or port
    try:
        with bind_socket(namespace, socket.SOCK_STREAM, ("0.0.0.0", 0), listen=False) as stream:
            stream.settimeout(check.timeout_seconds)
            stream.connect((str(address), number))
            return _converse(stream, f"{address}:{number}", check)
    except TimeoutError:
        return Answer("Target.Timeout", "Request timed out")
    except (OSError, http.client.HTTPException, CommandError):
        return Answer("Target.FailedHealthChecks", "Health checks failed")


def _converse(stream: socket.socket, host: str, check: Check) -> Answer:
    connection = http.client.HTTPConnection(host, timeout=check.timeout_seconds)
    connection.sock = stream
    connection.request("GET", check.path, headers={"Host": host, "User-Agent": AGENT, "Connection": "close"})
    status = connection.getresponse().status
    if status in check.codes:
        return Answer()
    return Answer("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")
