"""An answer as a value, and the errors of AWS in the form that each service gives them."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from lab.api.calls import Call

CODE = re.compile(rb"<Code>([^<]+)</Code>|\"__type\": ?\"(?:[^\"#]*#)?([^\"]+)\"")


@dataclass(frozen=True)
class Reply:
    """What a client receives."""

    status: str
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def number(self) -> int:
        return int(self.status.partition(" ")[0])

    @property
    def good(self) -> bool:
        return self.number < HTTPStatus.BAD_REQUEST

    @property
    def error(self) -> str:
        """The error code of AWS in it, or nothing."""
        found = None if self.good else CODE.search(self.body)
        return (found[1] or found[2]).decode() if found else ""

    def send(self, start_response: Callable[..., Any]) -> list[bytes]:
        start_response(self.status, self.headers)
        return [self.body]


def _typed(number: int, kind: str, body: str) -> Reply:
    data = body.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(data)))]
    return Reply(f"{number} {HTTPStatus(number).phrase}", data, headers)


def xml(body: str, number: int = HTTPStatus.OK) -> Reply:
    return _typed(number, "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{body}')


def as_json(value: Any, number: int = HTTPStatus.OK) -> Reply:
    return _typed(number, "application/json", json.dumps(value))


def error(call: Call, number: int, code: str, message: str) -> Reply:
    """An error of the called service.

    Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (EC2),
    https://smithy.io/2.0/aws/protocols/ (the others)
    """
    request = uuid.uuid4()
    if call.json:
        return _typed(number, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}))
    what = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if call.service == "ec2":
        return xml(
            f"<Response><Errors><Error>{what}</Error></Errors><RequestID>{request}</RequestID></Response>", number
        )
    if call.service == "s3":
        return xml(f"<Error>{what}<RequestId>{request}</RequestId></Error>", number)
    kind = "Sender" if number < HTTPStatus.INTERNAL_SERVER_ERROR else "Receiver"
    return xml(
        f"<ErrorResponse><Error><Type>{kind}</Type>{what}</Error><RequestId>{request}</RequestId></ErrorResponse>",
        number,
    )


def collect(application: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> Reply:
    """Call a WSGI application and keep what it answers."""
    heard: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
        heard.append((status, headers))
        return lambda data: None

    chunks = application(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    status, headers = heard[-1]
    return Reply(status, body, list(headers))
