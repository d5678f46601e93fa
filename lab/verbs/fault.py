"""Let the API fail on demand, or a machine's line or disk."""

from __future__ import annotations

import argparse
import json
from typing import Any

from lab import client, registry
from lab.api.faults import KINDS
from lab.config import LabConfig
from lab.errors import LabError
from lab.machines import ailments
from lab.verbs.speech import say

EXAMPLES = """\
examples:
  lab fault add throttle --chance 0.3              AWS throttles 30 % of all calls
  lab fault add lost-reply --mutating --nth 3      the third change is made, but its answer never arrives
  lab fault add internal-error --action 'Create*' --count 2
                                                   the first two creations fail with a 500
  lab fault add slow --ms 180                      the region is on the other side of the world
  lab fault add no-capacity                        no machine is to be had
  lab fault add loss sidedish-playground-private --amount 10
                                                   a tenth of its packets is lost; also delay, rate, mtu, full-disk
  lab fault list                                   what is set, and how often it struck
  lab fault clear 2                                forget the second; a machine's name heals it; without either, all

An action is a pattern, `Create*` or with its service `ssm:Put*`. A call that a client repeats by itself counts anew.
The same --seed over the same calls strikes the same ones.
"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES
    verbs = parser.add_subparsers(dest="what", required=True, metavar="add|list|clear")
    raw = argparse.RawDescriptionHelpFormatter
    kinds = "\n".join(f"  {name:<15} {kind.says}" for name, kind in KINDS.items())
    kinds += "\n" + "\n".join(f"  {name:<15} {says}" for name, (_, says) in ailments.KINDS.items())
    add = verbs.add_parser("add", help="set a fault", epilog=f"kinds:\n{kinds}\n\n{EXAMPLES}", formatter_class=raw)
    add.add_argument("kind", metavar="KIND", choices=[*KINDS, *ailments.KINDS], help="see below")
    add.add_argument("machine", nargs="?", help="for its line or disk: Name tag or instance id")
    add.add_argument("--amount", type=int, metavar="N", help="for a machine's line: percent, ms, kbit/s or bytes")
    add.add_argument("--action", action="append", dest="actions", metavar="GLOB", help="only these calls; repeatable")
    add.add_argument("--mutating", action="store_true", help="only calls that may change something")
    add.add_argument("--chance", type=float, metavar="P", help="strike with this probability (default: 1, always)")
    add.add_argument("--nth", type=int, metavar="N", help="strike only the Nth of those calls, counted from now")
    add.add_argument("--count", type=int, metavar="N", help="strike at most N times")
    add.add_argument("--seed", type=int, metavar="N", help="another throw of the dice (default: 0)")
    add.add_argument("--ms", type=int, metavar="MS", help="for slow: milliseconds that each answer takes longer")
    lists = verbs.add_parser("list", help="show the faults and how often they struck")
    lists.add_argument("--json", action="store_true", help="for scripts")
    clear = verbs.add_parser("clear", help="forget faults, all or by number or machine")
    clear.add_argument("which", nargs="*", metavar="NUMBER|MACHINE")
    for one in (add, lists, clear):  # also after the second word, where people type it
        one.add_argument("--name", default=argparse.SUPPRESS, help="which lab, if several run side by side")


def run(given: argparse.Namespace) -> None:
    """Set, show or forget faults; docs/lab-faults.md says what real event each stands for."""
    config = registry.find(given.name)
    if given.what == "add" and given.kind in ailments.KINDS:
        if given.machine is None:
            raise LabError(f"{given.kind} befalls a machine, and none is named", hint="name one of lab status")
        found = client.ask(config, "ailment-add", which=given.machine, kind=given.kind, amount=given.amount)
        name = found["name"] or found["id"]
        say(f"{name} suffers {given.kind}; heal it: lab fault clear {name}")
    elif given.what == "add":
        if given.machine is not None:
            raise LabError(f"{given.kind} befalls the API, not {given.machine}", hint="leave the machine out")
        terms = {key: getattr(given, key) for key in ("actions", "mutating", "chance", "nth", "count", "seed", "ms")}
        terms = {key: value for key, value in terms.items() if value is not None}
        fault = client.ask(config, "fault-add", kind=given.kind, **terms)
        say(f"fault {fault['number']} is set: {_terms(fault)}")
    elif given.what == "clear":
        _clear(config, given.which)
    else:
        faults = client.ask(config, "fault-list")["faults"]
        machines = _ailing(config)
        print(json.dumps(faults + machines, indent=1) if given.json else _table(faults, machines))


def _ailing(config: LabConfig) -> list[dict[str, Any]]:
    try:
        machines: list[dict[str, Any]] = client.ask(config, "ailment-list")["machines"]
    except LabError:  # a lab that runs since before it knew of them
        return []
    return machines


def _clear(config: LabConfig, which: list[str]) -> None:
    numbers, names = [int(one) for one in which if one.isdigit()], [one for one in which if not one.isdigit()]
    said = []
    if numbers or not which:
        gone = client.ask(config, "fault-clear", numbers=numbers)["cleared"]
        said.append(f"cleared {len(gone)} faults" if len(gone) != 1 else f"cleared fault {gone[0]}")
    if names or (not which and _ailing(config)):
        healed = client.ask(config, "ailment-clear", which=names)["healed"]
        said += [f"healed {', '.join(healed)}"] if healed else []
        if missing := set(names) - set(healed):
            said.append(f"{', '.join(sorted(missing))} had nothing to heal")
    say("; ".join(said))


def _terms(fault: dict[str, Any]) -> str:
    """One fault in words: `throttle, 30 % of Create*, changes only, seed 7`."""
    words = [str(fault["kind"]) + (f" by {fault['ms']} ms" if fault["ms"] else "")]
    chosen = "all calls" if fault["actions"] == ["*"] else " ".join(fault["actions"])
    words.append(f"{fault['chance']:.0%} of {chosen}" if fault["chance"] < 1 else chosen)
    if fault["mutating"]:
        words.append("changes only")
    if fault["nth"]:
        words.append(f"number {fault['nth']}")
    if fault["count"]:
        words.append(f"at most {fault['count']} times")
    if fault["seed"]:
        words.append(f"seed {fault['seed']}")
    return ", ".join(words)


def _suffers(machine: dict[str, Any]) -> str:
    """One machine in words: `web  loss 10, full-disk`."""
    words = [f"{kind} {machine[key]}" for kind, (key, _) in ailments.KINDS.items() if key and _is_set(machine, key)]
    words += ["full-disk"] if machine["full_disk"] else []
    return f"{machine['name'] or machine['machine']}  {', '.join(words)}"


def _is_set(machine: dict[str, Any], key: str) -> bool:
    return bool(machine[key] != getattr(ailments.HEALTHY, key))


def _table(faults: list[dict[str, Any]], machines: list[dict[str, Any]]) -> str:
    if not faults and not machines:
        return "no fault is set"
    lines = [f"{one['number']:>3}  struck {one['struck']:>4} of {one['seen']:>5}  {_terms(one)}" for one in faults]
    return "\n".join([*lines, *map(_suffers, machines)])
