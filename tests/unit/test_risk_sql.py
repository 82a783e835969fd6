"""Rules of migrations: every case of the family, what the lines and levels are, edits, and hostile files."""

from __future__ import annotations

import pytest

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.rules import RULES, Match
from core.risk.rules.sql.catalogue import DANGERS
from core.risk.rules.sql.locks import sql_matches
from core.risk.rules.sql.rules import rules
from evals.risk.corpus import Case, change_of, known_of, load

CASES = [case for case in load() if case.family in ("sql", "sql_hidden")]


def matches(change: ChangeSet, known: Known | None = None) -> list[Match]:
    return [match for rule in rules for match in rule.find(change, known or Known())]


def added(path: str, text: str) -> ChangeSet:
    lines = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 1))
    return ChangeSet(files=(TouchedFile(path, "added", added=lines, after=text),))


def found(text: str, path: str = "migrations/0001_x.sql") -> list[tuple[str, int]]:
    """Rules above low, with their lines."""
    return [(one.rule, one.line) for one in sql_matches(added(path, text)) if one.level != "low"]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case) -> None:
    got = matches(change_of(case), known_of(case))
    rules_found = {match.rule for match in got}
    if case.danger:
        assert rules_found == set(case.rules)
    else:
        assert not rules_found & set(case.rules)
        assert [match for match in got if match.level != "low"] == []


def test_cases_come_in_pairs_and_meet_every_rule() -> None:
    dangers = {case.id for case in CASES if case.danger}
    assert dangers == {case.id for case in CASES if not case.danger}
    assert len(dangers) >= 30
    met = {rule for case in CASES if case.danger for rule in case.rules}
    assert {danger.id for danger in DANGERS} - met == set()


def test_every_rule_is_listed_and_says_its_source() -> None:
    ours = [rule for rule in RULES if rule.id.startswith("sql-") or rule.id == "squawk"]
    assert [rule.id for rule in ours] == [rule.id for rule in rules]
    assert all("https://" in rule.source and rule.why and rule.title for rule in ours)


def test_a_match_points_at_the_line_of_the_action() -> None:
    change = added("migrations/1.sql", "ALTER TABLE a\n  ADD COLUMN b int,\n  DROP COLUMN c;\n")
    (match,) = [one for one in sql_matches(change) if one.rule == "sql-drop-column"]
    assert (match.path, match.line, match.level) == ("migrations/1.sql", 3, "high")
    assert match.evidence == "DROP COLUMN c;"
    assert match.what == "Drops the column a.c."
    assert "later change" in match.clears


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("DELETE FROM a;", "critical"),
        ("DELETE FROM a WHERE 1=1;", "critical"),
        ("WITH b AS (SELECT 1 FROM c WHERE d) DELETE FROM a;", "critical"),
        ("UPDATE a SET b = 1;", "high"),
        ("REFRESH MATERIALIZED VIEW a;", "medium"),
    ],
)
def test_levels(text: str, level: str) -> None:
    (match,) = [one for one in sql_matches(added("migrations/1.sql", text)) if one.level != "low"]
    assert match.level == level


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE a ADD COLUMN b int REFERENCES c (id);",
        "ALTER TABLE a ADD COLUMN b timestamptz NOT NULL DEFAULT now();",
        "ALTER TABLE a ADD COLUMN b int CHECK (b IS NOT NULL);",
        "CREATE INDEX ON ONLY parted (a);",
        "ALTER TABLE a ALTER COLUMN b SET DEFAULT 1;",
        "UPDATE a SET b = 1 FROM c WHERE a.id = c.id;",
        "WITH b AS (SELECT 1) DELETE FROM a USING b WHERE a.id = b.id;",
        "DELETE FROM a ORDER BY id LIMIT 100;",
        "INSERT INTO a SELECT 1 ON CONFLICT DO UPDATE SET b = 1;",
        "COPY a FROM stdin;\nDROP TABLE b;\n\\.\nSELECT 1;",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM a; END $$;",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM a; SELECT 1; END; SELECT 2;",
        "CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING;",
        "GRANT DELETE, UPDATE, TRUNCATE ON a TO b;",
        "CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f();",
        "COMMENT ON TABLE a IS 'it''s fine; DROP TABLE b;';",
        "/* outer /* DROP TABLE a; */ DROP TABLE b; */ SELECT 1;",
        "SELECT E'\\'; DROP TABLE a; --';",
        "\\connect shop; DROP TABLE a",
        "CREATE TABLE a (b int);\nALTER TABLE a RENAME TO c;\nCREATE INDEX ON c (b);\nDROP TABLE c;",
        "LOCK TABLES a READ;",
        "CREATE TABLE n (b int); INSERT INTO n SELECT 1; DROP TABLE a; ALTER TABLE n RENAME TO a;",
    ],
)
def test_harmless(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('alter table if exists only "Shop"."Order" add b int not null;', "sql-not-null"),
        ("ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT NULL;", "sql-not-null"),
        ("ALTER TABLE a ADD b int GENERATED ALWAYS AS (c * 2) STORED;", "sql-volatile-default"),
        ("ALTER TABLE a ADD COLUMN b int UNIQUE;", "sql-unique-constraint"),
        ("ALTER TABLE a ALTER b SET DATA TYPE varchar(10);", "sql-column-type"),
        ("ALTER TABLE a SET UNLOGGED;", "sql-rewrite"),
        ("DROP SCHEMA shop CASCADE;", "sql-drop-table"),
        ("DROP DATABASE shop;", "sql-drop-table"),
        ("CLUSTER a USING b;", "sql-rewrite"),
        ("SELECT 1;\r\nDROP/**/TABLE a;\r\n", "sql-drop-table"),
        ("DO $x$ BEGIN DROP TABLE a; END $x$;", "sql-drop-table"),
        ("DROP TABLE IF EXISTS a", "sql-drop-table"),
        ("BEGIN; DROP INDEX CONCURRENTLY a; END;", "sql-concurrently-in-transaction"),
        ("ALTER TABLE `a` CHANGE `b` `c` int;", "sql-rename"),
        ("RENAME TABLE `a` TO `b`;", "sql-rename"),
        ("ALTER TABLE `a` ADD CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `c` (`id`);", "sql-mysql-copy"),
    ],
)
def test_dangerous(text: str, rule: str) -> None:
    assert rule in [name for name, _ in found(text)]


