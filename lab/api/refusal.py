"""One refusal of EC2: the value that all rules return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """An error code of EC2 and its sentence.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """

    code: str
    message: str
    number: int = 400
