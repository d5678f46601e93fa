"""What script/learn runs: list the exercises, check one, or find the id of a thing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lab.config import DEFAULT_NAME
from lab.errors import LabError
from learn.exercises import EXERCISES, Exercise, seed_of
from learn.living import Living
from learn.need import Need
from learn.world import Ask, World, name_of

USAGE = """\
usage: script/learn                        the twelve exercises and their state
       script/learn NUMBER [ANSWER ...]    check one: passed, or what is missing and where to read
       script/learn id THING NAME          the id of what you gave that name; THING is vpc, subnet,
                                           route-table, nat-gateway or endpoint

It looks at the lab that runs on this machine, with its name in ONEBOX_LAB_NAME if it has one, and asks
for your password where it must look inside a machine. Begin with docs/learn/README.md.
Korean: LANG=ko_KR.UTF-8, or ONEBOX_LANG=ko."""
THINGS = {
    "vpc": ("vpcs", "VpcId"),
    "subnet": ("subnets", "SubnetId"),
    "route-table": ("route_tables", "RouteTableId"),
    "nat-gateway": ("nat_gateways", "NatGatewayId"),
    "endpoint": ("endpoints", "VpcEndpointId"),
}
WORDS = {
    "passed": ("passed", "통과"),
    "missing": ("missing", "아직"),
    "read": ("Not yet. Read {page}, section {part}.", "아직입니다. {page}의 {part} 절을 읽어 보세요."),
    "found": ("found: {found}", "현재: {found}"),
    "done": ("Exercise {number} is passed.", "연습 {number}을(를) 통과했습니다."),
    "next": ("Next: {page}", "다음: {page}"),
    "end": ("That was the last one. sudo .venv/bin/lab down takes the lab away.",
            "마지막 연습까지 마쳤습니다. sudo .venv/bin/lab down으로 lab을 내리세요."),
    "ask": ("Type the answers: script/learn {number} {example}",
            "답을 이렇게 적으세요: script/learn {number} {example}"),
    "count": ("{given} answers were given to {asked} questions.", "질문은 {asked}개인데 답은 {given}개입니다."),
}  # fmt: skip
PARTS_KO = {"Build": "만들기", "Break": "망가뜨리기", "Repair": "고치기", "Check": "확인하기"}


def language() -> str:
    spoken = os.environ.get("ONEBOX_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "ko" if spoken.startswith("ko") else "en"


def word(key: str, **values: object) -> str:
    return WORDS[key][language() == "ko"].format(**values)


def record() -> Path:
    """When which exercise was passed: outlives the lab, decides nothing."""
    return Path(os.environ.get("ONEBOX_LEARN_DIR", "build/learn")) / "passed.json"


def passed() -> dict[str, str]:
    found: dict[str, str] = json.loads(record().read_text()) if record().exists() else {}
    return found


def show_all() -> None:
    done = passed()
    for exercise in EXERCISES:
        state = f"{word('passed')} {done[str(exercise.number)]}" if str(exercise.number) in done else ""
        print(f"  {exercise.title(language()):<44} {state}".rstrip())
    following = next((one for one in EXERCISES if str(one.number) not in done), None)
    print(f"\n{word('next', page=following.page(language())) if following else word('end')}")


def examine(exercise: Exercise, answers: Sequence[str], ask: Ask) -> bool:
    """Say of each thing whether it is so, and of the first that is not, where to read."""
    print(exercise.title(language()))
    world = World(ask)
    missing = [need for need in exercise.check(world) if not _tell(need)]
    right = _questions(exercise, answers, seed_of(world))
    if missing or not right:
        part = missing[0].part if missing else "Check"
        shown = PARTS_KO[part] if language() == "ko" else part
        print(f"\n{word('read', page=exercise.page(language()), part=shown)}")
        return False
    print(f"\n{word('done', number=exercise.number)}")
    following = EXERCISES[exercise.number :]
    print(word("next", page=following[0].page(language())) if following else word("end"))
    return True


def _tell(need: Need) -> bool:
    found = f"  ({word('found', found=need.found)})" if need.found and not need.met else ""
    print(f"  {word('passed' if need.met else 'missing'):<8} {need.said(language())}{found}")
    return need.met


def _questions(exercise: Exercise, answers: Sequence[str], seed: str) -> bool:
    questions = exercise.questions(seed)
    if len(answers) != len(questions):
        for number, question in enumerate(questions, 1):
            print(f"  {number}. {question.ko if language() == 'ko' else question.en}")
        if answers:
            print(f"  {word('count', given=len(answers), asked=len(questions))}")
        if questions:
            example = " ".join(f"ANSWER{n}" for n in range(1, len(questions) + 1))
            print(f"  {word('ask', number=exercise.number, example=example)}")
        return False
    replies = [question.reply(answer, language()) for question, answer in zip(questions, answers, strict=True)]
    for number, (answer, reply) in enumerate(zip(answers, replies, strict=True), 1):
        print(f"  {word('missing' if reply else 'passed'):<8} {number}. {answer}{f': {reply}' if reply else ''}")
    return not any(replies)


def note(exercise: Exercise) -> None:
    record().parent.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    record().write_text(json.dumps({**passed(), str(exercise.number): today}, indent=1) + "\n")


def identify(thing: str, name: str, ask: Ask) -> str:
    """The id of a living thing of the student's VPC."""
    if thing not in THINGS:
        raise LabError(f"{thing} is no kind of thing", hint=f"say one of {', '.join(THINGS)}")
    what, key = THINGS[thing]
    world = World(ask)
    there = world.all(what) if what == "vpcs" else world.here(what)
    for one in there:
        if name_of(one) == name and one.get("State") not in ("deleted", "deleting"):
            return str(one[key])
    raise LabError(f"nothing of the kind {thing} is called {name}", hint="look what there is: lab status")


def main(words: Sequence[str]) -> int:
    match words:
        case []:
            show_all()
        case ["-h" | "--help"]:
            print(USAGE)
        case ["id", thing, name]:
            print(identify(thing, name, living()))
        case [number, *answers] if number in {str(one.number) for one in EXERCISES}:
            exercise = EXERCISES[int(number) - 1]
            if not examine(exercise, answers, living()):
                return 1
            note(exercise)
        case _:
            raise LabError(f"unknown argument: {' '.join(words)}", hint="see script/learn --help")
    return 0


def living() -> Living:
    return Living(os.environ.get("ONEBOX_LAB_NAME", DEFAULT_NAME))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        print(f"error: {error.message}\n       {error.hint}", file=sys.stderr)
        sys.exit(1)
