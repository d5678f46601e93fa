"""The checks of the learning track, on worlds recorded while it was played (test_learn_played.py)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from learn.__main__ import examine, identify
from learn.exercises import EXERCISES, Exercise, seed_of
from learn.pencil import Question, prefixes, private_addresses
from learn.world import World
from tests.unit.learn_worlds import Replay

EACH = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.slug)
# What must be gone is gone in an empty list too.
MAY_BE_ABSENT = {
    1: {"list\tvpcs"},  # asked for the questions only
    2: {"list\tvpcs"},
    9: {"list\tnat_gateways"},
    12: {"list\tdatabases", "list\tkey_pairs", "list\tvolumes", "list\tinstances", "list\tvpcs", "list\taddresses"},
}
NOTHING: dict[str, Any] = {"list": [], "calls": [], "connect": "nothing", "run": ""}


def answers(exercise: Exercise, world: World) -> list[str]:
    return [question.answer for question in exercise.questions(seed_of(world))]


def nothing_is_there(question: tuple[str, ...]) -> Any:
    return NOTHING[question[0]]


@EACH
def test_a_world_in_which_it_is_done_passes(exercise: Exercise, capsys: pytest.CaptureFixture[str]) -> None:
    replay = Replay(exercise.number)
    assert examine(exercise, answers(exercise, World(replay)), replay)
    assert f"Exercise {exercise.number} is passed." in capsys.readouterr().out


@EACH
@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_empty_world_fails_and_says_where_to_read(
    exercise: Exercise, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONEBOX_LANG", language)
    assert not examine(exercise, answers(exercise, World(nothing_is_there)), nothing_is_there)
    assert str(exercise.page(language)) in capsys.readouterr().out


@EACH
def test_each_thing_that_was_found_is_needed(exercise: Exercise) -> None:
    """Take one answer away at a time: a check that would not mind has not looked."""
    recorded = Replay(exercise.number).answers
    unneeded = {
        question
        for question, answer in recorded.items()
        if answer and all(need.met for need in exercise.check(World(_without(recorded, question))))
    }
    assert unneeded <= MAY_BE_ABSENT.get(exercise.number, set()), unneeded


def _without(recorded: dict[str, Any], missing: str) -> Any:
    def ask(question: tuple[str, ...]) -> Any:
        key = "\t".join(question)
        if key == missing or key not in recorded:
            return NOTHING[question[0]]
        return recorded[key]

    return ask


@EACH
def test_nothing_passes_without_having_been_broken(exercise: Exercise) -> None:
    needs = [need for need in exercise.check(World(Replay(exercise.number))) if need.part == "Break"]
    assert needs, "the check does not ask for the page's Break"


@pytest.mark.parametrize(
    ("given", "said"), [(0, "host bits"), (1, "keeps five"), (2, "Not that")], ids=["address", "size", "nonsense"]
)
def test_a_wrong_answer_gets_a_hint_and_never_the_solution(given: int, said: str) -> None:
    for seed in map(str, range(50)):
        network, machines, smallest = prefixes(seed)
        cases: list[tuple[Question, str]] = [
            (network, next(iter(network.hints))),
            (machines, str(int(machines.answer) + 5)),
            (smallest, "/1"),
        ]
        question, answer = cases[given]
        reply = question.reply(answer, "en")
        assert said in reply
        assert question.answer not in reply
        assert question.reply(question.answer, "en") == ""


def test_a_subnet_of_the_answer_holds_the_machines_and_half_of_it_does_not() -> None:
    for seed in map(str, range(50)):
        question = prefixes(seed)[2]
        wanted = int(re.findall(r"\d+", question.en)[0])
        size = 2 ** (32 - int(question.answer[1:]))
        assert size - 5 >= wanted > size // 2 - 5


def test_the_private_addresses_are_three_of_six_and_differ_between_labs() -> None:
    asked = {tuple(private_addresses(str(seed))[0]) for seed in range(20)}
    assert len(asked) == 20
    assert all(len(private_addresses(str(seed))[1]) == 3 for seed in range(20))


def test_a_thing_is_found_by_its_name() -> None:
    replay = Replay(5)
    assert identify("route-table", "learn-private", replay).startswith("rtb-")
    assert identify("vpc", "learn", replay) == World(replay).vpc
