"""What a request asks for, and of whom: read without consuming the request."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

READ_ONLY = re.compile(r"^(Describe|Get|List|Head|Search|Assume|Decode|GET |HEAD )")
SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
RESOURCE_ID = re.compile(r"[a-z]+-[0-9a-f]{8,17}")


@dataclass(frozen=True)
class Call:
    """One API call; `action` is `METHOD /path` where the service speaks REST, as S3 does."""

    service: str
    region: str
    action: str
    parameters: dict[str, str] = field(default_factory=dict)
    caller: str = ""  # the access key, which is public; its secret never travels
    agent: str = ""
    json: bool = False

    @property
    def mutating(self) -> bool:
        return not READ_ONLY.match(self.action)

    @property
    def dry_run(self) -> bool:
        return self.parameters.get("DryRun", "").lower() == "true"

    @property
    def resources(self) -> list[str]:
        """The ids that the request names."""
        return sorted({value for value in self.parameters.values() if RESOURCE_ID.fullmatch(value)})

    def many(self, name: str) -> list[str]:
        """The values of a list parameter: `InstanceId.1`, `InstanceId.2`, ..."""
        return [value for key, value in self.parameters.items() if key == name or key.startswith(f"{name}.")]


def read_call(environ: dict[str, Any]) -> Call:
    """Read the call from a WSGI environment and put the body back for the next reader."""
    form = "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", "")
    parameters: dict[str, str] = {}
    if form:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        pairs = parse_qs(body.decode(), keep_blank_values=True)
        parameters = {key: values[0] for key, values in pairs.items()}
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    path = f"{environ.get('REQUEST_METHOD', '')} {environ.get('PATH_INFO', '')}"
    return Call(
        service=scope["service"] if scope else "",
        region=scope["region"] if scope else "",
        action=parameters.get("Action") or target or path,
        parameters=parameters,
        caller=scope["key"] if scope else "",
        agent=environ.get("HTTP_USER_AGENT", ""),
        json=bool(target),
    )


def rewrite(environ: dict[str, Any], parameters: dict[str, str]) -> None:
    """Let the next reader see other parameters."""
    body = urlencode(parameters).encode()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
