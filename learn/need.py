"""What an exercise asks for, said in both languages, and whether it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Part = Literal["Build", "Break", "Repair", "Check"]


@dataclass(frozen=True)
class Need:
    """One thing that must be so; `part` is the section of the page that makes it so, `found` what is there instead."""

    met: bool
    en: str
    ko: str
    part: Part = "Build"
    found: str = ""

    def said(self, language: str) -> str:
        return self.ko if language == "ko" else self.en
