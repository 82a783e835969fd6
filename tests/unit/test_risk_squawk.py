"""squawk beside our rules: what its rows become, and that it cannot fail, silence or delay a check."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.rules.sql.rules import rules
from evals.risk.corpus import load
from evals.risk.side_by_side import side_by_side
from watchkeeper.risk import squawk

RULE = next(rule for rule in rules if rule.id == "squawk")
needs_squawk = pytest.mark.skipif(squawk.program() is None, reason="squawk is not installed")


def change_of(text: str, path: str = "migrations/0001.sql") -> ChangeSet:
    lines = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 1))
    return ChangeSet(files=(TouchedFile(path, "added", added=lines, after=text),))


def said(change: ChangeSet, *rows: object) -> list[tuple[str, str, int]]:
    known = Known(tools={"squawk": {"status": "ran", "rows": list(rows)}})
    return [(one.level, one.what, one.line) for one in RULE.find(change, known)]


def row(rule: str, line: int, path: str = "migrations/0001.sql") -> dict[str, object]:
    return {"path": path, "line": line, "end": line, "rule": rule, "message": "Beware.", "help": "Do not."}


def test_its_rows_become_matches() -> None:
    change = change_of("SELECT 1;\nDROP VIEW a;\n")
    assert said(change, row("ban-drop-view", 2)) == [("medium", "squawk, ban-drop-view: Beware.", 2)]


def test_what_ours_say_of_the_same_place_is_said_once() -> None:
    change = change_of("DROP\n TABLE a;\nDROP VIEW b;\n")
    assert said(change, row("ban-drop-table", 2), row("ban-drop-view", 3)) == [
        ("medium", "squawk, ban-drop-view: Beware.", 3)
    ]


def test_taste_new_tables_and_ways_back_are_left_out() -> None:
    change = change_of("CREATE TABLE a (b int);\nCREATE INDEX c ON a (b);\n")
    assert said(change, row("prefer-text-field", 1), row("require-concurrent-index-creation", 2)) == []
    goose = change_of("-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP VIEW a;\n")
    assert said(goose, row("ban-drop-view", 4)) == []


@pytest.mark.parametrize(
    "tools",
    [
        {},
        {"squawk": None},
        {"squawk": []},
        {"squawk": {"rows": 1}},
        {"squawk": {"rows": [1, {}, {"line": "1"}]}},
    ],
)
def test_any_shape_is_borne(tools: dict[str, object]) -> None:
    assert list(RULE.find(change_of("DROP VIEW a;"), Known(tools=tools))) == []


@needs_squawk
def test_it_is_run_on_texts_of_migrations() -> None:
    hostile = "migrations/--config=$(touch x);\n.sql"
    change = ChangeSet(
        files=(
            *change_of("SELECT 1;\nDROP VIEW a;\n", hostile).files,
            *change_of("DROP VIEW a;", "tests/migrations/0001.sql").files,
            *change_of("ALTER TABLE `a` ADD b int;", "shop/migrations/0001_x.sql").files,
        )
    )
    answer = squawk.ask(change)
    assert answer["status"] == "ran"
    assert {one["path"] for one in answer["rows"]} == {hostile}
    assert ("ban-drop-view", 2) in [(one["rule"], one["line"]) for one in answer["rows"]]


@needs_squawk
def test_the_transaction_of_a_tool_is_told() -> None:
    text = "SELECT 1; CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON b (c);"
    for inside in (False, True):
        rows = squawk.ask_texts([squawk.Text("1.sql", text, inside)])["rows"]
        found = "ban-concurrent-index-creation-in-transaction" in [one["rule"] for one in rows]
        assert found is inside


@needs_squawk
def test_a_configuration_of_the_checkout_does_not_silence_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".squawk.toml").write_text('excluded_rules = ["ban-drop-view"]\n')
    monkeypatch.chdir(tmp_path)
    assert "ban-drop-view" in [one["rule"] for one in squawk.ask(change_of("DROP VIEW a;"))["rows"]]


def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "squawk"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exec sleep 60", "took longer than 0.2 s"),
        ("echo no", "its answer is not understood"),
        ("exec cat /dev/zero", "its answer is too long"),
        ("exit 3", "ran"),
    ],
)
def test_a_squawk_that_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: str
) -> None:
    _stand_in(tmp_path, monkeypatch, script)
    seconds = 0.4 if "sleep" in script else 60.0
    assert squawk.ask(change_of("DROP VIEW a;"), seconds=seconds) == {"status": status, "rows": []}


def test_it_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert squawk.ask(change_of("DROP VIEW a;")) == {"status": "not installed", "rows": []}
    assert "not installed" in side_by_side().as_text()


@needs_squawk
def test_side_by_side() -> None:
    cases = [
        case
        for case in load()
        if case.family == "sql" and case.id in ("drop-table", "truncate", "rails-index")
    ]
    found = side_by_side(cases)
    assert found.status == "ran"
    assert found.counts()["all"] == {
        "dangers": 3,
        "harmless": 3,
        "ours_found": 3,
        "ours_spoken_of": 0,
        "squawk_found": 1,
        "squawk_spoken_of": 1,
        "anything_found": 2,
        "anything_spoken_of": 1,
    }
    assert "postgres_sql: dangers found, of 2" in found.as_text()
