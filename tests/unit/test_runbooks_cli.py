"""`watchkeeper runbooks`: what it lists, whose each one is, and what it says of a broken directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import InputError, NotFound
from tests.unit.test_runbooks import text
from watchkeeper.cli.runbooks import listing, show


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(text())
    (tmp_path / "deploy.yaml").write_text(text(runbook="roll-back-deploy"))
    return tmp_path


def test_the_list_says_whose_each_runbook_is(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing(own, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert {row["id"]: (row["origin"], row["file"]) for row in printed["runbooks"]} == {
        "dependency-down": ("built-in", "030-dependency-down.yaml"),
        "due-soon": ("built-in", "060-due-soon.yaml"),
        "mine": ("own", "mine.yaml"),
        "roll-back-deploy": ("replaces the built-in", "deploy.yaml"),
        "slow-or-failing": ("built-in", "050-slow-or-failing.yaml"),
        "undo-change": ("built-in", "020-undo-change.yaml"),
        "used-up": ("built-in", "040-used-up.yaml"),
    }


def test_the_list_for_people(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing(own, as_json=False)
    printed = capsys.readouterr().out
    assert "replaces the built-in  (deploy.yaml)" in printed
    assert "7 runbooks in force, all well formed: builtin@" in printed
    listing(None, as_json=False)
    assert "6 runbooks in force" in capsys.readouterr().out


def test_one_runbook_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show("used-up", None, as_json=False)
    printed = capsys.readouterr().out
    assert "Make room for {service}" in printed
    assert "Fits when  symptoms: saturation, queue" in printed
    assert "6. [irreversible] Only if time runs out" in printed
    assert printed.count("done when:") == 7


def test_one_runbook_as_json(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show("mine", own, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["origin"] == "own"
    assert printed["when"] == {"no_change": True}
    assert printed["steps"] == [{"text": "Look.", "action": "read", "done_when": "You saw it."}]


def test_an_unknown_id_names_the_known_ones() -> None:
    with pytest.raises(NotFound, match="no runbook 'nope'") as caught:
        show("nope", None, as_json=False)
    assert "used-up" in caught.value.mend


def test_a_broken_directory_says_which_file_and_how_to_mend_it(own: Path, tmp_path: Path) -> None:
    (own / "broken.yaml").write_text(text(runbook="broken", title="Mend {servcie}"))
    with pytest.raises(InputError) as caught:
        listing(own, as_json=False)
    assert str(own / "broken.yaml") in str(caught.value)
    assert "title: unknown slot {servcie}" in str(caught.value)
    with pytest.raises(InputError, match="not a directory"):
        listing(tmp_path / "none", as_json=False)
