"""While something is made, the SDK repeats what AWS refused as too much at once, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ConnectionClosedError

ONLY_THROTTLING = Path(__file__).resolve().parents[2] / "roles/aws_network/files/throttling_only"


@pytest.fixture(autouse=True)
def as_in_the_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", str(ONLY_THROTTLING))
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a-dummy-key")


class Body:
    """What AWSResponse reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self) -> list[bytes]:
        return [self.content]


def times_sent(answer: AWSResponse | Exception) -> int:
    """Ask EC2 for a VPC, let each request get this answer, and count the requests."""
    sent = []

    def reply(request: AWSRequest, **_: Any) -> Any:
        sent.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = boto3.session.Session().client("ec2", region_name="eu-central-1")
    client.meta.events.register("before-send.ec2.CreateVpc", reply)
    with patch("time.sleep"), pytest.raises((ClientError, ConnectionClosedError)):
        client.create_vpc(CidrBlock="10.1.0.0/16")
    return len(sent)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (503, "RequestLimitExceeded", 5),
        (503, "EC2ThrottledException", 5),
        (503, "SlowDown", 5),
        (400, "Throttling", 5),
        (400, "ThrottlingException", 5),
        (429, "TooManyRequestsException", 5),
        (500, "InternalError", 1),
        (503, "Unavailable", 1),
        (400, "VpcLimitExceeded", 1),
    ],
)
def test_only_throttling_is_repeated(status: int, code: str, expected: int) -> None:
    error = f"<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
    assert times_sent(AWSResponse("", status, HTTPHeaders(), Body(error.encode()))) == expected


def test_a_lost_answer_is_not_repeated() -> None:
    assert times_sent(ConnectionClosedError(endpoint_url="https://ec2")) == 1
