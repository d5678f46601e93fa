"""Try one fault on a green environment: caught, named, repaired, and green again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.operator import Operator
from tests.mutations.fault import Fault

WHOLE_RUN = "ansible-playbook playbooks/site.yml --limit playground"


@dataclass
class Trial:
    """What became of a fault; `output` is of the first step that did not do what it should."""

    fault: Fault
    caught: bool = False
    named: bool = False
    repaired_by: str = ""
    seconds: float = 0.0
    suspects: tuple[str, ...] = ()
    output: str = ""

    def keep(self, folder: Path) -> None:
        """Write the outcome down, for the page that is made when every fault was tried."""
        kept = {"caught": self.caught, "named": self.named, "repaired_by": self.repaired_by, "suspects": self.suspects}
        (folder / f"{self.fault.name}.json").write_text(json.dumps(kept, indent=2))
        log = folder / f"{self.fault.name}.log"
        log.write_text("" if self.is_good else self.output)

    @classmethod
    def kept(cls, fault: Fault, folder: Path) -> Trial | None:
        """The outcome of an earlier run."""
        file = folder / f"{fault.name}.json"
        return cls(fault, **json.loads(file.read_text())) if file.exists() else None

    @property
    def is_good(self) -> bool:
        return self.caught and self.named and bool(self.repaired_by)


def try_fault(operator: Operator, fault: Fault) -> Trial:
    """The environment is green before, and after if the trial is good."""
    trial = Trial(fault)
    known = fault.inject(operator)
    done, report = operator.verify()
    trial.seconds = done.seconds
    trial.suspects = tuple(suspect["name"] for suspect in report["suspects"][:2])
    trial.caught, trial.named = done.status != 0, fault.is_named_in(report)
    if not trial.is_good:
        trial.output = done.output
    repair(operator, trial, report, known)
    return trial


def repair(operator: Operator, trial: Trial, report: dict[str, Any], known: dict[str, str]) -> None:
    """As the first two suspects advise; else by a whole run; else by a person, if the fault says so."""
    commands = [suspect["repair"] for suspect in report["suspects"][:2]]
    for command in dict.fromkeys([*commands, WHOLE_RUN]) if not trial.fault.person else ():
        run = operator.playbook(command)
        if trial.fault.afterwards and run.status == 0:
            trial.fault.take_back(operator, known)
        done, found = operator.verify()
        if done.status == 0 and found["green"]:
            trial.repaired_by = command.partition("playground")[2].strip() or "site.yml"
            return
        trial.output = run.output + done.output
    trial.fault.take_back(operator, known)
    done, _ = operator.verify()
    if done.status == 0 and trial.fault.person:
        trial.repaired_by = "a person"
    elif done.status != 0:
        trial.output += done.output
