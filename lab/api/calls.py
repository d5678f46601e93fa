"""What a request asks for: service, action and parameters, read without consuming the request."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

READ_ONLY = re.compile(r"^(Describe|Get|List|Head|Search|Assume|Decode)")
SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")


@dataclass(frozen=True)
class Call:
    """One API call of one of the query-protocol or JSON-protocol services."""

    service: str
    region: str
    action: str
    parameters: dict[str, str]

    @property
    def mutating(self) -> bool:
        return not READ_ONLY.match(self.action)

    def many(self, name: str) -> list[str]:
        """The values of a list parameter: `InstanceId.1`, `InstanceId.2`, ..."""
        return [value for key, value in self.parameters.items() if key == name or key.startswith(f"{name}.")]


def read_call(environ: dict[str, Any]) -> Call:
    """Read the call from a WSGI environment and put the body back for the next reader."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    form = "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", "")
    parameters = {key: values[0] for key, values in parse_qs(body.decode()).items()} if form else {}
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return Call(
        service=scope["service"] if scope else "",
        region=scope["region"] if scope else "",
        action=parameters.get("Action") or target,
        parameters=parameters,
    )
