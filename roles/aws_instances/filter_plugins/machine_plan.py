# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Tell everything that is wrong with the machines that are asked for, before EC2 is asked to launch them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

INSTANCES = "group_vars/all/instances.yml"
# Types with a g after the generation are Graviton: t4g, m7g, c7gn. So is a1.
GRAVITON = re.compile(r"(a1|[a-z]+[0-9]+g[a-z]*)[.]")
TYPE = re.compile(r"[a-z][a-z0-9-]*[.][a-z0-9-]+")


def machine_plan_problems(plan: dict[str, Any]) -> list[str]:
    """Return one sentence for each mistake: the value, why it cannot work, where to change it."""
    return list(_problems(plan))


def _problems(plan: dict[str, Any]) -> Iterator[str]:
    if plan["image_refused"]:
        yield plan["image_refused"]
    for kind in dict.fromkeys(plan["types"]):
        needed = "arm64" if GRAVITON.match(kind) else "x86_64"
        if not TYPE.fullmatch(kind):
            yield f"The type {kind!r} is none that EC2 could know; it would be like t3.micro. Change it in {INSTANCES}."
        elif needed != plan["architecture"]:
            yield (
                f"The type {kind} is a machine for {needed}, and the image is one for {plan['architecture']}, so EC2 "
                f"would refuse the launch. Change architecture or the type in {INSTANCES}."
            )
    if plan["spot"] and plan["protected"]:
        yield (
            f"spot is {' and '.join(plan['spot'])}, and AWS may take such a machine back with two minutes' notice, its "
            "disk too. This environment's machines are protected from termination "
            "(aws_instances_termination_protection), so it may have none. Set spot to [] for it, in "
            "group_vars/<environment>.yml."
        )
    replaced = set(plan["replaced"])
    if replaced - {"public", "private", "data-too"} or ("private" in replaced and "data-too" not in replaced):
        yield (
            f"replace is {','.join(plan['replaced'])}. It takes public, or private,data-too: the disk of the private "
            "machine goes with it, and all databases on it. Dump them first. Nothing was changed."
        )


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"machine_plan_problems": machine_plan_problems}
