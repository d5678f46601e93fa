"""How moto's classes learn to refuse: a question that is asked before one of their methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.ec2.exceptions import EC2ClientError


def guard(owner: type, method: str, check: Callable[..., None]) -> None:
    """Ask `check` first: it takes `self` and the arguments it names (all, if it takes `**`), and raises a refusal."""
    original = getattr(owner, method)
    given = inspect.signature(original)
    wanted = inspect.signature(check).parameters
    all_of_them = any(one.kind is one.VAR_KEYWORD for one in wanted.values())

    @wraps(original)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        bound = given.bind(*args, **kwargs)
        bound.apply_defaults()
        check(**{name: value for name, value in bound.arguments.items() if all_of_them or name in wanted})
        return original(*args, **kwargs)

    replace(owner, method, guarded)


def replace(owner: type, name: str, value: Any) -> None:
    """Put another method or property into one of moto's classes: mypy forbids a plain assignment."""
    setattr(owner, name, value)


def refusal(code: str, message: str) -> EC2ClientError:
    """An error of EC2, to be raised."""
    return EC2ClientError(code, message)
