"""What stands in the lab's internet: the package cache with the address service, and S3."""

from __future__ import annotations

import socket
import threading

from lab.apply.internet import PACKAGE_CACHE_PORT
from lab.apply.namespaces import bind_socket
from lab.config import LabConfig
from lab.services.package_cache import Handler, PackageCache
from lab.services.s3 import S3


def start_internet_services(config: LabConfig) -> None:
    """Start them; they end with the process."""
    Handler.own_address = str(config.internet_address)
    place = config.internet_namespace
    cache = PackageCache(bind_socket(place, socket.SOCK_STREAM, ("0.0.0.0", PACKAGE_CACHE_PORT)))
    s3 = S3(bind_socket(place, socket.SOCK_STREAM, (str(config.s3_address), 80)), config.port)
    for server in (cache, s3):
        threading.Thread(target=server.serve_forever, daemon=True).start()
