"""The machines of the playground, and tools on them which leave nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import run

FOLDER = "/tmp/bench-tools"
UNPACK = f"""
rm -rf {FOLDER}
mkdir {FOLDER}
cd {FOLDER}
apt-get download -qq $(apt-get --simulate install --no-install-recommends "$@" | awk '$1 == "Inst" {{print $2}}')
for package in *.deb; do dpkg-deb -x "$package" .; done
ln -s usr/lib/*-linux-gnu lib
"""
# Where the tools, their libraries and sysbench's programs are found.
UNPACKED = f"""
cd {FOLDER}
export PATH=$PATH:{FOLDER}/usr/bin LD_LIBRARY_PATH={FOLDER}/lib
export LUA_PATH='{FOLDER}/usr/share/sysbench/?.lua' MARIADB_PLUGIN_DIR={FOLDER}/lib/libmariadb3/plugin
"""


class Machine:
    """One that ssh_config knows by this name; everything is done there as root."""

    def __init__(self, config: Path, name: str) -> None:
        self.config, self.name = config, name

    def command(self, script: str, *words: str) -> list[str]:
        """What runs the shell script there, with the words as $1 and so on."""
        return ["ssh", "-F", str(self.config), self.name, shlex.join(["sudo", "sh", "-euc", script, "sh", *words])]

    def ask(self, script: str, *words: str) -> str:
        """What the script prints."""
        return run(f"The {self.name} machine", self.command(script, *words), {})

    def tool(self, command: str) -> list[str]:
        """What runs a tool that was unpacked there."""
        return self.command(f"{UNPACKED}{command}")

    @contextmanager
    def tools(self, *packages: str) -> Iterator[None]:
        """Debian's packages, unpacked and not installed: its sysbench would take MySQL away."""
        try:
            self.ask(UNPACK, *packages)
            yield
        finally:
            self.ask(f"rm -rf {FOLDER}")
