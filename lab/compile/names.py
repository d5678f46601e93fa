"""Names of kernel objects: interface names have 15 characters at most, and API ids are longer."""

from __future__ import annotations

GATEWAY_INTERFACE = "igw"
ENDPOINT_INTERFACE = "endpoint"
FIRST_SLOT = 5  # the ENA driver's first interface is called ens5 on a real instance

# The two ends of the link between a VPC router and the internet; link-local, so they cannot collide.
GATEWAY_VPC_END = "169.254.255.2"
GATEWAY_INTERNET_END = "169.254.255.1"


def short(resource_id: str) -> str:
    """`eni-0123456789abcdef0` -> `eni-0123456789`, unique enough within one lab."""
    kind, _, digits = resource_id.rpartition("-")
    return f"{kind}-{digits[:10]}"


def instance_interface(device_index: int) -> str:
    """What the machine itself calls an interface: ens5, ens6, ..."""
    return f"ens{FIRST_SLOT + device_index}"


def endpoint_link(vpc_id: str) -> str:
    """The internet's end of a VPC's link to the services behind gateway endpoints."""
    return f"e{short(vpc_id)[3:]}"


def endpoint_address(vpc_id: str) -> str:
    """The VPC's own end of that link; link-local, and another one for every VPC."""
    number = int(vpc_id.rpartition("-")[2][-7:], 16) % (1 << 14)
    return f"169.254.{64 + number // 256}.{number % 256}"


def table_number(route_table_id: str) -> int:
    """A kernel routing table for a VPC route table; the same one every time, clear of the reserved 253 to 255."""
    return 1000 + int(route_table_id.rpartition("-")[2][-7:], 16)


def chain(resource_id: str, direction: str) -> str:
    return f"{resource_id.replace('-', '_')}_{direction}"


def members(group_id: str) -> str:
    """The nftables set with the private addresses of a security group's members."""
    return f"members_{group_id.replace('-', '_')}"
