"""Two operators at once: one works, the other is told who and since when; a dead run holds nobody up."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import Any

import pytest
from aws_environment import lock as locks
from botocore.exceptions import ClientError

PATH = "/onebox/sidedish/playground/lock"


class Store:
    """What the Parameter Store does with one parameter."""

    class exceptions:  # boto3 calls it so
        class ParameterNotFound(ClientError):
            pass

    def __init__(self) -> None:
        self.values: list[str] = []
        self.calls: list[str] = []

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool, Tags: Any = None) -> dict[str, int]:
        self.calls.append("put")
        if self.values and not Overwrite:
            raise ClientError({"Error": {"Code": "ParameterAlreadyExists"}}, "PutParameter")
        self.values.append(Value)
        return {"Version": len(self.values)}

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        self.calls.append("get")
        if not self.values:
            raise self.exceptions.ParameterNotFound({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
        version = int(Name.partition(":")[2] or len(self.values))
        return {"Parameter": {"Value": self.values[version - 1], "Version": version}}

    def delete_parameter(self, *, Name: str) -> None:
        self.calls.append("delete")
        self.values.clear()


def lock(store: Store, *, minutes: int = 30, **run: Any) -> Any:
    made = locks.Lock(store, name="sidedish-playground", path=PATH, tags={}, minutes=minutes)
    made.run = made.run | {"pid": os.getpid(), "started": locks.started(os.getpid())} | run
    made.text = json.dumps(json.loads(made.text) | made.run)
    return made


def test_taking_and_giving_back_cost_one_call_each() -> None:
    store = Store()
    mine = lock(store)
    held, taken_over = mine.take()
    mine.release(held)
    assert (store.calls, store.values, taken_over) == (["put", "delete"], [], "")


def test_the_second_operator_is_told_who_since_when_and_what_to_do() -> None:
    store = Store()
    lock(store, who="ann@office").take()
    with pytest.raises(locks.LockedError, match=r"ann@office .*since 20.*expires.*delete-parameter --name " + PATH):
        lock(store, who="bob@home").take()
    assert len(store.values) == 1


def test_a_living_run_of_the_same_person_counts_too() -> None:
    store = Store()
    lock(store).take()
    with pytest.raises(locks.LockedError):
        lock(store, pid=1, started="another").take()


def test_the_same_run_may_take_it_again() -> None:
    store = Store()
    held, _ = lock(store).take()
    assert lock(store).take() == (held, "")


@pytest.mark.parametrize(
    ("minutes", "theirs", "reason"),
    [
        (30, {"started": "before the number was given again"}, "that run has ended"),
        (30, {"boot": "another"}, "restarted"),
        (30, {"space": "pid:[1]"}, "that run has ended"),
        (-1, {"who": "ann@office"}, "expired"),
    ],
)
def test_a_run_that_is_over_holds_nobody_up(minutes: int, theirs: dict[str, Any], reason: str) -> None:
    store = Store()
    lock(store, minutes=minutes, **theirs).take()
    held, told = lock(store).take()
    assert reason in told
    assert store.values[-1] == held


def test_a_run_that_ended_unnoticed_by_its_parent_holds_nobody_up() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now, and stays one
    try:
        assert locks.started(pid) == ""
    finally:
        os.waitpid(pid, 0)


@pytest.mark.parametrize(("ends", "held"), [(True, True), (False, False)])
def test_a_lock_is_taken_over_when_what_a_dead_run_left_behind_has_ended(
    monkeypatch: pytest.MonkeyPatch, ends: bool, held: bool
) -> None:
    monkeypatch.setattr(locks, "LEFTOVER_SECONDS", 30 if ends else 0.5)
    dead: dict[str, Any] = {"pid": 999_999_999, "started": "1"}
    left = subprocess.Popen(["sleep", "1" if ends else "60"], env={"ONEBOX_RUN": locks.mark(dead), "PATH": "/bin"})
    threading.Thread(target=left.wait, daemon=True).start()
    store = Store()
    lock(store, **dead).take()
    try:
        if held:
            assert "that run has ended" in lock(store).take()[1]
            assert left.poll() is not None
        else:
            with pytest.raises(locks.LockedError):
                lock(store).take()
    finally:
        left.kill()


def test_of_two_who_take_over_at_once_one_wins_and_keeps_it() -> None:
    store = Store()
    lock(store, minutes=-1, who="gone@office").take()
    late = lock(store, who="bob@home")
    read = store.get_parameter

    def overtaken(*, Name: str) -> dict[str, Any]:
        """Ann takes it over between Bob's look and his grasp."""
        answer = read(Name=Name)
        store.get_parameter = read  # type: ignore[method-assign]
        lock(store, who="ann@office").take()
        return answer

    store.get_parameter = overtaken  # type: ignore[method-assign]
    with pytest.raises(locks.LockedError, match="ann@office"):
        late.take()
    assert json.loads(store.values[-1])["who"] == "ann@office"


def test_a_lost_answer_to_taking_over_is_not_taken_for_another_run() -> None:
    store = Store()
    lock(store, minutes=-1, who="gone@office").take()
    once = store.put_parameter

    def repeated(**given: Any) -> dict[str, int]:
        """The SDK sends again what was done already."""
        if given["Overwrite"]:
            once(**given)
        return once(**given)

    store.put_parameter = repeated  # type: ignore[method-assign]  # the answer to one call is lost
    held, told = lock(store).take()
    assert "expired" in told
    assert store.values[-1] == held


def test_an_expired_lock_that_is_somebody_elses_now_is_left() -> None:
    store = Store()
    mine = lock(store, minutes=-1, who="ann@office")
    held, _ = mine.take()
    theirs, _ = lock(store, who="bob@home").take()
    mine.release(held)
    assert store.values[-1] == theirs
