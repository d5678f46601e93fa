"""What a VPC offers its machines without any route or group: names at VPC+2, facts at 169.254.169.254."""

from __future__ import annotations

import socket
import threading
from functools import partial
from ipaddress import IPv4Address

from lab.apply.namespaces import bind_socket
from lab.config import REGION, LabConfig
from lab.machines.interruption import Interruptions
from lab.model import Endpoint, Vpc
from lab.observe_facts import facts_at
from lab.services.metadata import Metadata
from lab.services.package_cache import ADDRESS_SERVICE
from lab.services.resolver import Resolver

METADATA_ADDRESS = "169.254.169.254"
RESOLVER_ADDRESS = "169.254.169.253"


class VpcServices:
    """The services of one VPC, on sockets inside its router; `close` them before the router goes."""

    def __init__(self, config: LabConfig, vpc: Vpc, namespace: str, interruptions: Interruptions) -> None:
        self._own: dict[str, tuple[IPv4Address, ...]] = {
            f"{ADDRESS_SERVICE}.": (config.internet_address,),
            f"s3.{REGION}.amazonaws.com.": (config.s3_address,),
            f"*.s3.{REGION}.amazonaws.com.": (config.s3_address,),
            # The same stand-in hands it to moto: by plain HTTP, since no machine would trust a certificate of ours.
            f"ssm.{REGION}.amazonaws.com.": (config.s3_address,),
        }
        self._vpc_id = vpc.id
        self._known: set[str] = set()
        self._resolver = Resolver(namespace, [str(vpc.resolver), RESOLVER_ADDRESS], own_names=self._own)
        bound = bind_socket(namespace, socket.SOCK_STREAM, (METADATA_ADDRESS, 80))
        self._metadata = Metadata(bound, partial(facts_at, vpc.id, interruptions))
        threading.Thread(target=self._metadata.serve_forever, daemon=True).start()

    def know(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Resolve these names as this VPC sees them, and no others than these of their kind."""
        names: dict[str, tuple[IPv4Address, ...]] = {}
        for one in endpoints:
            name = f"{one.name.lower()}."
            names[name] = (*names.get(name, ()), one.seen_from(self._vpc_id))
        for gone in self._known - names.keys():
            self._own.pop(gone, None)
        self._own.update(names)
        self._known = set(names)

    def close(self) -> None:
        self._resolver.close()
        self._metadata.shutdown()
        self._metadata.server_close()
