"""A transparent web cache in the lab's internet, as a provider might have one: packages are downloaded once.

Machines know nothing of it. Only whole `.deb` files are kept, under a name made from their address; apt
checks each against the archive's signed index, so a damaged one is refused and fetched again without the
cache. It also answers the plain-text "what is my address" service, so that this works in a closed network.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import socket
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, ClassVar

from lab.config import CACHE_ROOT

ADDRESS_SERVICE = "checkip.amazonaws.com"
UPSTREAM_TIMEOUT_SECONDS = 60.0
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"}


class Handler(BaseHTTPRequestHandler):
    """One connection of one machine."""

    protocol_version = "HTTP/1.1"
    folder: ClassVar[Path] = CACHE_ROOT / "packages"
    own_address: ClassVar[str] = ""

    def do_GET(self) -> None:
        host = self.headers.get("Host", "")
        if host.partition(":")[0] in (ADDRESS_SERVICE, self.own_address):
            self._send_text(f"{self.client_address[0]}\n")
        elif self.path.endswith(".deb") and "Range" not in self.headers:
            self._serve_package(host)
        else:
            self._pass_on(host)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet: apt tells the operator what it fetches."""

    def _send_text(self, text: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _serve_package(self, host: str) -> None:
        kept = self.folder / f"{hashlib.sha256(f'{host}{self.path}'.encode()).hexdigest()}.deb"
        # apt repeats a download that failed its check with this header (RFC 9111, 5.2.1.4).
        if "no-cache" in self.headers.get("Cache-Control", ""):
            kept.unlink(missing_ok=True)
        if not kept.exists():
            self._pass_on(host, keep=kept)
            return
        with kept.open("rb") as content:
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.debian.binary-package")
            self.send_header("Content-Length", str(os.fstat(content.fileno()).st_size))
            self.end_headers()
            if self.command != "HEAD":
                shutil.copyfileobj(content, self.wfile)

    def _pass_on(self, host: str, *, keep: Path | None = None) -> None:
        """Ask the named server and hand its answer through; keep a whole one if told to."""
        upstream = http.client.HTTPConnection(host, timeout=UPSTREAM_TIMEOUT_SECONDS)
        try:
            headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
            upstream.request(self.command, self.path, headers=headers)
            answer = upstream.getresponse()
        except (OSError, http.client.HTTPException) as error:
            upstream.close()
            self._send_text(f"{host} cannot be reached from this machine: {error}\n", status=502)
            return
        try:
            self._copy(answer, keep if answer.status == 200 and self.command == "GET" else None)
        finally:
            upstream.close()

    def _copy(self, answer: http.client.HTTPResponse, keep: Path | None) -> None:
        length = answer.headers.get("Content-Length")
        self.send_response(answer.status)
        for key, value in answer.headers.items():
            if key.lower() not in {*HOP_BY_HOP, "content-length", "date", "server"}:
                self.send_header(key, value)
        if length is None and self.command != "HEAD":
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", length or "0")
        self.end_headers()
        if self.command == "HEAD":
            return
        if keep is None:
            shutil.copyfileobj(answer, self.wfile)
        else:
            self._copy_and_keep(answer, keep, int(length or -1))

    def _copy_and_keep(self, answer: http.client.HTTPResponse, keep: Path, length: int) -> None:
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as part:
            try:
                self._tee(answer, part)
                whole = part.tell() == length
            except OSError:
                whole = False
        if whole:
            Path(part.name).rename(keep)
        else:
            Path(part.name).unlink()
            self.close_connection = True

    def _tee(self, answer: http.client.HTTPResponse, part: IO[bytes]) -> None:
        while block := answer.read(1 << 16):
            self.wfile.write(block)
            part.write(block)


class PackageCache(ThreadingHTTPServer):
    """The cache on a socket that was bound inside the lab's internet."""

    daemon_threads = True

    def __init__(self, bound: socket.socket) -> None:
        super().__init__(bound.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        Handler.folder.mkdir(parents=True, exist_ok=True)
