"""Try every fault on a lab of its own, print the table, and keep it in docs/mutations.md. See script/mutations."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.e2e.operator import REPO, Operator
from tests.mutations.fault import Fault, every_fault
from tests.mutations.trial import Trial, try_fault

PAGE = REPO / "docs/mutations.md"
HEAD = """\
# Faults, and whether the proof finds them

Each is set on a living environment on the lab. `playbooks/verify.yml` must then fail (caught) and name the fault
among its first two suspects (named). Then their advice is followed; where that is not enough, the whole of `site.yml`
is run; where the fault says why, a person does what no run may. And `verify` must be green again (repaired).
The files are in [tests/mutations/faults](../tests/mutations/faults); `script/mutations` writes this page.

"""


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


def ready(operator: Operator) -> bool:
    """Build the environment if it is not there; whether it is green."""
    operator.run("lab", "up", "--name", operator.lab_name, "--port", str(operator.port), seconds=300, aws=False).check()
    operator.make_key()
    done = operator.play("verify")
    if done.status:  # nothing is there yet, or it is broken
        operator.play("site").check()
        done = operator.play("verify")
    if done.status:
        say(done.output)
    return done.status == 0


def row(trial: Trial) -> tuple[str, str, str, str]:
    repaired = trial.repaired_by or "NO"
    if trial.fault.person:
        repaired += f": {trial.fault.person}"
    return trial.fault.fault, "yes" if trial.caught else "NO", "yes" if trial.named else "NO", repaired


def earlier_rows() -> dict[str, tuple[str, ...]]:
    """What the page says of each fault: outcomes that were seen on other machines count too."""
    lines = PAGE.read_text().splitlines() if PAGE.exists() else []
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("|")]
    return {cells[0]: cells for cells in rows}


def page(rows: list[tuple[str, ...]]) -> str:
    tried = [cells for cells in rows if cells[1] != "not tried"]
    people = sum(cells[3].startswith("a person") for cells in tried)
    counts = (
        f"{len(rows)} faults, {len(tried)} tried: {sum(cells[1] == 'yes' for cells in tried)} caught, "
        f"{sum(cells[2] == 'yes' for cells in tried)} named, "
        f"{sum(not cells[3].startswith('NO') for cells in tried)} repaired, {people} of them by a person.\n\n"
    )
    table = ["| fault | caught | named | repaired by |", "|---|---|---|---|"]
    return HEAD + counts + "\n".join([*table, *(f"| {' | '.join(cells)} |" for cells in rows)]) + "\n"


def outcomes(log: Path) -> list[tuple[str, ...]]:
    """The last outcome of every fault: from this machine, from the page, or none."""
    found: list[tuple[str, ...]] = []
    earlier = earlier_rows()
    for fault in every_fault():
        trial = Trial.kept(fault, log)
        found.append(row(trial) if trial else earlier.get(fault.fault, (fault.fault, "not tried", "", "")))
    return found


def run(operator: Operator, faults: list[Fault], log: Path) -> list[Trial]:
    trials = []
    for fault in faults:
        began = time.monotonic()
        trial = try_fault(operator, fault)
        trials.append(trial)
        trial.keep(log)
        verdict = "ok" if trial.is_good else "NOT GOOD"
        say(
            f"{fault.name:<32} caught {trial.caught!s:<5} named {trial.named!s:<5} "
            f"repaired by {trial.repaired_by or '-':<40} {time.monotonic() - began:4.0f} s  {verdict}"
        )
        if not trial.is_good:
            say(f"    suspects: {trial.suspects}")
        if not trial.repaired_by and not ready(operator):
            say("    and a whole run does not make it green again, so nothing more can be tried")
            break
    return trials


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/mutations", description=__doc__)
    parser.add_argument("fault", nargs="*", help="only these; docs/mutations.md keeps the last outcome of the others")
    parser.add_argument("--lab", default="mutations", help="its name; one that runs already is used")
    parser.add_argument("--port", type=int, default=4710)
    parser.add_argument("--build-dir", type=Path, help="where its key and ssh_config are")
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    given = parser.parse_args()
    faults = [one for one in every_fault() if not given.fault or one.name in given.fault]
    unknown = set(given.fault) - {one.name for one in faults}
    if unknown:
        parser.error(
            f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(o.name for o in every_fault())}"
        )
    operator = Operator(given.lab, given.port, given.build_dir)
    try:
        log = REPO / "build/mutations"
        log.mkdir(parents=True, exist_ok=True)
        if not ready(operator):
            return 1
        trials = run(operator, faults, log)
    finally:
        if not given.keep:
            operator.lab("down", check=False)
    PAGE.write_text(page(outcomes(log)))
    good = sum(trial.is_good for trial in trials)
    say(f"{good} of {len(faults)} faults caught, named and repaired")
    return 0 if good == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
