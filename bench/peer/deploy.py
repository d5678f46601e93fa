"""pyinfra's deploy: each file as it was fetched, each package, each service."""

import io
import tarfile

from pyinfra.context import host
from pyinfra.operations import apt, files, systemd

from bench.peer import PACKAGES, SERVICES

machine = host.data.machine
for package in PACKAGES[machine]:
    apt.packages(name=f"Install {package}", packages=[package])
with tarfile.open(f"{host.data.folder}/{machine}.tar") as fetched:
    for member in fetched:
        if member.isfile() and (content := fetched.extractfile(member)):
            files.put(
                name=f"Write /{member.name}",
                src=io.BytesIO(content.read()),
                dest=f"/{member.name}",
                user=member.uname,
                group=member.gname,
                mode=f"{member.mode:o}",
            )
for service in SERVICES[machine]:
    systemd.service(name=f"Run {service}", service=service, running=True, enabled=True)
