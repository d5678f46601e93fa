"""What the API says of a green environment."""

from __future__ import annotations

import time
from typing import Any

VPC = "vpc-1"
ELASTIC_IP = "198.51.100.7"
PUBLIC, PRIVATE = "10.1.1.10", "10.1.2.10"


def instance(tier: str, address: str, *, check: bool, public: str = "") -> dict[str, Any]:
    return {
        "instance_id": f"i-{tier}",
        "state": {"name": "running"},
        "vpc_id": VPC,
        "tags": {"Tier": tier, "Name": f"sidedish-playground-{tier}", "Environment": "playground"},
        "metadata_options": {"http_tokens": "required"},
        "source_dest_check": check,
        "public_ip_address": public or None,
        "private_ip_address": address,
        "subnet_id": f"subnet-{tier}",
        "network_interfaces": [{"network_interface_id": f"eni-{tier}"}],
        "security_groups": [{"group_id": f"sg-{tier}", "group_name": f"sidedish-playground-{tier}"}],
    }


def permission(port: int, *cidrs: str, groups: tuple[str, ...] = (), protocol: str = "tcp") -> dict[str, Any]:
    return {
        "ip_protocol": protocol,
        "from_port": port,
        "to_port": port,
        "ip_ranges": [{"cidr_ip": cidr} for cidr in cidrs],
        "user_id_group_pairs": [{"group_id": group} for group in groups],
    }


def interface(tier: str, address: str, *, check: bool, public: str = "") -> dict[str, Any]:
    return {
        "network_interface_id": f"eni-{tier}",
        "vpc_id": VPC,
        "subnet_id": f"subnet-{tier}",
        "private_ip_address": address,
        "private_ip_addresses": [{"private_ip_address": address}],
        "association": {"public_ip": public} if public else None,
        "attachment": {"instance_id": f"i-{tier}"},
        "groups": [{"group_id": f"sg-{tier}"}],
        "source_dest_check": check,
    }


def group(tier: str, *permissions: dict[str, Any]) -> dict[str, Any]:
    return {
        "group_id": f"sg-{tier}",
        "vpc_id": VPC,
        "group_name": f"sidedish-playground-{tier}",
        "tags": {"Tier": tier},
        "ip_permissions": list(permissions),
        "ip_permissions_egress": [{"ip_protocol": "-1", "ip_ranges": [{"cidr_ip": "0.0.0.0/0"}]}],
    }


def route_table(tier: str, **target: str) -> dict[str, Any]:
    return {
        "route_table_id": f"rtb-{tier}",
        "vpc_id": VPC,
        "tags": {"Tier": tier, "Name": f"sidedish-playground-{tier}-routes"},
        "associations": [{"subnet_id": f"subnet-{tier}", "main": False}],
        "routes": [
            {"destination_cidr_block": "10.1.0.0/16", "gateway_id": "local", "state": "active"},
            {"destination_cidr_block": "0.0.0.0/0", "state": "active", **target},
            {"destination_prefix_list_id": "pl-s3", "state": "active", "gateway_id": "vpce-s3"},
        ],
    }


def subnet(tier: str, cidr: str) -> dict[str, Any]:
    tags = {"Tier": tier, "Name": f"sidedish-playground-{tier}"}
    return {
        "subnet_id": f"subnet-{tier}",
        "vpc_id": VPC,
        "cidr_block": cidr,
        "map_public_ip_on_launch": False,
        "tags": tags,
    }


def network_acl() -> dict[str, Any]:
    return {
        "network_acl_id": "acl-default",
        "vpc_id": VPC,
        "associations": [{"subnet_id": "subnet-public"}, {"subnet_id": "subnet-private"}],
        "entries": [acl_entry(100, egress=egress) for egress in (True, False)],
    }


def acl_entry(number: int, *, egress: bool, action: str = "allow", **more: Any) -> dict[str, Any]:
    entry = {"rule_number": number, "rule_action": action, "egress": egress, "protocol": "-1"}
    return entry | {"cidr_block": "0.0.0.0/0"} | more


def api() -> dict[str, Any]:
    return {
        "asked_at": time.time(),
        "vpcs": [
            {
                "vpc_id": VPC,
                "cidr_block": "10.1.0.0/16",
                "tags": {"Environment": "playground"},
                "enable_dns_support": True,
            }
        ],
        "subnets": [subnet("public", "10.1.1.0/24"), subnet("private", "10.1.2.0/24")],
        "instances": [
            instance("public", PUBLIC, check=False, public=ELASTIC_IP),
            instance("private", PRIVATE, check=True),
        ],
        "others": [],
        "network_interfaces": [
            interface("public", PUBLIC, check=False, public=ELASTIC_IP),
            interface("private", PRIVATE, check=True),
        ],
        "internet_gateways": [
            {"internet_gateway_id": "igw-1", "attachments": [{"vpc_id": VPC, "state": "available"}]},
        ],
        "network_acls": [network_acl()],
        "addresses": [{"public_ip": ELASTIC_IP, "instance_id": "i-public"}],
        "nat_gateways": [],
        "endpoints": [
            {
                "vpc_endpoint_id": "vpce-s3",
                "vpc_id": VPC,
                "service_name": "com.amazonaws.ap-northeast-2.s3",
                "state": "available",
                "route_table_ids": ["rtb-public", "rtb-private"],
            }
        ],
        "prefix_lists": [
            {
                "prefix_list_id": "pl-s3",
                "prefix_list_name": "com.amazonaws.ap-northeast-2.s3",
                "cidrs": ["192.0.2.0/24"],
            }
        ],
        "route_tables": [
            {"route_table_id": "rtb-main", "vpc_id": VPC, "tags": {}, "associations": [{"main": True}], "routes": []},
            route_table("public", gateway_id="igw-1"),
            route_table("private", network_interface_id="eni-public"),
        ],
        "security_groups": [
            group(
                "public",
                permission(80, "0.0.0.0/0"),
                permission(22, "0.0.0.0/0"),
                permission(80, "10.1.2.0/24"),
                permission(443, "10.1.2.0/24"),
                permission(123, "10.1.2.0/24", protocol="udp"),
                permission(8, "10.1.2.0/24", protocol="icmp") | {"to_port": -1},
            ),
            group("private", permission(22, groups=("sg-public",)), permission(3306, groups=("sg-public",))),
            # Attached to nobody: nothing to say.
            group("nobody", permission(1, "0.0.0.0/0")),
        ],
    }
