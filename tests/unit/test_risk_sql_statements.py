"""The reader of SQL: statements and lines; and that no text makes it fail, or take more turns than signs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.sql.dialect import Dialect, dialect_of
from core.risk.rules.sql.lexer import Reader
from core.risk.rules.sql.locks import sql_matches
from core.risk.rules.sql.statements import (
    MAX_STATEMENTS,
    MAX_TEXT,
    MAX_TOKENS,
    read_sql,
    settled,
)


def keys(text: str, dialect: Dialect = "postgres") -> list[list[str]]:
    return [[one.key for one in statement.tokens] for statement in read_sql(text, dialect).statements]


def turns(text: str, dialect: Dialect = "postgres") -> int:
    reader = Reader(text, dialect, 1)
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
        ("/*!40000 DROP TABLE a */;", "mysql", [["DROP", "TABLE", "A"]]),
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
    "quotes": "'" * 249_999,
    "open quotes": "'a" * 124_999,
    "double quotes": '"' * 249_999,
    "dollars": "$" * 249_999,
    "tags": "".join(f"$t{number}$" for number in range(25_000)),
    "comments": "/*" * 124_999,
    "dashes": "-" * 249_999,
    "backslashes": "'" + "\\" * 125_000 + "'" * 100_000,
    "brackets": "(" * 249_999,
    "one word": "a" * 249_999,
    "blanks": " " * 249_999,
    "statements": "DROP TABLE a;\n" * 25_000,
    "short statements": "a;" * 124_999,
    "one list": "INSERT INTO a VALUES " + "(1)," * 60_000,
    "alters": "ALTER TABLE a ADD b int NOT NULL;\n" * 8_000,
    "actions": "ALTER TABLE a " + "DROP b," * 35_000,
    "delimiters": "DELIMITER x\n" * 20_000,
    "blocks": "DO $$ BEGIN a; END $$;" * 11_000,
    "copies": "COPY a FROM stdin;\n\\.\n" * 11_000,
    "own quotes": "q'[" * 60_000,
    "open comments inside": "/* /* */" * 30_000,
    "texts that are run": "DO $$ BEGIN EXECUTE 'DO ''BEGIN a; END''; '; END $$;" * 4_000,
    "one text run often": "SET @a = '" + "-" * 60_000 + "';" + "PREPARE a FROM @a;" * 10_000,
    "routines": "CREATE FUNCTION f() AS $$ SELECT f(); $$; SELECT f();" * 4_000,
    "names in brackets": "[a" * 124_999,
    "commands": "\\gexec\n" * 30_000,
    "conditions": "DELETE FROM a WHERE " + "((1=1) OR " * 25_000,
}


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        *((name, "postgres") for name in HOSTILE),
        ("open quotes", "mysql"),
        ("delimiters", "mysql"),
        ("names in brackets", "other"),
        ("one text run often", "mysql"),
    ],
)
def test_turns_are_bounded_by_the_signs(name: str, dialect: Dialect) -> None:
    text = HOSTILE[name]
    assert turns(text, dialect) <= len(text) + 1
    script = read_sql(text, dialect)
    assert all(len(one.tokens) <= MAX_TOKENS for one in script.statements)
    assert sum(one.end - one.line + 1 for one in script.statements) <= 3 * (text.count("\n") + len(text))


@pytest.mark.parametrize(
    ("text", "guess", "wanted"),
    [
        ("# it's\nDROP TABLE a;", "postgres", "mysql"),
        ("/* a /* b */ DROP TABLE a;", "postgres", "mysql"),
        ("SELECT 'it\\'s';", "postgres", "mysql"),
        ("SELECT 'a\\';", "mysql", "other"),
        ("INSERT INTO [it's] VALUES (1);", "postgres", "other"),
        ("SELECT a # b, c[1], d->'x';", "postgres", "postgres"),
        ("SELECT 'never;", "postgres", "postgres"),
        ("/* a /* b */ */ SELECT 1;", "postgres", "postgres"),
    ],
)
def test_the_dialect_in_which_all_quotes_end_wins(text: str, guess: Dialect, wanted: Dialect) -> None:
    assert settled(text, guess) == wanted


@pytest.mark.parametrize(
    ("text", "line"),
    [("a;\n'b", 2), ("a;\n\n/* b", 3), ("$x$ b", 1), ('a "b', 1), ("'b';\n/* b */", 0), ("q'[its", 1)],
)
def test_what_never_ends_is_told_with_its_line(text: str, line: int) -> None:
    assert read_sql(text).opened == line


@pytest.mark.parametrize(
    ("text", "dialect", "lines"),
    [
        ("\\i a.sql\n\\ir b.sql\n\\set x\n\\if 1", "postgres", [1, 2]),
        ("SELECT 1 \\gexec\nSELECT 2 \\gset", "postgres", [1]),
        (":r a.sql\n@b.sql\nSELECT @c", "other", [1, 2]),
        ("PREPARE a FROM @b;", "mysql", [1]),
        ("SET @b = 'SELECT 1'; PREPARE a FROM @b;", "mysql", []),
        ("EXECUTE a;", "postgres", []),
        ("DO $$ BEGIN\nEXECUTE a;\nEND $$", "postgres", [2]),
    ],
)
def test_what_is_run_from_elsewhere_is_told(text: str, dialect: Dialect, lines: list[int]) -> None:
    assert [one.line for one in read_sql(text, dialect).unread] == lines


def test_a_text_that_is_run_is_read_where_it_stands() -> None:
    found = read_sql("DO $$ BEGIN\n  EXECUTE 'DROP TABLE ' ||\n    a;\nEND $$;").statements
    assert [one.tokens[2].text for one in found if one.starts("DROP")] == ["unknown_value"]
    assert [one.line for one in found if one.starts("DROP")] == [2]


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("SET @a = IF(b > 0, 'SELECT 1', 'DROP TABLE c'); PREPARE d FROM @a;", "mysql"),
        ("SET @a = CONCAT('DROP TABLE ', @b); PREPARE d FROM @a;", "mysql"),
        ("SELECT CONCAT('DROP TABLE ', b) INTO @a FROM c; PREPARE d FROM @a;", "mysql"),
        ("DECLARE @a NVARCHAR(MAX) = N'DROP TABLE c'\nEXEC(@a + N' x')", "other"),
        ("DO $$ BEGIN a := format('DROP TABLE %I', b); EXECUTE a; END $$;", "postgres"),
        ("BEGIN EXECUTE IMMEDIATE 'DROP TABLE c'; END;", "postgres"),
        ("REM don't\nDROP TABLE c;", "other"),
    ],
)
def test_a_text_with_a_name_is_what_is_run(text: str, dialect: Dialect) -> None:
    assert sum(one.starts("DROP", "TABLE") for one in read_sql(text, dialect).statements) == 1


def test_a_folder_tells_the_dialect_of_a_file_that_does_not() -> None:
    texts = {"db/a/1.sql": "CREATE TABLE `a` (b int);", "db/a/2.sql": "CREATE INDEX i ON c (d);"}
    files = tuple(TouchedFile(path, "added", after=text) for path, text in texts.items())
    moved = (files[0], TouchedFile("db/b/2.sql", "added", after=texts["db/a/2.sql"]))
    assert [one.rule for one in sql_matches(ChangeSet(files=files))] == []
    assert "sql-index-blocks" in [one.rule for one in sql_matches(ChangeSet(files=moved))]


def test_too_many_statements_are_cut_and_said() -> None:
    script = read_sql("a;" * (MAX_STATEMENTS + 10))
    assert (len(script.statements), script.cut) == (MAX_STATEMENTS, True)
    assert read_sql("a" * (MAX_TEXT + 1)) == ((), True, 0, ())


@pytest.mark.parametrize(
    "name",
    ["statements", "alters", "actions", "brackets", "blocks", "conditions", "commands", "one text run often"],
)
def test_rules_stand_hostile_texts(name: str) -> None:
    change = ChangeSet(files=(TouchedFile("migrations/1.sql", "added", after=HOSTILE[name]),))
    assert isinstance(sql_matches(change), tuple)


WORDS = (
    "' \" ` $$ $a$ -- /* */ # ; ( ) , \\ \n \r\n \0 DELIMITER COPY STDIN EXECUTE EXEC PREPARE CALL @ [ ] "
    "q'[ /*! || DO BEGIN END CASE ALTER TABLE ADD "
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
