"""Time several ways of doing the same, in turns, and say how they compare."""

from __future__ import annotations

import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Way:
    """One way of doing the work; the first of a group is what the others are compared with."""

    name: str
    command: Sequence[str | Path]
    environment: dict[str, str] = field(default_factory=dict)
    before: Sequence[str | Path] = ()  # what makes each turn begin alike; its time does not count
    unit: str = "s"
    rate: Callable[[str], float] | None = None  # finds the figure in what is printed, more of it being better


@dataclass
class Taken:
    """What one way took, each turn: seconds on the clock or a rate, and seconds of this side's processor."""

    figures: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


def once(way: Way) -> tuple[float, float]:
    """Do it one time; a way that fails is no figure."""
    if way.before:
        run(way.name, way.before, way.environment)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    said = run(way.name, way.command, way.environment)
    taken, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return way.rate(said) if way.rate else taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(name: str, command: Sequence[str | Path], environment: dict[str, str]) -> str:
    done = subprocess.run(
        list(command), env=os.environ | environment, cwd=REPO, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{name} failed, so there is nothing to compare:\n{done.stdout[-2000:]}{done.stderr[-1000:]}")
    return done.stdout


def in_turns(ways: Sequence[Way], repeats: int) -> dict[str, Taken]:
    """Each way once, then each again: what else this machine does meanwhile falls on all alike."""
    taken = {way.name: Taken() for way in ways}
    for turn in range(repeats):
        for way in ways:
            figure, processor = once(way)
            taken[way.name].figures.append(figure)
            taken[way.name].processor.append(processor)
            print(f"    turn {turn + 1}: {way.name:32} {figure:7.2f} {way.unit}", flush=True)
    return taken


def measured(ways: Sequence[Way], repeats: int) -> list[dict[str, Any]]:
    """All ways in turns: medians, spread, and how many times as fast as the first one."""
    taken = in_turns(ways, repeats)
    return [row(way, taken[way.name], taken[ways[0].name]) for way in ways]


def row(way: Way, taken: Taken, first: Taken) -> dict[str, Any]:
    """One way, and how many times as fast as the first one it is."""
    median, first_median = statistics.median(taken.figures), statistics.median(first.figures)
    return {
        "way": way.name,
        "unit": way.unit,
        "median": rounded(median),
        "least": rounded(min(taken.figures)),
        "most": rounded(max(taken.figures)),
        "processor": round(statistics.median(taken.processor), 2),
        "times": round(median / first_median if way.rate else first_median / median, 2),
    }


def rounded(figure: float) -> float:
    """No more digits than mean something."""
    return round(figure, 2) if figure < 1000 else round(figure)


def table(title: str, rows: Iterable[dict[str, Any]]) -> str:
    """The rows as a table of Markdown."""
    head = [f"### {title}", "", "| way | median | spread | own processor s | times as fast |", "|---" * 5 + "|"]
    line = "| {way} | {median} {unit} | {least} to {most} | {processor} | {times} |"
    body = [line.format_map(each) for each in rows]
    return "\n".join([*head, *body, ""])


def this_machine() -> dict[str, Any]:
    """Where and of what the figures are. The load tells whether somebody else was at work."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=REPO, capture_output=True, text=True)
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "commit": commit.stdout.strip(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def picture(results: dict[str, list[dict[str, Any]]]) -> str:
    """Bars, one group for each part; the longest bar of a group has the largest figure."""
    bars, y = [], 20
    for title, rows in results.items():
        bars.append(f'<text x="10" y="{y}" font-weight="bold">{title}</text>')
        largest = max(each["median"] for each in rows) or 1
        for each in rows:
            y += 20
            width = max(1, round(340 * each["median"] / largest))
            bars.append(f'<text x="10" y="{y}">{each["way"]}</text>')
            bars.append(f'<rect x="230" y="{y - 11}" width="{width}" height="13" fill="#4a7ab5"/>')
            bars.append(f'<text x="{236 + width}" y="{y}">{each["median"]} {each["unit"]}</text>')
        y += 34
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 {y}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *bars, "</svg>", ""])


def keep(results: dict[str, list[dict[str, Any]]], folder: Path) -> None:
    """Write all of it: results.json, results.md, results.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = this_machine()
    (folder / "results.json").write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    text = "\n".join([facts, "", *(table(title, rows) for title, rows in results.items())])
    (folder / "results.md").write_text(text)
    (folder / "results.svg").write_text(picture(results))
    print(f"\n{text}\nKept in {folder}")
