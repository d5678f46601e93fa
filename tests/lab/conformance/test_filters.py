"""Filters that users and playbooks give, and an error for what is none."""

from __future__ import annotations

import pytest

from tests.lab.conformance.site import Site, refused


def test_instances_are_found_by_each_of_their_properties(site: Site) -> None:
    told = site.instance(site.machine)
    nic = told["NetworkInterfaces"][0]
    expected = {
        "instance-state-name": "running", "instance-state-code": "16", "private-ip-address": "10.8.1.10",
        "network-interface.network-interface-id": nic["NetworkInterfaceId"],
        "network-interface.subnet-id": site.subnet, "network-interface.addresses.private-ip-address": "10.8.1.*",
        "ip-address": told["PublicIpAddress"], "block-device-mapping.device-name": told["RootDeviceName"],
        "instance.group-id": site.used, "group-name": "use?",
        "availability-zone": told["Placement"]["AvailabilityZone"],
        "root-device-type": "ebs", "source-dest-check": "true", "metadata-options.http-tokens": "optional",
        "tenancy": "default", "launch-index": "0",
    }  # fmt: skip
    for name, value in expected.items():
        found = site.ec2.describe_instances(Filters=[{"Name": name, "Values": [value]}])["Reservations"]
        assert site.machine in str(found), f"{name}={value}"
        other = site.ec2.describe_instances(Filters=[{"Name": name, "Values": ["none-such"]}])["Reservations"]
        assert other == [], name


INTERFACE = {
    "status": "in-use", "attachment.status": "attached", "attachment.device-index": "0", "source-dest-check": "true",
    "addresses.private-ip-address": "10.8.1.10", "group-name": "used", "requester-managed": "false",
}  # fmt: skip


@pytest.mark.parametrize("name", INTERFACE)
def test_interfaces_are_found_by_each_of_their_properties(site: Site, name: str) -> None:
    filters = [{"Name": name, "Values": [INTERFACE[name]]}]
    found = site.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert "10.8.1.10" in {one["PrivateIpAddress"] for one in found}


def test_what_is_no_filter_is_refused(site: Site) -> None:
    nonsense = [{"Name": "nonsense", "Values": ["x"]}]
    for action in ("describe_instances", "describe_vpcs", "describe_volumes", "describe_security_groups"):
        assert refused(site, action, Filters=nonsense) == "InvalidParameterValue", action
