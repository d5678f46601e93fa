"""The twelve, in the order of a VPC course."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from learn import foundations, pencil, services
from learn.need import Need
from learn.pencil import Question
from learn.world import World

REPO = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Exercise:
    """A page in each language, a check, and perhaps questions for a pencil."""

    number: int
    slug: str
    check: Callable[[World], Iterator[Need]]
    questions: Callable[[str], list[Question]] = lambda seed: []

    def page(self, language: str) -> Path:
        folder = Path("docs/learn") / ("ko" if language == "ko" else "")
        return folder / f"{self.number:02}-{self.slug}.md"

    def title(self, language: str) -> str:
        """The first line of the page: `# 7. The bastion`."""
        with (REPO / self.page(language)).open() as page:
            return page.readline().removeprefix("# ").strip()


EXERCISES = [
    Exercise(1, "addresses", foundations.addresses, pencil.prefixes),
    Exercise(2, "private-ranges", foundations.private_ranges, lambda seed: [pencil.private_question(seed)]),
    Exercise(3, "subnets", foundations.subnets),
    Exercise(4, "internet-gateway", foundations.internet_gateway),
    Exercise(5, "route-tables", foundations.route_tables),
    Exercise(6, "security-groups", foundations.security_groups),
    Exercise(7, "bastion", services.bastion),
    Exercise(8, "nat-instance", services.nat_instance),
    Exercise(9, "managed-gateway", services.managed_gateway, lambda seed: [pencil.gateway_price()]),
    Exercise(10, "s3-endpoint", services.s3_endpoint),
    Exercise(11, "rds", services.database),
    Exercise(12, "tear-down", services.teardown),
]


def seed_of(world: World) -> str:
    """What makes the questions of one lab differ from those of another: the id of its default VPC."""
    return next((str(one["VpcId"]) for one in world.all("vpcs") if one["IsDefault"]), "")
