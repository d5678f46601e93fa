"""Judge what users get: the page, the way out, the two ways to log in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from .model import RANK_ADDRESS, RANK_APPLICATION, RANK_LOGIN, Finding, Suspect, repair
from .probe import NEVER_FROM_OUTSIDE


def first_match(pattern: str, text: str) -> str:
    """The first group of the pattern in the text, or nothing."""
    found = re.search(pattern, text)
    return (found.group(1) if found.groups() else found.group()).strip() if found else ""


def shorten(text: str, width: int = 44) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."


def page_suspect(
    answer: Mapping[str, Any], environment: str, local: Mapping[str, Any] | None, row_pattern: str
) -> Suspect:
    """Which of the three programs behind the page to look at.

    `local` is what the application server answers to its own machine: past the proxy, the groups and the gateway.
    """
    status, text = answer["status"], shorten(answer["text"], 160)
    if status == 503 or (local and local["status"] == 503):
        text = shorten(local["text"], 160) if local and status != 503 else text
        return Suspect(
            RANK_APPLICATION,
            f"MySQL on private, or the application's account in it: {reason_in(text)}",
            f"The application answers 503: {text}",
            repair(environment, "mysql_server,tomcat"),
        )
    if local and local["status"] == 200 and (not row_pattern or first_match(row_pattern, local["text"])):
        return Suspect(
            RANK_APPLICATION - 1,
            "nginx on public: it does not hand on to Tomcat",
            f"Tomcat itself answers well on its own machine; by way of nginx the answer is {status or 'none'}: "
            f"{text or answer.get('error', '')}. Look at proxy_pass, at other sites (nginx -T), and at its error log.",
            repair(environment, "nginx_proxy"),
        )
    if status == 0:
        return Suspect(
            RANK_APPLICATION,
            "nginx on public",
            f"The page gave no answer: {answer.get('error', '')}.",
            repair(environment, "nginx_proxy"),
        )
    if status in (502, 504):
        return Suspect(
            RANK_APPLICATION,
            "tomcat on public",
            f"nginx answers {status}: Tomcat behind it does not.",
            repair(environment, "tomcat"),
        )
    return Suspect(RANK_APPLICATION + 1, "the application", f"{status}: {text}", repair(environment, "tomcat"))


def reason_in(text: str) -> str:
    """The application's own words for it, if it has any."""
    return first_match(r"(the (?:database|application's|table) [^.]*)", text) or "it says 503"


def judge_page(
    answer: Mapping[str, Any] | None, row_pattern: str, environment: str, local: Mapping[str, Any] | None = None
) -> list[Finding]:
    """The page answers 200, and shows what only the database can have given it."""
    if answer is None:
        return []
    ok = answer["status"] == 200
    observed = f"{answer['status']}" if answer["status"] else shorten(str(answer.get("error", "")))
    suspect = None if ok else page_suspect(answer, environment, local, row_pattern)
    findings = [Finding("service", "operator opens the page", "200", observed, ok, "", suspect)]
    if not row_pattern:
        return findings
    row = first_match(row_pattern, answer["text"]) if ok else ""
    findings.append(
        Finding(
            "service",
            "the page shows a row of the database",
            "a row",
            shorten(row) if row else "none",
            bool(row) if ok else None,
            "it crosses every machine and every group on its way",
            None if row or not ok else page_suspect(answer, environment, local, row_pattern),
        )
    )
    return findings


def judge_balanced(answer: Mapping[str, Any] | None, row_pattern: str, environment: str) -> list[Finding]:
    """The page by way of the load balancer shows what only the database can have given it."""
    if answer is None:
        return []
    row = first_match(row_pattern, answer["text"]) if row_pattern else "not asked"
    ok = answer["status"] == 200 and bool(row)
    said = f"{answer['status'] or answer.get('error', '')} {shorten(answer['text'])}".strip()
    suspect = Suspect(
        RANK_APPLICATION,
        "the machines behind the load balancer",
        f"By way of the load balancer the answer is {said}. 503: none of them is well, 502: one refuses. "
        "aws elbv2 describe-target-health, and the log of onebox-join and onebox-prove on one of them, say more.",
        f"ansible-playbook playbooks/create_balanced.yml --limit {environment}",
    )
    observed = f"200, {row}" if ok else said
    return [
        Finding(
            "service", "the page through the balancer", "200, a row", shorten(observed), ok, "", None if ok else suspect
        )
    ]


