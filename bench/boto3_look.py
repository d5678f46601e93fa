"""The limit of the API's part: the calls of a run that finds nothing to do, one after the other, in one process."""

from __future__ import annotations

import sys

import boto3

# fmt: off
CALLS = [
    "vpcs", "internet_gateways", "subnets", "route_tables", "security_groups", "network_interfaces", "instances",
    "nat_gateways", "vpc_endpoints", "addresses", "key_pairs", "volumes", "availability_zones",
]
# fmt: on


def main() -> None:
    boto3.client("sts").get_caller_identity()
    boto3.client("ssm").get_parameters_by_path(Path=sys.argv[1], Recursive=True)
    ec2 = boto3.client("ec2")
    for call in CALLS:
        getattr(ec2, f"describe_{call}")()


if __name__ == "__main__":
    main()
