"""A move of the database ends with one side serving, whatever fails and whenever."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
FILES = REPO / "roles/database_move/files"
STEPS = 25  # more than a move has


class Killed(BaseException):
    """SIGKILL: nobody catches it."""


@pytest.fixture(scope="module")
def program() -> Iterator[ModuleType]:
    sys.path.insert(0, str(FILES))
    spec = importlib.util.spec_from_file_location("move_database", FILES / "move_database.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SERVING_SECONDS = 0.0  # type: ignore[attr-defined]
    yield module
    sys.path.remove(str(FILES))


class World:
    """Two servers and a Tomcat; each thing that is done to them counts, and can fail."""

    def __init__(self, folder: Path) -> None:
        self.writable = {"mysql": True, "rds": False}
        self.rows = {"mysql": 3, "rds": 0}
        self.folder, self.done = folder, 0
        self.fail_at, self.failure = 0, None  # type: tuple[int, type[BaseException] | None]
        self.applications = folder / "application"
        self.applications.mkdir()
        (self.applications / "ROOT##000001-abc.xml").write_text(
            'url="jdbc:mariadb://mysql.invalid:3306/app" /.version/000001-abc'
        )
        self.both = False

    def act(self) -> None:
        self.done += 1
        if self.failure and self.done == self.fail_at:
            raise self.failure("the fault that the test sets")

    def set(self, name: str, writable: bool) -> None:
        self.act()
        self.writable[name] = writable
        self.both = self.both or all(self.writable.values())
        self.act()

    @property
    def served_by(self) -> str:
        """The server that the visitors' application has."""
        text = max(self.applications.glob("ROOT##*.xml")).read_text()
        return "mysql" if "//mysql." in text else "rds"


class FakeServer:
    def __init__(self, world: World, name: str) -> None:
        self.world, self.name, self.host, self.port = world, name, f"{name}.invalid", 3306

    def open(self) -> None:
        self.world.set(self.name, True)

    def close(self) -> None:
        self.world.set(self.name, False)

    def contents(self) -> dict[str, tuple[int, int]]:
        self.world.act()
        return {"ledger": (self.world.rows[self.name], 7)}

    def others(self) -> list[str]:
        self.world.act()
        return []


def make(program: ModuleType, world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    plan = {
        "folder": str(world.folder), "application_folder": str(world.applications), "unit": "tomcat11",
        "site": "http://localhost", "stop_seconds": 60,
    }  # fmt: skip
    monkeypatch.setattr(program, "Server", lambda _, side: FakeServer(world, {"old": "mysql", "new": "rds"}[side]))
    move = program.Move(plan)

    def copy(**_: object) -> None:
        world.act()
        world.rows["rds"] = world.rows["mysql"]

    def answers(_page: str) -> bool:
        world.act()
        return True

    reach = move.reach

    def reach_and_act(phase: str, **more: object) -> None:
        reach(phase, **more)
        world.act()

    move.copy, move.answers, move.reach = copy, answers, reach_and_act
    return move


def run(program: ModuleType, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, as systemd does it: the move, and `undo` after whatever became of it."""
    with contextlib.suppress(Killed, program.MoveError):
        make(program, world, monkeypatch).run()
    world.failure = None
    make(program, world, monkeypatch).undo()


def phase(world: World) -> str:
    return str(json.loads((world.folder / "state.json").read_text())["phase"])


def test_a_move_that_nothing_disturbs_ends_on_the_new_side(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    run(program, world, monkeypatch)
    assert (phase(world), world.served_by, world.writable) == ("done", "rds", {"mysql": False, "rds": True})
    assert [path.name for path in world.applications.iterdir()] == ["ROOT##000002-abc.xml"]
    assert "/.version/000002-abc" in (world.applications / "ROOT##000002-abc.xml").read_text()
    assert not world.both


@pytest.mark.parametrize("kind", ["killed", "failed"])
@pytest.mark.parametrize("step", range(1, STEPS))
def test_whatever_fails_one_side_serves_and_writes(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, kind: str
) -> None:
    world = World(tmp_path)
    world.fail_at, world.failure = step, Killed if kind == "killed" else program.MoveError
    run(program, world, monkeypatch)
    assert not world.both
    assert world.writable == {"mysql": world.served_by == "mysql", "rds": world.served_by == "rds"}
    assert phase(world) == ("done" if world.served_by == "rds" else "undone")


@pytest.mark.parametrize("step", range(1, STEPS))
def test_a_second_run_after_a_power_cut_moves_the_data(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Nothing was put back, and what stood in memory is gone."""
    world = World(tmp_path)
    world.fail_at, world.failure = step, Killed
    with contextlib.suppress(Killed):
        make(program, world, monkeypatch).run()
    world.failure = None
    (tmp_path / "state.json").unlink(missing_ok=True)
    run(program, world, monkeypatch)
    assert (phase(world), world.served_by, world.writable) == ("done", "rds", {"mysql": False, "rds": True})


@pytest.mark.parametrize("step", range(1, STEPS))
def test_a_second_run_that_fails_leaves_the_data_where_they_went(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    world = World(tmp_path)
    run(program, world, monkeypatch)
    world.fail_at, world.failure = world.done + step, program.MoveError
    run(program, world, monkeypatch)
    assert (phase(world), world.served_by, world.writable) == ("done", "rds", {"mysql": False, "rds": True})


def test_rows_that_differ_are_not_switched_to(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    move = make(program, world, monkeypatch)
    move.copy = lambda **_: None
    with pytest.raises(program.MoveError, match="differ between mysql and rds: ledger"):
        move.run()
    make(program, world, monkeypatch).undo()
    assert (world.served_by, world.writable) == ("mysql", {"mysql": True, "rds": False})


def test_what_a_move_measured_is_told_by_the_run_after_a_controller_that_died(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    run(program, world, monkeypatch)
    told = json.loads((tmp_path / "state.json").read_text())
    assert "stop_seconds" in told
    run(program, world, monkeypatch)
    assert json.loads((tmp_path / "state.json").read_text()) == told
