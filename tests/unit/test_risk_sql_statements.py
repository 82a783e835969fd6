"""The reader of SQL: statements and lines; and that no text makes it fail, or take more turns than signs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.sql.dialect import Dialect, dialect_of
from core.risk.rules.sql.locks import sql_matches
from core.risk.rules.sql.statements import (
    MAX_STATEMENTS,
    MAX_TEXT,
    MAX_TOKENS,
    _Reader,
    read_sql,
)


def keys(text: str, dialect: Dialect = "postgres") -> list[list[str]]:
    return [[one.key for one in statement.tokens] for statement in read_sql(text, dialect).statements]


def turns(text: str, dialect: Dialect = "postgres") -> int:
    reader = _Reader(text, dialect, 1)
    reader.read()
    return reader.turns


def test_statements_and_their_lines() -> None:
    found = read_sql("SELECT 1; -- a; b\n\n/* ; */ SELECT\r\n 'x;y'\r\n;\n").statements
    assert [(one.line, one.end) for one in found] == [(1, 1), (3, 5)]
    assert [one.text for one in found[1].tokens] == ["SELECT", "x;y"]


@pytest.mark.parametrize(
    ("text", "dialect", "wanted"),
    [
        ("SELECT 'it''s';", "postgres", [["SELECT", "'"]]),
        ("SELECT 'a\\'; b", "postgres", [["SELECT", "'"], ["B"]]),
        ("SELECT 'a\\'; b'", "mysql", [["SELECT", "'"]]),
        ("SELECT E'a\\'; b'", "postgres", [["SELECT", "'"]]),
        ("SELECT $a$ ; $$ $a$; x", "postgres", [["SELECT", "'"], ["X"]]),
        ("SELECT a$b; x", "postgres", [["SELECT", "A$B"], ["X"]]),
        ('"A;b"."C"', "postgres", [["a;b", ".", "c"]]),
        ("# a; b\nx", "mysql", [["X"]]),
        ("x # y", "postgres", [["X", "#", "Y"]]),
        ("/*!40000 DROP TABLE a */;", "mysql", [["DROP", "TABLE", "A", "*", "/"]]),
        ("a\nGO\nb go", "other", [["A"], ["B", "GO"]]),
        ("DELIMITER $$\na; b$$\nDELIMITER ;\nc; d", "mysql", [["A", ";", "B"], ["C"], ["D"]]),
        ("a;;; b", "postgres", [["A"], ["B"]]),
        ("", "postgres", []),
        ("'never closed; b", "postgres", [["'"]]),
        ("/* never closed; b", "postgres", []),
    ],
)
def test_what_a_text_holds(text: str, dialect: Dialect, wanted: list[list[str]]) -> None:
    assert keys(text, dialect) == wanted


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        ("migrations/1.sql", "ALTER TABLE a ADD b int", "postgres"),
        ("migrations/1.sql", "ALTER TABLE `a` ADD b int", "mysql"),
        ("migrations/1.sql", "CREATE TABLE a (b int) ENGINE=InnoDB", "mysql"),
        ("migrations/1.sql", "PRAGMA foreign_keys = 1", "other"),
        ("migrations/1.sql", "/* about to drop `a` */ -- `b`\nSELECT 1", "postgres"),
        ("migrations/1.sql", "/*!40000 ALTER TABLE `a` DISABLE KEYS */", "mysql"),
        ("alembic/versions/1.py", "# of `orders`", "postgres"),
        ("alembic/versions/1.py", "op.create_table('a', mysql_engine='InnoDB')", "mysql"),
        ("mysql/1.sql", "SELECT 1", "mysql"),
        ("postgres/1.sql", "SELECT '`a`'", "postgres"),
        ("clickhouse/1.sql", "SELECT 1", "other"),
    ],
)
def test_dialects(path: str, text: str, wanted: Dialect) -> None:
    assert dialect_of(path, text) == wanted


HOSTILE = {
    "quotes": "'" * 999_999,
    "open quotes": "'a" * 499_999,
    "double quotes": '"' * 999_999,
    "dollars": "$" * 999_999,
    "tags": "".join(f"$t{number}$" for number in range(100_000)),
    "comments": "/*" * 499_999,
    "dashes": "-" * 999_999,
    "backslashes": "'" + "\\" * 500_000 + "'" * 400_000,
    "brackets": "(" * 999_999,
    "one word": "a" * 999_999,
    "blanks": " " * 999_999,
    "statements": "DROP TABLE a;\n" * 70_000,
    "short statements": "a;" * 499_999,
    "one list": "INSERT INTO a VALUES " + "(1)," * 240_000,
    "alters": "ALTER TABLE a ADD b int NOT NULL;\n" * 29_000,
    "actions": "ALTER TABLE a " + "DROP b," * 140_000,
    "delimiters": "DELIMITER x\n" * 80_000,
    "blocks": "DO $$ BEGIN a; END $$;" * 45_000,
    "copies": "COPY a FROM stdin;\n\\.\n" * 45_000,
}


@pytest.mark.parametrize(
    ("name", "dialect"),
    [*((name, "postgres") for name in HOSTILE), ("open quotes", "mysql"), ("delimiters", "mysql")],
)
def test_turns_are_bounded_by_the_signs(name: str, dialect: Dialect) -> None:
    text = HOSTILE[name]
    assert turns(text, dialect) <= len(text) + 1
    script = read_sql(text, dialect)
    assert all(len(one.tokens) <= MAX_TOKENS for one in script.statements)
    assert sum(one.end - one.line + 1 for one in script.statements) <= 3 * (text.count("\n") + len(text))


def test_too_many_statements_are_cut_and_said() -> None:
    script = read_sql("a;" * (MAX_STATEMENTS + 10))
    assert (len(script.statements), script.cut) == (MAX_STATEMENTS, True)
    assert read_sql("a" * (MAX_TEXT + 1)) == ((), True)


@pytest.mark.parametrize("name", ["statements", "alters", "actions", "brackets", "blocks"])
def test_rules_stand_hostile_texts(name: str) -> None:
    change = ChangeSet(files=(TouchedFile("migrations/1.sql", "added", after=HOSTILE[name]),))
    assert isinstance(sql_matches(change), tuple)


WORDS = (
    "' \" ` $$ $a$ -- /* */ # ; ( ) , \\ \n \r\n \0 DELIMITER COPY STDIN DO BEGIN END CASE ALTER TABLE ADD "
    "COLUMN DROP a b NOT NULL UPDATE SET WHERE DELETE FROM CREATE INDEX ON CONCURRENTLY FUNCTION 1 = é"
)
TEXTS = st.one_of(
    st.text(max_size=300), st.lists(st.sampled_from(WORDS.split(" ")), max_size=60).map(" ".join)
)
DIALECTS: tuple[Dialect, ...] = ("postgres", "mysql", "other")


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from(DIALECTS))
def test_no_text_makes_it_fail(text: str, dialect: Dialect) -> None:
    lines = text.count("\n") + 1
    script = read_sql(text, dialect)
    assert turns(text, dialect) <= len(text) + 1
    for one in script.statements:
        assert one.tokens
        assert 1 <= one.line <= one.end <= lines
    sql_matches(ChangeSet(files=(TouchedFile("migrations/1.sql", "added", after=text),)))
