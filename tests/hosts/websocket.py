"""As much of WebSocket (RFC 6455) as it takes to say something and hear the answer."""

from __future__ import annotations

import base64
import os
import socket


class WebSocket:
    def __init__(self, address: str, path: str, *, port: int = 80) -> None:
        self._line = socket.create_connection((address, port), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        self._line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._heard = self._line.makefile("rb")
        head = [line.strip() for line in iter(self._heard.readline, b"\r\n") if line]
        self.status = int(head[0].split()[1])

    def say(self, text: str) -> str:
        """Send a short text and give the text that comes back."""
        mask, data = os.urandom(4), text.encode()
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._line.sendall(bytes([0x81, 0x80 | len(data)]) + mask + masked)
        _, length = self._heard.read(2)
        return self._heard.read(length).decode()

    def close(self) -> None:
        self._heard.close()
        self._line.close()
