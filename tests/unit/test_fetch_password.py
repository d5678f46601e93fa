"""What puts the database's password into the application's file at boot."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "roles/balanced_member/files/fetch_password.py"


@pytest.fixture
def fetching(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, with a Parameter Store that answers at the third question."""
    spec = importlib.util.spec_from_file_location("fetch_password", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    asked: list[tuple[str, str, str]] = []

    def fetch(*question: str) -> str:
        asked.append((question[0], question[1], question[2]))
        if len(asked) < 3:
            raise OSError("no route yet")
        return 'a"b<c'

    monkeypatch.setattr(module, "fetch", fetch)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(module, "asked", asked, raising=False)
    return module


def test_the_password_replaces_the_placeholder(fetching: ModuleType, tmp_path: Path) -> None:
    context, other = tmp_path / "ROOT##1.xml", tmp_path / "other.xml"
    context.write_text('<Resource password="@here@" />')
    context.chmod(0o640)
    other.write_text("<Context />")
    fetching.main("/x/password", "region", "", "@here@", str(context), str(other), str(tmp_path / "none.xml"))
    assert context.read_text() == '<Resource password="a&quot;b&lt;c" />'
    assert context.stat().st_mode & 0o777 == 0o640
    assert other.read_text() == "<Context />"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ROOT##1.xml", "other.xml"]


def test_nobody_is_asked_where_there_is_no_placeholder(fetching: ModuleType, tmp_path: Path) -> None:
    context = tmp_path / "ROOT##1.xml"
    context.write_text('<Resource password="known" />')
    fetching.main("/x/password", "region", "", "@here@", str(context))
    assert fetching.asked == []
