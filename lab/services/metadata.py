"""Instance metadata at 169.254.169.254: version 2 with a token, version 1 only where the instance allows it.

Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
"""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN_PATH = "/latest/api/token"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
LONGEST_TTL_SECONDS = 21600


@dataclass(frozen=True)
class Facts:
    """What one instance may read about itself: a tree of categories, and its metadata options."""

    categories: dict[str, str]
    document: dict[str, str]
    tokens_required: bool = True
    hop_limit: int = 1


@dataclass
class Tokens:
    """Session tokens and when they end; good only for the instance that asked for them."""

    _living: dict[str, tuple[str, float]] = field(default_factory=dict)

    def issue(self, owner: str, ttl_seconds: int) -> str:
        token = secrets.token_urlsafe(40)
        self._living[token] = (owner, time.monotonic() + ttl_seconds)
        return token

    def good(self, owner: str, token: str) -> bool:
        holder, end = self._living.get(token, ("", 0.0))
        return holder == owner and time.monotonic() < end


def read(facts: Facts, path: str) -> str | None:
    """The value of a path, or the list of what stands below it; None for nothing."""
    if path.rstrip("/") == "/latest/dynamic/instance-identity/document":
        return json.dumps(facts.document, indent=2)
    prefix = "/latest/meta-data"
    if path.rstrip("/") == "/latest":
        return "dynamic\nmeta-data"
    if not path.startswith(prefix):
        return None
    wanted = path.removeprefix(prefix).strip("/")
    if wanted in facts.categories:
        return facts.categories[wanted]
    below = f"{wanted}/" if wanted else ""
    names = {key.removeprefix(below).partition("/") for key in facts.categories if key.startswith(below)}
    return "\n".join(sorted(f"{name}{slash}" for name, slash, _ in names)) or None


class Handler(BaseHTTPRequestHandler):
    """One request of one machine, known by its address."""

    protocol_version = "HTTP/1.1"
    server: Metadata

    def do_PUT(self) -> None:
        facts = self._facts()
        if facts is None or self.path != TOKEN_PATH or self.headers.get("X-Forwarded-For"):
            self._send(403 if facts else 404, "")
            return
        ttl = self.headers.get(TTL_HEADER, "")
        if not ttl.isdigit() or not 1 <= int(ttl) <= LONGEST_TTL_SECONDS:
            self._send(400, "")
            return
        # The answer travels so many hops and no further: a container behind a forwarder does not get it.
        self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, facts.hop_limit)
        self._send(200, self.server.tokens.issue(self.client_address[0], int(ttl)), {TTL_HEADER: ttl})

    def do_GET(self) -> None:
        facts = self._facts()
        if facts is None:
            self._send(404, "")
        elif not self._allowed(facts):
            self._send(401, "")
        else:
            value = read(facts, self.path)
            self._send(404 if value is None else 200, value or "")

    def _allowed(self, facts: Facts) -> bool:
        """A token must be good; none at all is version 1, which only a lenient instance allows."""
        token = self.headers.get(TOKEN_HEADER)
        if token is None:
            return not facts.tokens_required
        return self.server.tokens.good(self.client_address[0], token)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""

    def _facts(self) -> Facts | None:
        return self.server.facts_of(self.client_address[0])

    def _send(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        own = {"Content-Type": "text/plain", "Content-Length": str(len(text.encode()))}
        for key, value in {**own, **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(text.encode())


class Metadata(ThreadingHTTPServer):
    """The metadata service of one VPC, on a socket bound inside its router."""

    daemon_threads = True

    def __init__(self, bound: socket.socket, facts_of: Callable[[str], Facts | None]) -> None:
        super().__init__(bound.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.facts_of = facts_of
        self.tokens = Tokens()
