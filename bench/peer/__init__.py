"""The machines' part said to pyinfra: the same packages, files and services, found on the machines as they are.

It makes neither the account in MySQL nor the application's version, so it has a little less to do. Files that hold
secrets are left out: what is fetched lies on this disk.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

# What the roles own; a machine has some of them.
FILES = (
    "etc/hostname etc/apt/apt.conf.d/90* etc/systemd/journald.conf.d etc/sysctl.d/[56]0-* etc/ssh/sshd_config.d"
    " etc/ssh/operators_* etc/nat-masquerade.rules usr/local/sbin/nat-* etc/systemd/system/nat-*"
    " etc/systemd/system/mysql-* etc/systemd/system/*.service.d etc/nginx/*.html etc/nginx/nginx.conf"
    " etc/default/tomcat* etc/tomcat*/server.xml etc/mysql/mysql.conf.d/zz-* usr/local/lib/mysql-backup"
    " etc/apt/preferences.d etc/apt/sources.list.d"
)
PACKAGES = {
    "public": ["unattended-upgrades", "iptables", "tomcat11", "libmariadb-java", "nginx"],
    "private": ["unattended-upgrades", "mysql-server", "python3-pymysql"],
}
SERVICES = {
    "public": ["ssh", "nat-masquerade", "nat-doctor.timer", "tomcat11", "nginx"],
    "private": ["ssh", "mysql", "mysql-backup.timer", "mysql-backup-logs.timer"],
}


def fetch(config: Path, folder: Path) -> None:
    """Keep each machine's files as `<machine>.tar`, with owners and modes: what pyinfra then compares with.

    And an ssh_config with the host keys under the machines' addresses, as pyinfra knows no HostKeyAlias.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text, known = config.read_text(), Path()
    keys: list[str] = []
    for machine in PACKAGES:
        asked = subprocess.run(["ssh", "-G", "-F", config, machine], capture_output=True, text=True, check=True).stdout
        told = dict(line.split(" ", 1) for line in asked.splitlines())
        known, alias = Path(told["userknownhostsfile"]), told["hostkeyalias"]
        keys += [key.replace(alias, told["hostname"], 1) for key in known.read_text().splitlines() if alias in key]
        there = f"cd / && ls -d {FILES} 2>/dev/null | sudo tar --create --files-from=-"
        with (folder / f"{machine}.tar").open("wb") as kept:
            subprocess.run(["ssh", "-F", config, machine, there], stdout=kept, check=True)
    (folder / "known_hosts").write_text("\n".join([*keys, ""]))
    (folder / "ssh_config").write_text(text.replace(str(known), str(folder / "known_hosts")))
