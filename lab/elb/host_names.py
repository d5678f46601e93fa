"""This computer's own names for the lab's load balancers: marked lines in /etc/hosts, which go with the lab.

Nothing else lets a browser, curl and Ansible resolve them without a resolver of ours in everybody's way.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path

from lab.config import RUN_ROOT

HOSTS = Path("/etc/hosts")


def write_names(lab: str, names: Iterable[tuple[str, IPv4Address]], *, path: Path = HOSTS) -> None:
    """Make these the lines of that lab."""
    mark = f"# onebox-lab {lab}"
    RUN_ROOT.mkdir(parents=True, exist_ok=True)
    with (RUN_ROOT / "hosts.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        before = path.read_text() if path.exists() else ""
        kept = [line for line in before.splitlines() if not line.endswith(mark)]
        after = "".join(f"{line}\n" for line in [*kept, *(f"{ip} {name} {mark}" for name, ip in sorted(names))])
        if after != before:
            path.write_text(after)  # in place: in a container it is a mount, which cannot be renamed over
