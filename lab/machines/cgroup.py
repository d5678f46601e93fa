"""A control group for every machine: two systemds in one would take each other's processes for theirs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path


def hierarchies() -> list[Path]:
    """Where systemd keeps its groups (unified, named, or on hybrid hosts both), and where memory is limited."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and {"name=systemd", "memory"} & set(options.split(","))):
            found.append(Path(point))
    return found


@dataclass(frozen=True)
class ControlGroup:
    """The same path in every hierarchy."""

    path: str

    def folders(self) -> list[Path]:
        return [top / self.path for top in hierarchies()]

    def enter(self, argv: list[str]) -> list[str]:
        """The command line that moves itself into the group and becomes `argv`."""
        for folder in self.folders():
            folder.mkdir(parents=True, exist_ok=True)
        files = [str(folder / "cgroup.procs") for folder in self.folders()]
        move = 'while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@"'
        return ["sh", "-c", move, "enter-control-group", *files, "--", *argv]

    def limit_memory(self, mib: int) -> None:
        """Let the group use so much memory and no more, where this kernel's groups can."""
        for top in hierarchies():
            folder = top / self.path
            for parent in reversed(folder.relative_to(top).parents):
                with contextlib.suppress(OSError):
                    (top / parent / "cgroup.subtree_control").write_text("+memory")
            for name in ("memory.max", "memory.limit_in_bytes"):
                if (folder / name).exists():
                    (folder / name).write_text(str(mib << 20))

    def remove(self) -> None:
        """Remove the group and those that the machine made in it; one that is still in use stays."""
        for top in self.folders():
            folders = [*top.rglob("*/"), top] if top.exists() else []
            for folder in sorted(folders, key=lambda one: len(one.parts), reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()
