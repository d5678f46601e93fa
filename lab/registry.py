"""Which labs run on this machine: read from their state files, believed only while their process lives."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lab.config import DEFAULT_PORT, RUN_ROOT, SLOTS, LabConfig
from lab.errors import LabError


def _read(path: Path) -> dict[str, int] | None:
    try:
        state: dict[str, int] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return state


def daemon_pid(config: LabConfig) -> int | None:
    """The process id of this lab's daemon if it lives and is ours."""
    state = _read(config.state_file)
    return state["pid"] if state and is_daemon(state["pid"], config) else None


def is_daemon(pid: int, config: LabConfig) -> bool:
    """Whether a process is the daemon of this lab and not another one that was given its number."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return False
    return b"lab.daemon" in argv and config.name.encode() in argv


def find(name: str) -> LabConfig:
    """The running lab of that name; none is an error that says what to type."""
    state = _read(RUN_ROOT / name / "lab.json")
    config = LabConfig(name, state["port"], state["slot"]) if state else LabConfig(name)
    if state is None or daemon_pid(config) is None:
        raise LabError(f"no lab named {name} is running", hint=f"start it: sudo lab up{_option(name)}")
    return config


def last_known(name: str) -> LabConfig | None:
    """The lab of that name as it was last started, running or killed."""
    state = _read(RUN_ROOT / name / "slot.json")
    return LabConfig(name, state["port"], state["slot"]) if state else None


def reserve(name: str, port: int | None) -> LabConfig:
    """Give a lab its slot: the one it had before, or the first that no other lab holds."""
    taken = {}
    for path in RUN_ROOT.glob("*/slot.json"):
        if path.parent.name != name and (state := _read(path)):
            taken[state["slot"]] = path.parent.name
    before = last_known(name)
    free = (slot for slot in range(SLOTS) if slot not in taken)
    slot = before.slot if before else next(free, None)
    if slot is None:
        raise LabError(f"all {SLOTS} slices of the lab's address pool are in use", hint="lab down --name OTHER")
    port = port or DEFAULT_PORT + slot
    config = LabConfig(name, port, slot)
    config.run_dir.mkdir(parents=True, exist_ok=True)
    (config.run_dir / "slot.json").write_text(json.dumps({"slot": slot, "port": port, "pid": os.getpid()}))
    return config


def _option(name: str) -> str:
    return "" if name == LabConfig.name else f" --name {name}"
