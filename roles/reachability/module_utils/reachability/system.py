"""Judge what every machine needs, whatever it serves: disks, names, time, SSH, its line; and clues of its filters."""

from __future__ import annotations

from typing import Any

from .model import RANK_CHANGE, RANK_KERNEL, RANK_LOGIN, RANK_SERVICE, Finding, Suspect, repair
from .probe import is_askable

FULL_PERCENT = 95
LEAST_DAYS = 14
TOLERATED_SECONDS = 120
SMALLEST_MTU = 1500  # every Ethernet has it, and packets of others are not cut
BAD_SSH = {
    "passwordauthentication": ("yes",),
    "permitrootlogin": ("yes", "without-password", "prohibit-password", "forced-commands-only"),
    "gatewayports": ("yes", "clientspecified"),
}
# It hands on to the private machine, and to nobody else.
BAD_ON_A_BASTION = {
    "allowtcpforwarding": ("no", "remote"),
    "allowagentforwarding": ("no",),
    "permitopen": ("any", "none"),
}
DROPS = ("DROP", "REJECT")


def judge_system(machine: str, evidence: dict[str, Any], environment: str) -> list[Finding]:
    """All findings of this kind about one machine; what could not be read is not judged."""
    findings = []
    for judge in (judge_disks, judge_line, judge_names, judge_ssh, judge_clock, judge_certificate):
        findings += judge(machine, evidence, environment)
    return findings


def judged(question: str, intended: str, observed: str, ok: bool, suspect: Suspect) -> Finding:
    return Finding("hosts", question, intended, observed, ok, "", None if ok else suspect)


def judge_disks(machine: str, evidence: dict[str, Any], environment: str) -> list[Finding]:
    disks = evidence["disks"] or []
    if not disks:
        return []
    full = [one for one in disks if max(one["used"], one["inodes"]) >= FULL_PERCENT or one["read_only"]]
    worst = max(full or disks, key=lambda one: max(one["used"], one["inodes"]))
    observed = f"{worst['mount']} {max(worst['used'], worst['inodes'])} %" + " read-only" * worst["read_only"]
    suspect = Suspect(
        RANK_KERNEL + 4,
        f"disk of {machine} is {'read-only' if worst['read_only'] else 'full'} ({observed})",
        f"df -h and df -i on {machine} show it. A run does not make room: a person must, or give it a larger disk.",
        repair(environment),
    )
    return [judged(f"{machine} has room on its disk", f"< {FULL_PERCENT} %", observed, not full, suspect)]


def judge_line(machine: str, evidence: dict[str, Any], environment: str) -> list[Finding]:
    name, mtu = evidence["interface"]["name"], evidence["interface"]["mtu"]
    if not name:
        return []
    suspect = Suspect(
        RANK_KERNEL + 5,
        f"MTU of {name} on {machine} is {mtu}",
        f"Packets larger than {mtu} are cut or lost: small questions are answered, downloads hang. "
        f"ip link set {name} mtu 9001 on {machine}, or reboot it.",
        repair(environment),
    )
    return [
        judged(f"{machine} takes whole packets (MTU)", f">= {SMALLEST_MTU}", str(mtu), mtu >= SMALLEST_MTU, suspect)
    ]


def judge_names(machine: str, evidence: dict[str, Any], environment: str) -> list[Finding]:
    """Names resolve, and those of the internet to an address that can be there."""
    seen = evidence["names"] or {"found": {}, "servers": []}
    if not seen["found"]:
        return []
    unknown = [name for name, address in seen["found"].items() if not address]
    wrong = [f"{name} is {address}" for name, address in seen["found"].items() if address and is_wrong(name, address)]
    observed = "; ".join([*(f"not {name}" for name in unknown), *wrong]) or "yes"
    asks = ", ".join(seen["servers"]) or "nobody"
    suspect = Suspect(
        RANK_KERNEL + 6,
        f"name resolution on {machine}"
        + (f": {wrong[0]} (/etc/hosts, or a resolver of one's own)" if wrong else f" (asks {asks})"),
        f"{observed}. Look at /etc/hosts, /etc/resolv.conf and /etc/nsswitch.conf of {machine}; it asks {asks}.",
        repair(environment),
    )
    good = not unknown and not wrong
    return [judged(f"{machine} resolves names", "yes", observed, good, suspect)]


def is_wrong(name: str, address: str) -> bool:
    """A private address behind a public name, but for S3, which may have an interface of one's own in the VPC.

    The managed database is not public, so its name has a private address here, and a public one would be wrong.
    """
    if ".rds." in name:
        return is_askable("internet", address)
    return not name.startswith("s3.") and not is_askable("internet", address)