def test_only_touched_statements_of_an_old_file_are_told() -> None:
    before = "DROP TABLE a;\n"
    after = before + "DROP TABLE b;\n"
    change = ChangeSet(
        files=(
            TouchedFile(
                "ops/clean.sql", "modified", added=(Line(2, "DROP TABLE b;"),), before=before, after=after
            ),
        )
    )
    assert [one.what for one in sql_matches(change) if one.rule == "sql-drop-table"] == ["Drops the table b."]


def test_a_squashed_migration_may_go_and_another_may_not() -> None:
    old = "from django.db import migrations\nclass Migration(migrations.Migration):\n    operations = []\n"
    gone = TouchedFile("shop/migrations/0001_a.py", "deleted", before=old)
    new = TouchedFile("shop/migrations/0001_squashed_0002.py", "added", after=old)
    assert [one.rule for one in sql_matches(ChangeSet(files=(gone,)))] == ["sql-edited-migration"]
    assert sql_matches(ChangeSet(files=(gone, new))) == ()


def test_what_is_too_large_is_said() -> None:
    change = ChangeSet(files=(TouchedFile("migrations/0001.sql", "modified", cut=True),))
    assert [(one.rule, one.level) for one in sql_matches(change)] == [("sql-unread", "medium")]


HOSTILE = ["$(touch x)", "; rm -rf .", "a\nb", "--config=x", "‮gpj", "::warning::x", "<script>", "@everyone"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_data(name: str) -> None:
    got = matches(added(f"migrations/{name}.sql", f'DROP TABLE "{name}";'))
    assert "sql-drop-table" in [one.rule for one in got]
    assert all(one.what.isprintable() and one.evidence.isprintable() for one in got)


BROKEN = [
    "(" * 5_000,
    "-" * 50_000 + "1",
    "def upgrade():\n    op.execute(" + "f(" * 3_000,
    "x = " + "1+" * 20_000 + "1",
    "def upgrade():\n" + "".join(" " * depth + "if x:\n" for depth in range(1, 150)),
    "class Migration(migrations.Migration):\n    operations = " + "[" * 90 + "]" * 90,
    "class Migration(migrations.Migration):\n    operations = [RunSQL(), AddField(), AddIndex(*x), 1, None]",
    "def upgrade():\n    op.add_column()\n    op.alter_column(*a, **b)\n    op.execute()\n",
    "databaseChangeLog: &a [*a]",
    "databaseChangeLog: " + "[" * 3_000,
    "databaseChangeLog: [1, {changeSet: 1}, {changeSet: {changes: [1, {addColumn: 1}, {sql: }]}}]",
    "add_column\nexecute <<~SQL\nexecute '\nadd_index :a,\n" + "remove_column :a,\n" * 200,
    "\0\0\x1b[31m\ud800",
    "",
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize(
    "path", ["a/migrations/1.py", "db/migrate/001_a.rb", "db/changelog/changelog.yaml", "migrations/1.sql"]
)
def test_nothing_raises_for_what_is_in_a_file(path: str, text: str) -> None:
    marks = "\n# def upgrade migrations.Migration\n" if path.endswith(".py") else ""
    assert isinstance(matches(added(path, text + marks)), list)
    change = ChangeSet(
        files=(TouchedFile(path, "modified", before=text + marks, after=text + marks + "\nx"),)
    )
    assert isinstance(matches(change), list)
