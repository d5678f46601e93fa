"""The scripts a newcomer types first: what they say when they cannot, and what the README says about them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
SCRIPTS = ("bench", "bootstrap", "demo", "learn", "lint", "mutations", "test")
VARIABLE_ROW = re.compile(r"^\| `(?P<files>[^`]+\.yml)`[^|]*\| (?P<names>`[^|]+`) \|", re.MULTILINE)
COMMAND = re.compile(r"^    (?:script/|ansible-playbook |ssh |source |eval )\S*", re.MULTILINE)


def run(script: str, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}"}
    return subprocess.run(
        [REPO / "script" / script, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def table(readme: str) -> list[tuple[str, list[str]]]:
    """The variables that a README offers, by file of group_vars."""
    text = (REPO / readme).read_text()
    return [(row["files"], re.findall(r"`([^`]+)`", row["names"])) for row in VARIABLE_ROW.finditer(text)]


def commands(readme: str) -> list[str]:
    return COMMAND.findall((REPO / readme).read_text())


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_says_how_it_is_used(script: str) -> None:
    done = run(script, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: script/{script}")


@pytest.mark.parametrize("script", ["bootstrap", "demo", "learn", "test"])
def test_an_unknown_argument_is_named_and_nothing_is_done(script: str) -> None:
    done = run(script, "--dwon")
    assert done.returncode == 1
    assert "--dwon" in done.stderr
    assert f"script/{script} --help" in done.stderr
    assert done.stdout == ""


def test_another_system_than_linux_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "uname").write_text("#!/bin/sh\necho Darwin\n")
    (tmp_path / "uname").chmod(0o755)
    done = run("bootstrap", path=str(tmp_path))
    assert done.returncode == 1
    assert "This system is Darwin, and the lab needs Linux." in done.stderr


def test_the_readme_offers_only_variables_that_are_there() -> None:
    offered = table("README.md")
    assert len(offered) > 8
    for name, variables in offered:
        known = yaml.safe_load((REPO / "group_vars" / name).read_text())
        assert set(variables) <= set(known), name


def test_both_readmes_offer_the_same_variables_and_commands() -> None:
    assert table("README.md") == table("README.ko.md")
    assert commands("README.md") == commands("README.ko.md")


def test_what_the_documents_link_to_is_there() -> None:
    for document in [*REPO.glob("*.md"), *REPO.glob("docs/*.md"), *REPO.glob("roles/*/README.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
