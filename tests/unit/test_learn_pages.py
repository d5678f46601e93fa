"""The pages of the learning track: two languages, one content; what they tell to type is there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from lab.cli import VERBS
from learn.exercises import EXERCISES, REPO, Exercise
from tests.unit.learn_pages import SECTIONS, blocks, headings, text_of, write

EACH = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.slug)
PAGES = sorted((REPO / "docs/learn").rglob("*.md"))
LONGEST = 90
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
IN_REPOSITORY = re.compile(r"`((?:roles|playbooks|group_vars|script|docs)/[^`<> ]+)`")


@EACH
def test_both_languages_have_the_same_sections_and_blocks(exercise: Exercise) -> None:
    english, korean = text_of(exercise, "en"), text_of(exercise, "ko")
    assert headings(english) == headings(korean)
    assert blocks(english) == blocks(korean)
    assert re.findall(r"^    \S.*", english, re.MULTILINE) == re.findall(r"^    \S.*", korean, re.MULTILINE)
    assert len(re.findall("[가-힣]", korean)) > 200, "it is not Korean"


@EACH
def test_a_page_has_every_section_and_is_short(exercise: Exercise) -> None:
    text = text_of(exercise, "en")
    assert sorted(headings(text)) == sorted(SECTIONS)
    assert text.startswith(f"# {exercise.number}. ")
    assert f"script/learn {exercise.number}" in text
    for language in ("en", "ko"):
        assert len(text_of(exercise, language).splitlines()) <= LONGEST


@EACH
def test_the_commands_of_a_page_are_there(exercise: Exercise) -> None:
    typed = "\n".join(block.text for block in blocks(text_of(exercise, "en")) if block.kind == "sh")
    for verb in re.findall(r"(?:^|sudo \.venv/bin/|[ (])lab ([a-z-]+) ", typed, re.MULTILINE):
        assert verb in VERBS
    for playbook in re.findall(r"playbooks/\S+", typed):
        assert (REPO / playbook).exists(), playbook


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    for target in LINK.findall(text):
        assert (page.parent / target).exists(), target
    for path in IN_REPOSITORY.findall(text):
        assert (REPO / path).exists(), path


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_first_page_lists_the_twelve_by_their_titles(language: str) -> None:
    first = (REPO / EXERCISES[0].page(language)).with_name("README.md").read_text()
    listed = re.findall(r"^\| \[(.*?)\]\((.*?)\)", first, re.MULTILINE)
    assert listed == [(one.title(language), one.page(language).name) for one in EXERCISES]


def test_the_playbooks_of_the_pages_are_playbooks(tmp_path: Path) -> None:
    for exercise in EXERCISES:
        for block in blocks(text_of(exercise, "en")):
            if block.kind == "yaml":
                write(block, tmp_path)
    written = sorted(tmp_path.glob("*.yml"))
    assert [one.stem for one in written] == ["down", "gateway", "nat", "network"]
    done = subprocess.run(
        [REPO / ".venv/bin/ansible-playbook", "--syntax-check", "-i", "localhost,", *written],
        cwd=REPO,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
