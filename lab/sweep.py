"""Remove every trace of a lab, also of one that was killed: found by name, not by memory."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

from lab.apply import namespaces
from lab.config import LabConfig
from lab.elb.host_names import write_names
from lab.machines.cgroup import ControlGroup
from lab.run import run

DEADLINE_SECONDS = 10.0


def sweep(config: LabConfig) -> None:
    """Leave no process, namespace, interface, route, mount, name or disk of this lab behind."""
    _end_processes(config)
    for name in namespaces.names(config.prefix):
        namespaces.delete(name)
    run(["ip", "link", "delete", config.operator_interface], check=False)
    for kind in ("unicast", "unreachable"):
        run(["ip", "route", "flush", "type", kind, "proto", config.route_protocol], check=False)
    for mount in reversed(_mounts(config)):
        run(["umount", "--lazy", mount], check=False)
    ControlGroup(config.control_group).remove()
    write_names(config.name, [])
    shutil.rmtree(config.disk_dir, ignore_errors=True)


def _mounts(config: LabConfig) -> list[str]:
    points = (line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines())
    return sorted(point for point in points if point.startswith(f"{config.disk_dir}/"))


def _end_processes(config: LabConfig) -> None:
    """A lab's helpers are known by its folders or its namespace on their command line."""
    marks = (f"{config.disk_dir}/", f"/run/netns/{config.internet_namespace}")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while ours := _processes_with(marks):
        for pid in ours:
            _kill(pid)
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _processes_with(marks: tuple[str, ...]) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        helper = Path(argv[0]).name in ("systemd-nspawn", "slirp4netns")
        if helper and any(mark in word for word in argv for mark in marks):
            found.append(int(folder.name))
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
