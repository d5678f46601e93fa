"""The stand-in for S3 in the lab's internet: every request goes to moto's S3 in the lab's own process."""

from __future__ import annotations

import http.client
import shutil
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}
TIMEOUT_SECONDS = 30.0


class Handler(BaseHTTPRequestHandler):
    """Hands one request through, host name and signature untouched."""

    protocol_version = "HTTP/1.1"
    server: S3

    def _pass_on(self) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.api_port, timeout=TIMEOUT_SECONDS)
        try:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
            upstream.request(self.command, self.path, body=self.rfile.read(length), headers=headers)
            answer = upstream.getresponse()
            body_length = answer.headers.get("Content-Length")
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                if key.lower() not in {*HOP_BY_HOP, "date", "server"}:
                    self.send_header(key, value)
            self.close_connection = body_length is None
            self.end_headers()
            if self.command != "HEAD":
                shutil.copyfileobj(answer, self.wfile)
        finally:
            upstream.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet: the API keeps its own log of calls."""


class S3(ThreadingHTTPServer):
    """S3 on a socket that was bound inside the lab's internet."""

    daemon_threads = True

    def __init__(self, bound: socket.socket, api_port: int) -> None:
        super().__init__(bound.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.api_port = api_port
