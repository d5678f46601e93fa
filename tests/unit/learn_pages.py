"""The pages of docs/learn as a student reads them: sections, files to write, commands to type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from learn.exercises import REPO, Exercise

SECTIONS = {
    "Build": "만들기",
    "Look": "살펴보기",
    "Break": "망가뜨리기",
    "Repair": "고치기",
    "Check": "확인하기",
    "On AWS": "AWS에서는",
}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^ *# (build/learn/\w+\.yml)(, exercise \d+)?$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block and the section that it stands in, by its English name."""

    section: str
    kind: str
    text: str

    @property
    def file(self) -> tuple[str, bool]:
        """The file that a block of YAML belongs to, and whether it goes to its end."""
        found = FILE.match(self.text)
        assert found, f"a block of YAML without its file: {self.text[:80]}"
        return found[1], found[2] is not None


def text_of(exercise: Exercise, language: str) -> str:
    return (REPO / exercise.page(language)).read_text()


def headings(text: str) -> list[str]:
    english = {korean: name for name, korean in SECTIONS.items()}
    return [english.get(line, line) for line in re.findall(r"^## (.*)$", text, re.MULTILINE)]


def blocks(text: str) -> list[Block]:
    """All blocks in the order of the page."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)[1:]
    english = {korean: name for name, korean in SECTIONS.items()}
    return [
        Block(english.get(name, name), kind, body)
        for name, part in zip(parts[::2], parts[1::2], strict=True)
        for kind, body in BLOCK.findall(part)
    ]


def write(block: Block, folder: Path) -> None:
    """Do with a block of YAML what docs/learn/README.md says: append it, or make the file."""
    name, at_the_end = block.file
    file = folder / Path(name).name
    body = f"\n{block.text}" if at_the_end else block.text
    with file.open("a" if at_the_end else "w") as out:
        out.write(body)