def judge_ssh(machine: str, evidence: dict[str, Any], environment: str) -> list[Finding]:
    """Keys only, nobody as root; and the bastion hands on what it is there for."""
    settings = evidence["ssh"] or {}
    if not settings:
        return []
    bad = dict(BAD_SSH, **(BAD_ON_A_BASTION if machine == "public" else {}))
    wrong = [f"{key} {settings[key]}" for key, values in bad.items() if settings.get(key) in values]
    words = {"allowtcpforwarding": "AllowTcpForwarding", "allowagentforwarding": "AllowAgentForwarding"}
    named = "; ".join(" ".join([words.get(one.split()[0], one.split()[0]), one.split()[1]]) for one in wrong)
    role = "ssh_bastion,host_baseline" if machine == "public" else "host_baseline"
    suspect = Suspect(
        RANK_LOGIN - 1,
        f"sshd of {machine}: {named}",
        f"sshd -T on {machine} shows what is in force; the first of its files that says something wins.",
        repair(environment, role),
    )
    return [judged(f"sshd of {machine} is as it should be", "yes", named or "yes", not wrong, suspect)]


def judge_clock(machine: str, evidence: dict[str, Any], environment: str) -> list[Finding]:
    if not evidence["clock"]:
        return []  # a container has the clock of its host
    right = bool(evidence["clock"]["synchronised"])
    suspect = Suspect(
        RANK_SERVICE + 3,
        f"clock of {machine} follows no other",
        "timedatectl says that it is not synchronised: certificates and signatures fail sooner or later.",
        repair(environment, "host_baseline"),
    )
    return [judged(f"the clock of {machine} is set by another", "yes", "yes" if right else "no", right, suspect)]


def judge_time(machine: str, seen: float, began: float, ended: float, environment: str) -> list[Finding]:
    """The machine was asked between two moments of the operator's clock; a little before counts too."""
    early, late = began - TOLERATED_SECONDS - seen, seen - ended - TOLERATED_SECONDS
    right = early <= 0 and late <= 0
    observed = "yes" if right else f"{(seen - began) / 60 if early > 0 else (seen - ended) / 60:+.0f} minutes"
    suspect = Suspect(
        RANK_SERVICE + 3,
        f"clock of {machine} is wrong ({observed})",
        "Certificates, signatures of the API and logs depend on it. timedatectl and chronyc tracking say who sets it; "
        "or the operator's own clock is the wrong one.",
        repair(environment, "host_baseline"),
    )
    return [judged(f"{machine} has the operator's time", "yes", observed, right, suspect)]


def judge_certificate(machine: str, evidence: dict[str, Any], environment: str) -> list[Finding]:
    """There is one, it is for the name that is asked, and it does not end soon."""
    findings = []
    for one in evidence["certificates"]:
        whose = f"certificate of {machine}" + (f" for {one['asked']}" if one["asked"] else "")
        days, named = one["days"], ", ".join(one["names"]) or "nobody"
        if days is None:
            observed, said, look = "none", f"{whose} is not shown on port 443", "Nobody answers there in TLS."
        elif one["asked"] and not any(fits(one["asked"], name) for name in one["names"]):
            observed, said, look = f"for {named}", f"{whose} is for {named}", "Browsers warn of an attacker."
        else:
            observed, said = f"{days} days", f"{whose} " + (f"ends in {days} days" if days >= 0 else "has ended")
            look = "Browsers refuse it afterwards. Let's Encrypt's is renewed by itself a month before: look why not."
        good = observed == f"{days} days" and days >= LEAST_DAYS
        look += f" openssl s_client -connect localhost:443 -servername {one['asked'] or 'NAME'} on {machine} shows it."
        suspect = Suspect(RANK_SERVICE + 4, said, look, repair(environment, "nginx_proxy"))
        findings.append(judged(f"{whose} is good for", f">= {LEAST_DAYS} days", observed, good, suspect))
    return findings


def fits(asked: str, name: str) -> bool:
    """As browsers compare (RFC 6125): a star stands for one label, the first."""
    asked, name = asked.lower(), name.lower()
    return asked == name or (name.startswith("*.") and asked.partition(".")[2] == name[2:])


def clues(machine: str, evidence: dict[str, Any], environment: str) -> list[Suspect]:
    """What may explain a wrong answer, and is no fault where all answers are right: a filter on the machine."""
    rules = [
        f"{table} {rule}"
        for table, lines in (evidence["rules"] or {}).items()
        for rule in lines
        if (rule.startswith(":") and "FORWARD" not in rule and rule.split()[1] in DROPS)
        or (rule.startswith("-A") and any(f"-j {verdict}" in rule for verdict in DROPS))
    ]
    if not rules:
        return []
    return [
        Suspect(
            RANK_CHANGE - 1,
            f"packet filter on {machine}: {rules[0]}",
            f"It drops packets on the machine itself: {'; '.join(rules)}",
            repair(environment),
        )
    ]
