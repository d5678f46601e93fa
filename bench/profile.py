"""Which tasks of a run cost more than their work, and why."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.measure import REPO

LINE = re.compile(r"^(?P<task>\S.*?) -+ (?P<seconds>[0-9.]+)s$", re.MULTILINE)

# What a task does that changes nothing, and what starting it costs, in the order in which they are tried.
REASONS = (
    (r"^Gathering Facts", "one module that asks the machine for all facts of gather_subset; once in a run"),
    (r"Look at what exists", "one module: 0.3 s of API calls; the rest is Python and boto3 starting"),
    (r"^aws_|Give the environment back", "a module of this machine: boto3 starts, for some hundredths of API"),
    (r"Validating arguments|Check ", "no module: a process is forked to evaluate it"),
    (r"Install", "no package is missing, so no module: a process is forked to see that"),
    (r"Make |Copy ", "a file by itself: one or two modules, 0.25 s each; several come by write_files, in one"),
)  # fmt: skip
OTHER = "one module: ssh, sudo and a Python that reads it, 0.25 s, for work of some thousandths"


def profile(command: Sequence[str | Path]) -> str:
    """Run it once with profile_tasks, and explain the twenty dearest tasks."""
    asked = {
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
        "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all",
    }
    done = subprocess.run(list(command), env=os.environ | asked, cwd=REPO, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The run failed, so its times say nothing:\n{done.stdout[-2000:]}{done.stderr[-1000:]}")
    return explain(done.stdout.partition("TASKS RECAP")[2])


def explain(recap: str) -> str:
    """The lines of profile_tasks, dearest first, with a reason each, and the sum of each reason."""
    tasks = [(found["task"], float(found["seconds"])) for found in LINE.finditer(recap)]
    sums: dict[str, float] = {}
    for task, seconds in tasks:
        sums[why(task)] = sums.get(why(task), 0) + seconds
    dearest = [f"{seconds:6.2f} s  {task}\n          {why(task)}" for task, seconds in tasks[:20]]
    reasons = [f"{taken:6.1f} s  {reason}" for reason, taken in sorted(sums.items(), key=lambda pair: -pair[1])]
    total = sum(seconds for _, seconds in tasks)
    return "\n".join(["The twenty dearest tasks:", *dearest, "", f"{len(tasks)} tasks, {total:.1f} s:", *reasons])


def why(task: str) -> str:
    """The reason that fits a task by its name."""
    return next((reason for pattern, reason in REASONS if re.search(pattern, task)), OTHER)
