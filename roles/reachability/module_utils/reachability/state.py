"""What a machine is set to, in a form that can be compared with itself later: files, kernel, filters, database."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import stat
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

ROOTS = ("/etc", "/usr/local", "/var/spool/cron", "/root/.ssh", "/home", "/var/lib/tomcat*/*")
KERNEL = Path("/proc/sys/net/ipv4")
# Written by the system itself while all is well, or many and dull.
DULL = re.compile(
    r"^/etc/(mtab|adjtime|ld\.so\.cache|\.updated|.*\.lock|ssl/certs/|alternatives/|\.pwd)"
    r"|^/home/[^/]+/\.(?!ssh)|^/var/lib/tomcat[^/]*/(logs|work|temp|policy)|/\.ansible"
    r"|^/proc/sys/net/ipv4/(neigh|route|.*(key|secret))"
)
LARGEST_BYTES = 1 << 20
COMMANDS = {
    "route": ["ip", "-4", "route", "show", "table", "all"],
    "rule": ["ip", "-4", "rule", "show"],
    "link": ["ip", "-oneline", "link", "show"],
    "queue": ["tc", "qdisc", "show"],
    "filter": ["iptables-save"],
    "filter6": ["ip6tables-save"],
    "listener": ["ss", "-H", "-ltn"],
    "service": ["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend"],
}
# Secrets are compared by a hash of them, and never kept.
DATABASE = """
SELECT CONCAT('account ', user, '@', host), CONCAT_WS(' ', plugin, LEFT(SHA2(authentication_string, 256), 8),
 'locked', account_locked, 'expired', password_expired, ssl_type, max_user_connections) FROM mysql.user;
SELECT CONCAT('grant ', grantee, ' on ', table_schema), GROUP_CONCAT(privilege_type ORDER BY 1)
 FROM information_schema.schema_privileges GROUP BY grantee, table_schema;
SELECT CONCAT('table ', table_schema, '.', table_name), engine FROM information_schema.tables
 WHERE table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema');
SELECT CONCAT('setting ', variable_name), LEFT(variable_value, 60) FROM performance_schema.global_variables
 WHERE variable_name NOT LIKE 'gtid%' AND variable_name NOT LIKE '%executed%';
"""


def said(argv: list[str], content: str = "") -> list[str]:
    """The lines a program prints; none where it is not there or fails."""
    try:
        done = subprocess.run(
            argv, check=False, input=content, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=15
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines()


def fingerprint(path: str, status: os.stat_result) -> str:
    """Owner, mode and content of a file, in a few letters."""
    if stat.S_ISLNK(status.st_mode):
        return f"-> {Path(path).readlink()}"
    content = Path(path).read_bytes() if status.st_size <= LARGEST_BYTES else str(status.st_size).encode()
    return f"{status.st_uid} {stat.S_IMODE(status.st_mode):o} {hashlib.sha256(content).hexdigest()[:8]}"


def files() -> Iterator[tuple[str, str]]:
    roots = [str(path) for root in ROOTS for path in Path("/").glob(root.lstrip("/"))]
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = f"{folder}/{name}"
                # A file may be gone by now: what is in /etc changes while packages are installed.
                with contextlib.suppress(OSError):
                    status = os.lstat(path)
                    if not DULL.search(path) and (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
                        yield f"file {path}", fingerprint(path, status)


def kernel() -> Iterator[tuple[str, str]]:
    """The network settings of the kernel that can be read."""
    for path in KERNEL.rglob("*"):
        if path.is_file() and not DULL.search(str(path)):
            try:
                value = " ".join(path.read_text(encoding="ascii").split())
            except OSError:
                continue
            yield f"kernel {'.'.join(path.relative_to('/proc/sys').parts)}", value


def tidy(kind: str, line: str) -> str:
    """Without counters, handles and queue lengths, which change by themselves."""
    if kind == "listener":
        fields = line.split()
        return fields[3] if len(fields) > 3 else ""
    if kind == "service":
        return line.split()[0] if line.strip() else ""
    if line.startswith(("#", "COMMIT")) or "broadcast" in line.split()[:1]:
        return ""
    return " ".join(re.sub(r"\[\d+:\d+\]|qdisc (\S+) [0-9a-f]+:|@if\d+|link-netnsid \d+", r"\1", line).split())


def commands() -> Iterator[tuple[str, str]]:
    for kind, argv in COMMANDS.items():
        for line in said(argv):
            short = tidy(kind, line)
            if short:
                yield f"{kind} {short}", ""


def database() -> Iterator[tuple[str, str]]:
    """Accounts, grants, tables and settings, where MySQL runs and takes root for root."""
    if Path("/run/mysqld/mysqld.sock").exists():
        for line in said(["mysql", "--no-defaults", "--batch", "--skip-column-names", "--connect-timeout=3"], DATABASE):
            key, _, value = line.partition("\t")
            yield f"MySQL {key}", value


def collect() -> str:
    """All of it, packed: there are a thousand lines of it, which nobody need look at while all is well."""
    found = dict(part for source in (files, kernel, commands, database) for part in source())
    return base64.b64encode(zlib.compress(json.dumps(found).encode(), 6)).decode()


def unpack(text: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(zlib.decompress(base64.b64decode(text)))
    return found
