"""The quotas of an account that our kind of network meets, and what EC2 says when one is used up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace

from lab.errors import LabError


@dataclass(frozen=True)
class Quotas:
    """Limits per region.

    Sources: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html (5 addresses, 5 VPCs, of which the
    default VPC is one) and https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html (vCPUs of
    running machines). AWS lists 5 vCPUs for a new account and raises that with use; four environments of two t3.micro
    need 16, so the lab begins where a used account stands.
    """

    addresses: int = 5
    vpcs: int = 5
    vcpus: int = 32

    def change(self, given: dict[str, int]) -> Quotas:
        """The same with some limits changed."""
        known = [one.name for one in fields(self)]
        for name, limit in given.items():
            if name not in known:
                raise LabError(f"there is no quota {name}", hint=f"the quotas are {', '.join(known)}")
            if limit < 0:
                raise LabError(f"a quota of {limit} {name} is less than nothing", hint=f"give {name}=0 or more")
        return replace(self, **given)

    def table(self, used: dict[str, int]) -> dict[str, dict[str, int]]:
        return {name: {"used": used[name], "limit": limit} for name, limit in asdict(self).items()}


def parse_quota(text: str) -> tuple[str, int]:
    """Read `addresses=2`."""
    name, sign, limit = text.partition("=")
    if not sign or not limit.lstrip("-").isdigit():
        raise LabError(f"{text} is no quota", hint="write NAME=NUMBER, for example addresses=2")
    return name, int(limit)


def parse_quotas(texts: Iterable[str]) -> dict[str, int]:
    return dict(parse_quota(text) for text in texts)
