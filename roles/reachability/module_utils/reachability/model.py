"""The words of the proof: a cell of the matrix, a finding with its verdict, a suspect with its repair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

EVERYWHERE = "0.0.0.0/0"
OUTSIDE = ("operator", "internet")  # both are asked from the operator's machine
OTHER = "other environment"


@dataclass(frozen=True)
class Cell:
    """One row of the matrix: who asks whom, for what, and what the answer should be."""

    source: str
    target: str
    port: int
    expect: str
    reason: str
    protocol: str = "tcp"
    packets: bool = True  # False: only the API is asked

    @classmethod
    def parse(cls, row: dict[str, Any]) -> Cell:
        return cls(
            source=str(row["from"]),
            target=str(row["to"]),
            port=int(row.get("port") or 0),
            expect=str(row["expect"]),
            reason=str(row["reason"]),
            protocol=str(row.get("protocol") or "tcp"),
            packets=bool(row.get("packets", True)),
        )

    @property
    def service(self) -> str:
        """`:80`, `:53/udp` or ` icmp`, to stand behind a name."""
        if self.protocol == "icmp":
            return " icmp"
        return f":{self.port}" + ("" if self.protocol == "tcp" else f"/{self.protocol}")

    @property
    def name(self) -> str:
        return f"{self.source} -> {self.target}{self.service}"


# A translator that is no machine: the managed NAT gateway.
NAT_GATEWAY = "NAT gateway"


@dataclass(frozen=True)
class Intent:
    """What the API is compared with."""

    matrix: list[Cell]
    admin_cidrs: list[str]
    translator: dict[str, str]  # tier -> tier that translates for it on the way out, or NAT_GATEWAY
    environment: str


@dataclass(frozen=True)
class Suspect:
    """What to look at first; the lower the rank, the nearer to the cause."""

    rank: int
    name: str
    look: str
    repair: str


@dataclass(frozen=True)
class Finding:
    """One question with both answers; `ok` is None when nobody could be asked."""

    topic: str
    question: str
    intended: str
    observed: str
    ok: bool | None
    reason: str = ""
    suspect: Suspect | None = None
    declared: str = ""  # of a row of the matrix: what the API says, and the rule that decides
    decided_by: str = ""

    @property
    def verdict(self) -> str:
        return {True: "ok", False: "WRONG", None: "not asked"}[self.ok]


# Ranks follow the way of a packet: what is broken further down explains what fails further up.
RANK_MACHINE = 10
RANK_ADDRESS = 15
RANK_GROUP = 20
RANK_ROUTE = 25
RANK_PATH = 28  # the rule that the path analysis ends at, where none of the above says it better
RANK_LOGIN = 30
RANK_KERNEL = 40
RANK_SERVICE = 50
RANK_LISTENER = 60
RANK_CHANGE = 65  # what is not as it was when all was well
RANK_APPLICATION = 70
RANK_PACKET = 90


def repair(environment: str, tag: str = "") -> str:
    """The command that puts it right, as narrow as the fault allows."""
    command = f"ansible-playbook playbooks/site.yml --limit {environment}"
    return f"{command} --tags {tag}" if tag else command


def declaration(question: str, intended: str, observed: str, ok: bool, suspect: Suspect, reason: str = "") -> Finding:
    """A finding about what the API declares; the suspect counts where it is wrong."""
    return Finding("declared", question, intended, observed, ok, reason, None if ok else suspect)