def judge_client(
    answer: Mapping[str, Any] | None, client_pattern: str, operator: str, environment: str
) -> list[Finding]:
    """The application saw the client itself, not the proxy in front of it."""
    if answer is None or not client_pattern:
        return []
    seen = first_match(client_pattern, answer["text"]) if answer["status"] == 200 else ""
    question, intended = "the page sees its client", operator or "a public address"
    if answer["status"] != 200:
        return [Finding("service", question, intended, "-", None)]
    ok = bool(seen) and (seen == operator or is_client(seen))
    suspect = Suspect(
        RANK_APPLICATION + 2,
        "forwarded headers (RemoteIpValve in Tomcat, X-Forwarded-For in nginx)",
        f"The application took {seen or 'nobody'} for its client; SSH saw {operator or 'nobody'}.",
        repair(environment, "tomcat,nginx_proxy"),
    )
    return [Finding("service", question, intended, seen or "none", ok, "", None if ok else suspect)]


def is_client(text: str) -> bool:
    """An address that can come from the internet: some networks use several for one person."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not any(address in network for network in NEVER_FROM_OUTSIDE)


def judge_egress(machine: str, answer: Mapping[str, Any] | None, elastic_ip: str, environment: str) -> Finding:
    """What a service out there takes for the machine's address."""
    question = f"{machine} is seen on the internet as"
    if answer is None:
        return Finding("service", question, elastic_ip, "-", None)
    observed = shorten(answer["text"]) if answer["status"] == 200 else "no answer"
    ok = observed == elastic_ip and bool(elastic_ip)
    suspect = Suspect(
        RANK_APPLICATION + 3,
        f"way out of {machine}",
        f"{machine} should be seen as {elastic_ip or 'an Elastic IP'}; "
        f"the answer was: {observed} {answer.get('error', '')}".rstrip()
        + ".",
        repair(environment, "nat_masquerade"),
    )
    return Finding("service", question, elastic_ip or "an Elastic IP", observed, ok, "", None if ok else suspect)


def judge_logins(
    logins: Mapping[str, Mapping[str, Any]], bastion_address: str, address: str, environment: str
) -> list[Finding]:
    """Both ways through the bastion end on the private machine, and come from the bastion, which is at `address`."""
    ways = {
        "jump": ("operator reaches private by ProxyJump", "AllowTcpForwarding in sshd of public"),
        "agent": ("operator reaches private by agent", "AllowAgentForwarding in sshd of public"),
    }
    entry = judge_entry(logins.get("public"), address, environment)
    asked = {way: logins[way] for way in ways if way in logins}
    good = {way: login["ok"] and login["peer"] == bastion_address for way, login in asked.items()}
    findings = list(entry)
    is_way = all(finding.ok for finding in entry)  # who cannot enter the bastion comes to nobody behind it
    for way, login in asked.items():
        question, setting = ways[way]
        observed = f"from {login['peer']}" if login["ok"] else shorten(str(login["error"]))
        suspect = Suspect(
            RANK_LOGIN + 5,
            # One way works: what the other needs is switched off. Neither: it is not about the ways.
            setting if any(good.values()) else end_of_both(str(login["error"])),
            f"The login failed: {login['error'] or observed}",
            repair(environment, "ssh_bastion"),
        )
        findings.append(
            Finding(
                "service",
                question,
                f"from {bastion_address}",
                observed,
                good[way],
                "people and Ansible come this way",
                suspect if is_way and not good[way] else None,
            )
        )
    return findings


def end_of_both(error: str) -> str:
    """The bastion let the login pass, and the machine behind it did not; or it came to nobody."""
    return "private refuses the operator's key" if "publickey" in error else "way through the bastion to private"


def judge_entry(login: Mapping[str, Any] | None, address: str, environment: str) -> list[Finding]:
    """A new login, host key checked: Ansible itself may still have the connection of an earlier run."""
    if login is None:
        return []
    error = str(login["error"])
    suspect = Suspect(RANK_LOGIN, "SSH login to public", f"A new login failed: {error}", repair(environment))
    asked = str(login.get("host", ""))
    if address and asked not in ("", address):
        suspect = Suspect(
            RANK_ADDRESS + 1,
            f"Elastic IP of public is {address}, and ssh_config leads to {asked}",
            f"The machine has another address than the one that was written down; the login failed: {error}",
            repair(environment, "aws_instances"),
        )
    observed = "yes" if login["ok"] else shorten(error)
    question, ok = "operator logs in to public anew", bool(login["ok"])
    return [Finding("service", question, "yes", observed, ok, "", None if ok else suspect)]


def judge_database(machine: str, answer: str, environment: str) -> list[Finding]:
    """The application's account is admitted now, and not only to the connections that its pool still has."""
    if not answer:
        return []
    suspect = Suspect(
        RANK_APPLICATION - 2,
        f"MySQL on private, or the application's account in it: {shorten(answer, 100)}",
        f"{machine} cannot log in to the database as the application does: {answer}",
        repair(environment, "mysql_server,tomcat"),
    )
    ok = answer == "ok"
    question = f"{machine} logs in to the database anew"
    return [Finding("service", question, "ok", shorten(answer), ok, "", None if ok else suspect)]
