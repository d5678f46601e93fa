"""The picture as text for Graphviz: boxes in boxes, and arrows. Colours are left to the style of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from ..paths.account import Account, Interface, Subnet, Table, Vpc
from .arrows import Arrow

HEAD = """\
digraph picture {
  graph [rankdir=LR, compound=true, newrank=true, fontname="DejaVu Sans", fontsize=12, nodesep=0.5, ranksep=0.9,
         splines=true, pad=0.2, bgcolor="transparent", labeljust=l, style=rounded]
  node [fontname="DejaVu Sans", fontsize=12, shape=plain]
  edge [fontname="DejaVu Sans", fontsize=12, arrowsize=0.8, penwidth=1.8]
"""


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def roomy(text: str) -> str:
    """Graphviz may not have the font of the reader, whose letters may be wider: a tenth more room."""
    return escape(text) + "&#160;" * (len(text) // 9 + 1)


def box(title: str, lines: Iterable[str], width: int = 130) -> str:
    """A label of one bold line and some small ones."""
    rows = [f'<TR><TD ALIGN="LEFT"><B>{roomy(title)}</B></TD></TR>']
    rows += [f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="10.5">{roomy(line)}</FONT></TD></TR>' for line in lines if line]
    attributes = (
        f'BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" STYLE="ROUNDED" BGCOLOR="white" WIDTH="{width}"'
    )
    return f"<<TABLE {attributes}>{''.join(rows)}</TABLE>>"


def heading(title: str, lines: Iterable[str]) -> str:
    """The label of a cluster."""
    rows = [f'<TR><TD ALIGN="LEFT"><B>{roomy(title)}</B></TD></TR>']
    rows += [f'<TR><TD ALIGN="LEFT"><FONT POINT-SIZE="10">{roomy(line)}</FONT></TD></TR>' for line in lines if line]
    return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>>'


class Graph:
    """One environment's picture."""

    def __init__(self, account: Account, vpc: Vpc, details: Mapping[str, Any], arrows: list[Arrow]) -> None:
        self.account, self.vpc, self.details, self.arrows = account, vpc, details, arrows
        self.names = {one.id: one.name for one in account.groups}

    def text(self) -> str:
        """All of it."""
        return "\n".join([HEAD, *self._outside(), *self._inside(), *map(self._arrow, self.arrows), "}\n"])

    def _used(self, place: str) -> bool:
        return any(place in (one.source, one.target) for one in self.arrows)

    def _outside(self) -> list[str]:
        outside = {
            "operator": ("operator", self.details["admin_cidrs"], "outside"),
            "internet": ("the internet", ["everybody"], "outside"),
            "other environment": ("other environments", [], "outside"),
            "s3": ("Amazon S3", ["by the VPC's endpoint"], "outside"),
        }
        return [
            f"  {quoted(place)} [label={box(title, lines)}, class={quoted(kind)}]"
            for place, (title, lines, kind) in outside.items()
            if self._used(place)
        ]

    def _inside(self) -> list[str]:
        title = f"VPC {self.vpc.environment}  {', '.join(map(str, self.vpc.cidrs))}"
        facts = [self.vpc.id, f"internet gateway {self.vpc.gateway}" if self.vpc.gateway else "no internet gateway"]
        lines = ["  subgraph cluster_vpc {", f"    label={heading(title, facts)}; class=vpc; margin=18"]
        zones: dict[str, list[Subnet]] = {}
        for subnet in self.account.subnets:
            if subnet.vpc == self.vpc.id:
                zones.setdefault(self.details["zones"].get(subnet.id, ""), []).append(subnet)
        for zone, subnets in sorted(zones.items()):
            lines += [f"    subgraph {quoted('cluster_' + zone)} {{"]
            lines += [f"      label={heading('zone ' + zone, [])}; class=zone; margin=14"]
            for subnet in subnets:
                lines += self._subnet(subnet)
            lines += ["    }"]
        return [*lines, "  }"]

    def _subnet(self, subnet: Subnet) -> list[str]:
        table = self.account.table_of(subnet)
        label = heading(f"{subnet.tier or subnet.id} subnet  {subnet.cidr}", self._routes(table))
        lines = [f"      subgraph {quoted('cluster_' + subnet.id)} {{", f"        label={label}"]
        lines += [f"        class={quoted('subnet ' + subnet.tier)}; margin=16"]
        residents = [one for one in self.account.interfaces if one.subnet == subnet.id and one.owner]
        for nic in residents:
            lines.append(f"        {quoted(self._node(nic))} [label={self._machine(nic)}, class={quoted(nic.tier)}]")
        if not residents:  # so that the subnet is drawn at all
            node = subnet.tier or subnet.id
            lines.append(f"        {quoted(node)} [label={box('no machine here', [])}, class=empty]")
        return [*lines, "      }"]

    def _node(self, nic: Interface) -> str:
        """A tier stands for its first machine, so that the rows of the matrix find it."""
        first = next((one for one in self.account.interfaces if one.tier == nic.tier and one.vpc == self.vpc.id), None)
        return nic.tier if nic.tier and first and first.id == nic.id else nic.id

    def _machine(self, nic: Interface) -> str:
        facts = self.details["machines"].get(nic.owner, {})
        translates = "forwards for others (NAT)" if not nic.check and nic.owner.startswith("i-") else ""
        lines = [
            f"{facts.get('type', '')} {facts.get('id', nic.owner)}".strip(),
            f"{nic.address}" + (f"   public {nic.public}" if nic.public else "   no public address"),
            "groups: " + (", ".join(self.names.get(one, one) for one in nic.groups) or "none"),
            translates,
            "" if nic.is_up else f"it is {nic.state}",
        ]
        return box(nic.name or nic.owner, lines)

    def _routes(self, table: Table | None) -> list[str]:
        if table is None:
            return []
        shown = []
        for route in table.routes:
            if route.target == "local":
                continue
            to = "S3" if route.destination.startswith("pl-") else route.destination
            shown.append(f"{to} to {self._target(route.target)}" + ("" if route.active else " (black hole)"))
        return [f"routes: {'; '.join(shown) or 'inside the VPC only'}"]

    def _target(self, target: str) -> str:
        nic = next((one for one in self.account.interfaces if target in (one.id, one.owner)), None)
        if nic and nic.tier:
            return nic.tier
        kinds = {"igw": "the internet gateway", "nat": "the NAT gateway", "vpce": "the endpoint"}
        return kinds.get(target.partition("-")[0], target)

    def _arrow(self, arrow: Arrow) -> str:
        state = "wrong" if arrow.is_wrong else "verified" if arrow.is_verified else "unverified"
        kind = "open" if arrow.is_open else "closed"
        style = "solid" if arrow.is_open else "dashed"
        attributes = {
            "id": f"arrow-{arrow.id}",
            "class": f"{kind} {state}",
            "style": style,
            "arrowhead": "normal" if arrow.is_open else "tee",
            "label": f" {arrow.label} ",
            "tooltip": f"{arrow.source} to {arrow.target}: {arrow.label}",
        }
        # What leaves the VPC must not pull its target to the other side of the picture.
        if arrow.target == "internet" or (arrow.source, arrow.target) == ("private", "public"):
            attributes["constraint"] = "false"
        listed = ", ".join(f"{key}={quoted(value)}" for key, value in attributes.items())
        return f"  {quoted(arrow.source)} -> {quoted(arrow.target)} [{listed}]"
