"""What the lookup tomcat_application makes of a folder, and what it refuses."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader

lookup_loader.add_directory(str(Path(__file__).resolve().parents[2] / "roles/tomcat/lookup_plugins"))


def found(source: Path, build: Path) -> dict[str, str]:
    (answer,) = lookup_loader.get("tomcat_application").run([str(source)], build_directory=str(build))
    return dict(answer)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The contents of a WAR, among things that do not belong into it."""
    contents = tmp_path / "shop"
    (contents / "WEB-INF").mkdir(parents=True)
    (contents / ".git").mkdir()
    for name in ("index.jsp", "WEB-INF/web.xml", ".git/config", ".hidden", "index.jsp~"):
        (contents / name).write_text(name)
    return contents


def test_only_what_belongs_to_the_application_is_packed(folder: Path, tmp_path: Path) -> None:
    war = zipfile.ZipFile(found(folder, tmp_path / "build")["path"])
    assert war.namelist() == ["WEB-INF/web.xml", "index.jsp"]


def test_a_folder_always_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = found(folder, tmp_path / "one")
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    assert found(folder, tmp_path / "two")["sha256"] == first["sha256"]


def test_another_content_gives_another_checksum(folder: Path, tmp_path: Path) -> None:
    first = found(folder, tmp_path / "build")
    (folder / "index.jsp").write_text("new")
    assert found(folder, tmp_path / "build")["sha256"] != first["sha256"]


def test_a_war_is_taken_as_it_is(folder: Path, tmp_path: Path) -> None:
    war = Path(found(folder, tmp_path / "build")["path"])
    answer = found(war, tmp_path / "unused")
    assert answer == {"path": str(war), "sha256": hashlib.sha256(war.read_bytes()).hexdigest()}
    assert not (tmp_path / "unused").exists()


def test_a_folder_without_web_inf_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(AnsibleLookupError, match=f"{tmp_path} has no folder WEB-INF"):
        found(tmp_path, tmp_path / "build")


@pytest.mark.parametrize("text", [None, "no zip"])
def test_what_is_no_war_is_refused_with_its_name(tmp_path: Path, text: str | None) -> None:
    source = tmp_path / "shop.war"
    if text:
        source.write_text(text)
    with pytest.raises(AnsibleLookupError, match=f"{source} is neither a WAR nor a folder"):
        found(source, tmp_path / "build")
