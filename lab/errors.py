"""The errors the lab raises on purpose: a message that names the value, a hint that names the remedy."""

from __future__ import annotations


class LabError(Exception):
    """Something the operator can understand and mend."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
