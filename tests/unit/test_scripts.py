"""The scripts a newcomer types first: what they say when they cannot, and what the README says about them."""

from __future__ import annotations

import os
import re
import shutil
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


@pytest.fixture
def old_machine(tmp_path: Path) -> Path:
    """A checkout where no Python is new enough, and uv writes down what it is asked; `uv python` ends as told."""
    for file in ("script/bootstrap", "script/lib.sh", "pyproject.toml", "uv.lock"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / file, tmp_path / file)
    stubs = dict.fromkeys(("python3.12", "python3.13", "python3.14"), "exit 1")
    stubs |= dict.fromkeys(("apt-get", "systemd-nspawn", "unshare"), "exit 0")
    stubs["dpkg-query"] = "echo installed"
    stubs["sudo"] = 'if [ "$1" = -- ]; then shift; exec "$@"; fi'
    stubs["uv"] = """
[ "$1" = --version ] && echo uv 99.0.0 && exit
echo "$*" >> asked
[ "$1" = sync ] || exit "$DOWNLOAD"
mkdir .venv
"""
    (tmp_path / "bin").mkdir()
    for name, does in stubs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def bootstrap(machine: Path, download: str) -> subprocess.CompletedProcess[str]:
    path = f"{machine}/bin:/usr/bin:/bin"
    return subprocess.run(
        [machine / "script/bootstrap"],
        env={"PATH": path, "HOME": str(machine), "DOWNLOAD": download},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_no_python_is_new_enough_uv_downloads_one(old_machine: Path) -> None:
    done = bootstrap(old_machine, download="0")
    assert done.returncode == 0, done.stderr
    assert (old_machine / "asked").read_text() == "python install 3.13\nsync --frozen --python 3.13\n"


def test_where_it_cannot_the_reason_and_the_remedy_are_told(old_machine: Path) -> None:
    done = bootstrap(old_machine, download="1")
    assert done.returncode == 1
    assert "There is no Python 3.12, 3.13 or 3.14 here, and uv could not download one." in done.stderr
    assert "pyenv install 3.13" in done.stderr


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
