"""Plays the learning track from its pages, on a lab of its own: ten minutes, root, and only when asked for.

    ONEBOX_LEARN_PLAY=1 sudo --preserve-env=ONEBOX_LEARN_PLAY,ONEBOX_LEARN_RECORD .venv/bin/pytest \\
        tests/unit/test_learn_played.py -s

ONEBOX_LEARN_PLAY=go-on and -k go on with the lab that a failure leaves. With ONEBOX_LEARN_RECORD=1 it writes anew what
test_learn_checks.py reads.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from learn.exercises import EXERCISES, REPO, Exercise, seed_of
from learn.living import Living
from learn.world import World
from tests.unit.learn_pages import blocks, text_of, write
from tests.unit.learn_worlds import Recording

pytestmark = pytest.mark.skipif("ONEBOX_LEARN_PLAY" not in os.environ, reason="long: ONEBOX_LEARN_PLAY=1 asks for it")

LAB, PORT = "learn", 4770
FOLDER = REPO / "build" / "learn-played"
# What the pages say of the lab named `default` holds for this one.
PREAMBLE = f"""
lab() {{ command lab "$1" --name {LAB} "${{@:2}}"; }}
sudo() {{ if [[ $1 == .venv/bin/lab ]]; then lab "${{@:2}}"; else command sudo "$@"; fi; }}
"""


class Student:
    """Types what the pages say, in one shell for each page."""

    def __init__(self) -> None:
        home = FOLDER / "home"
        if not home.exists():
            (home / ".ssh").mkdir(parents=True)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / ".ssh/id_ed25519"], check=True)
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_", "LC_"))}
        for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
            keep.pop(name, None)
        self.environment = keep | {
            "PATH": f"{REPO}/.venv/bin:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "ONEBOX_LAB_NAME": LAB,
            "ONEBOX_LEARN_DIR": str(FOLDER),
        }
        self.run(f"lab up --name {LAB} --port {PORT}")
        self.environment |= json.loads(self.run(f"lab env --name {LAB} --json", log=False))

    def run(self, script: str, *, log: bool = True) -> str:
        """What is printed; the transcript is kept, for the pages."""
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=REPO,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if log else subprocess.PIPE,
            text=True,
            timeout=900,
            check=False,
        )
        if log:
            with (FOLDER / "transcript.txt").open("a") as transcript:
                transcript.write(f"$ {script}\n{done.stdout}\n")
        return done.stdout

    def play(self, exercise: Exercise, *, until_break: bool) -> None:
        """The page's blocks before its section Break, or from there on."""
        script = [PREAMBLE]
        broken = False
        for block in blocks(text_of(exercise, "en")):
            broken = broken or block.section == "Break"
            if block.kind == "yaml" and broken != until_break:
                write(block, FOLDER)
            elif block.kind == "sh" and block.section != "Check" and (broken != until_break or "() {" in block.text):
                script.append(f"echo '== {exercise.number} {block.section}'\n{block.text}")
        self.run("\n".join(script).replace("build/learn/", f"{FOLDER}/"))

    def check(self, exercise: Exercise) -> tuple[bool, str]:
        answers = [question.answer for question in exercise.questions(seed_of(World(Living(LAB))))]
        said = self.run(f"script/learn {exercise.number} {' '.join(answers)}")
        return f"Exercise {exercise.number} is passed." in said, said


@pytest.fixture(scope="module")
def student(request: pytest.FixtureRequest) -> Iterator[Student]:
    """Somebody who begins at the first page, or goes on where a page was wrong; then the lab is still there."""
    if os.environ["ONEBOX_LEARN_PLAY"] != "go-on":
        shutil.rmtree(FOLDER, ignore_errors=True)
        subprocess.run([REPO / ".venv/bin/lab", "down", "--name", LAB], check=False)
    person = Student()
    yield person
    if not request.session.testsfailed:
        person.run(f"lab down --name {LAB}")


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.slug)
def test_an_exercise_fails_before_and_passes_after(student: Student, exercise: Exercise) -> None:
    done, said = student.check(exercise)
    assert not done, f"passed before anything was done:\n{said}"
    student.play(exercise, until_break=True)
    done, said = student.check(exercise)
    assert not done, f"passed without anything broken:\n{said}"
    student.play(exercise, until_break=False)
    done, said = student.check(exercise)
    assert done, said
    if "ONEBOX_LEARN_RECORD" in os.environ:
        recording = Recording(Living(LAB))
        seed_of(World(recording))
        assert all(need.met for need in exercise.check(World(recording)))
        recording.save(Path(__file__).parent / "learn_worlds" / f"{exercise.number:02}.json")
