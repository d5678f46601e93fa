"""A text is compiled once in a run of the strategy fast; what it says is worked out each time."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible._internal._datatag._tags import Origin, VaultedValue
from ansible._internal._templating._jinja_bits import AnsibleEnvironment
from ansible.errors import AnsibleTemplateError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.unit.fast_run import REPO

TEXT = trust_as_template(r"n ~ '\x41' ~ '{{ n ~ '\x41' }}' ~ '[[ n ]]'")
MARKED = trust_as_template(r"{{ n ~ '\x41' }}")


@pytest.fixture
def begin_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    """Call it to begin another run, and get the list of the Python that is compiled in it."""
    monkeypatch.syspath_prepend(REPO / "plugins")
    monkeypatch.setenv("HOME", str(tmp_path))
    compiled_templates = importlib.import_module("compiled_templates")
    stock = {name: getattr(AnsibleEnvironment, name) for name in ("compile", "compile_expression", "_compile")}

    def begin() -> list[str]:
        compiled: list[str] = []

        def compile_and_tell(self: AnsibleEnvironment, source: str, filename: str) -> object:
            compiled.append(source)
            return stock["_compile"](self, source, filename)

        for name, method in (stock | {"_compile": compile_and_tell}).items():
            monkeypatch.setattr(AnsibleEnvironment, name, method)
        compiled_templates.compile_once()
        return compiled

    return begin


def templar(**variables: object) -> Templar:
    """A new one, as each step and host has; with an environment of its own."""
    return Templar(DataLoader(), variables)


def what_texts_say(n: int) -> list[object]:
    """As a text and as an expression, with other marks, and where a backslash is to stay one or not."""
    bracketed = templar(n=n).copy_with_new_env(variable_start_string="[[", variable_end_string="]]")
    return [
        templar(n=n).template(TEXT),
        bracketed.template(TEXT),
        templar(n=n).evaluate_expression(trust_as_template(r"n ~ '\x41'")),
        templar(n=n).template(MARKED),
        templar(n=n).template(MARKED, escape_backslashes=False),
        templar(n=n).evaluate_conditional(trust_as_template("n == 2")),
    ]


def test_a_text_is_compiled_once_and_says_what_it_would_have_said(begin_run: Callable[[], list[str]]) -> None:
    by_ansible = [what_texts_say(n) for n in (1, 2)]
    compiled = begin_run()
    assert [what_texts_say(n) for n in (1, 2)] == by_ansible
    assert len(compiled) == len(by_ansible[0])


def test_a_text_that_cannot_be_compiled_is_refused_each_time(begin_run: Callable[[], list[str]]) -> None:
    begin_run()
    for _ in range(2):
        with pytest.raises(AnsibleTemplateError, match="Syntax error"):
            templar().template(trust_as_template("{{ n + }}"))
        with pytest.raises(AnsibleTemplateError, match="Syntax error"):
            templar().evaluate_expression(trust_as_template("n +"))
        assert templar(n=1).template(MARKED)
        with pytest.raises(AnsibleTemplateError, match="delimiters are not supported in expressions"):
            templar(n=1).evaluate_expression(MARKED)


def kept(home: Path) -> list[Path]:
    return sorted((home / ".ansible/onebox_templates").iterdir())


def test_another_run_finds_what_stands_in_a_file(begin_run: Callable[[], list[str]], tmp_path: Path) -> None:
    file = tmp_path / "variables.yml"
    file.touch()
    text = Origin(path=str(file)).tag(MARKED)
    for compiled in (1, 0):
        done = begin_run()
        assert templar(n=1).template(text) == r"1\x41"
        assert len(done) == compiled
    (code,) = kept(tmp_path)
    assert code.stat().st_mode & 0o077 == code.parent.stat().st_mode & 0o077 == 0
    code.write_bytes(code.read_bytes()[:-10])  # cut off
    assert len([begin_run(), templar(n=1).template(text)][0]) == 1
    os.utime(code, (0, 0))
    begin_run()
    assert kept(tmp_path) == []  # it is long ago


def test_a_secret_is_left_nowhere(begin_run: Callable[[], list[str]], tmp_path: Path) -> None:
    """Neither what was given on the command line, nor what stands in a vault."""
    vault, clear = tmp_path / "vault.yml", tmp_path / "clear.yml"
    vault.write_text("$ANSIBLE_VAULT;1.1;AES256\n0123\n")
    clear.touch()
    secret = trust_as_template("{{ n }} and a secret")
    in_a_clear_file = Origin(path=str(clear)).tag(secret)
    for text in (secret, Origin(path=str(vault)).tag(secret), VaultedValue(ciphertext="0123").tag(in_a_clear_file)):
        begin_run()
        assert templar(n=1).template(text) == "1 and a secret"
        assert kept(tmp_path) == []
