"""What one lab could leave behind on this machine, recognised by the marks it gives everything."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lab import registry
from lab.config import LabConfig


def lines(*argv: str) -> Iterator[str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    yield from (" ".join(line.split()) for line in done.stdout.splitlines() if line.strip())


def processes() -> Iterator[str]:
    """Every process by pid and command line, but this one and its children."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(folder.name) not in (os.getpid(), os.getppid()):
            yield f"{folder.name} {' '.join(argv).strip()}"


def all_there_is() -> Iterator[str]:
    """Namespaces, interfaces, routes, rules, mounts, control groups, listeners, processes: a line each."""
    yield from (f"namespace {line}" for line in lines("ip", "netns", "list"))
    yield from (f"interface {line}" for line in lines("ip", "-oneline", "link", "show"))
    yield from (f"route {line}" for line in lines("ip", "route", "show", "table", "all"))
    yield from (f"rule {line}" for line in lines("ip", "rule", "show"))
    yield from (f"listener {line}" for line in lines("ss", "-H", "-ltn"))
    yield from (f"mount {line}" for line in Path("/proc/self/mounts").read_text().splitlines())
    yield from (f"control group {path}" for path in Path("/sys/fs/cgroup").glob("**/onebox-lab-*"))
    yield from (f"process {line}" for line in processes())


def marks(config: LabConfig) -> tuple[str, ...]:
    """What only this lab's belongings carry."""
    return (
        config.prefix,
        str(config.disk_dir),
        str(config.run_dir),
        config.control_group,
        str(config.pool),
        f"proto {config.route_protocol} ",
        f"127.0.0.1:{config.port} ",
        f"lab.daemon --name {config.name} ",
    )


def traces_of(config: LabConfig) -> list[str]:
    """The lines that belong to this lab; of one that is gone there must be none."""
    wanted = marks(config)
    found = [line for line in all_there_is() if any(mark in line for mark in wanted)]
    return found + [str(path) for path in (config.disk_dir, config.run_dir) if path.exists()]


def known(name: str) -> LabConfig:
    config = registry.last_known(name)
    assert config is not None, f"no lab named {name} was ever started"
    return config
