"""Migrations of Laravel and Entity Framework, what no reader knows, and that no text makes them fail."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.rule import Match
from core.risk.rules.sql.frameworks import is_migration_path, kind_of
from core.risk.rules.sql.locks import sql_matches
from core.risk.rules.sql.program import Program

PHP = "database/migrations/2026_01_01_000000_x.php"
CS = "src/Shop/Migrations/20260101_X.cs"


def matches(path: str, text: str) -> list[Match]:
    lines = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 1))
    file = TouchedFile(path, "added", added=lines, after=text)
    return [one for one in sql_matches(ChangeSet(files=(file,))) if one.level != "low"]


def php(body: str) -> list[str]:
    head = "<?php\nuse Illuminate\\Support;\nclass X extends Migration {\n public function up() {"
    text = f"{head}\n{body}\n }}\n}}\n"
    return [one.rule for one in matches(PHP, text)]


def cs(body: str) -> list[str]:
    text = f"class X : Migration {{\n void Up(MigrationBuilder m) {{\n{body}\n }}\n}}\n"
    return [one.rule for one in matches(CS, text)]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("Schema::drop('a');", "sql-drop-table"),
        ("Schema::connection('b')->dropIfExists(\"a\");", "sql-drop-table"),
        ("Schema::dropColumns('a', ['b']);", "sql-drop-column"),
        ("Schema::rename('a', 'b');", "sql-rename"),
        ("Schema::table('a', function ($t) { $t->dropColumn('b'); });", "sql-drop-column"),
        ("Schema::table('a', fn (Blueprint $t) => $t->dropSoftDeletes());", "sql-drop-column"),
        ("Schema::table('a', function ($t) { $t->renameColumn('b', 'c'); });", "sql-rename"),
        ("Schema::table('a', function ($t) { $t->string('b')->change(); });", "sql-mysql-copy"),
        ("Schema::table('a', function ($t) { $t->string('b'); });", "sql-not-null"),
        ("DB::statement('DROP TABLE a');", "sql-drop-table"),
        ("DB::statement(<<<SQL\n DROP TABLE a\n SQL);", "sql-drop-table"),
        ('DB::unprepared("DROP TABLE {$a->b}");', "sql-drop-table"),
        ("DB::statement('DROP ' . 'TABLE a');", "sql-drop-table"),
        ("DB::table('a')->delete();", "sql-without-where"),
        ("DB::table('a')->truncate();", "sql-truncate"),
        ("Order::query()->update(['a' => 1]);", "sql-without-where"),
        ("Order::truncate();", "sql-truncate"),
        ("$this->addSql('DROP TABLE a');", "sql-drop-table"),
    ],
)
def test_calls_of_laravel_are_the_statements_that_they_stand_for(body: str, rule: str) -> None:
    assert php(body) == [rule]


@pytest.mark.parametrize(
    "body",
    [
        "Schema::create('a', function ($t) { $t->string('b'); $t->dropColumn('c'); });",
        "Schema::table('a', function ($t) { $t->string('b')->nullable(); $t->timestamps(); });",
        "// it's Schema::drop('a');\n# it's Schema::drop('a');\n/* it's\nSchema::drop('a'); */",
        "DB::table('a')->where('id', 1)->delete();",
        "DB::statement('SELECT 1'); echo 'DROP TABLE a';",
        "Order::where('a', 1)->update(['a' => 1]);",
        "} public function down() { Schema::drop('a');",
    ],
)
def test_what_harms_nobody_in_laravel_is_quiet(body: str) -> None:
    assert php(body) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('m.DropTable(name: "A", schema: "b");', "sql-drop-table"),
        ('m.DropTable("A");', "sql-drop-table"),
        ('m.DropColumn(\n  name: "A",\n  table: "B");', "sql-drop-column"),
        ('m.RenameColumn(name: "A", table: "B", newName: "C");', "sql-rename"),
        ('m.RenameTable(name: "A", newName: "C");', "sql-rename"),
        ('m.Sql("DROP TABLE [dbo].[A]");', "sql-drop-table"),
        ('m.Sql(@"\nDELETE FROM A\n");', "sql-without-where"),
        ('m.Sql($"DROP TABLE {a.B}");', "sql-drop-table"),
        ('m.Sql("""\n  TRUNCATE TABLE A\n  """);', "sql-truncate"),
    ],
)
def test_calls_of_entity_framework_are_the_statements_that_they_stand_for(body: str, rule: str) -> None:
    assert cs(body) == [rule]


@pytest.mark.parametrize(
    "body",
    [
        'm.CreateTable(name: "A", columns: t => new { B = t.Column<int>(nullable: false) });',
        'm.AddColumn<string>(name: "A", table: "B", nullable: true);',
        '// it\'s m.DropTable("A");',
        '} void Down(MigrationBuilder m) { m.DropTable("A");',
        'var a = "m.DropTable()";',
    ],
)
def test_what_harms_nobody_in_entity_framework_is_quiet(body: str) -> None:
    assert cs(body) == []


def test_the_database_of_entity_framework_counts() -> None:
    body = 'm.CreateIndex(name: "A", table: "B", column: "C");'
    assert cs(body) == []
    assert cs(f"{body} // Npgsql") == ["sql-index-blocks"]


def test_lines_are_those_of_the_file() -> None:
    text = "<?php\nSchema::table('a', function ($t) {\n  $t->dropColumn(\n    \"b\");\n});\n"
    (match,) = matches(PHP, text)
    assert (match.line, match.evidence) == (3, "$t->dropColumn(")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("db/migrations/0004_x.go", "compiled"),
        ("src/main/java/db/migration/V4__x.java", "compiled"),
        ("src/main/kotlin/db/migration/V4__x.kt", "compiled"),
        ("priv/repo/migrations/20260101_x.exs", "unread"),
        ("app/migrations/2026-01-01_x.php", "unread"),
        ("db/migrations/helpers.go", ""),
        ("db/tools/0004_x.go", ""),
        ("src/Migrations/20260101_X.Designer.cs", ""),
        ("database/V20__x.ddl", "sql"),
    ],
)
def test_what_no_reader_knows_is_told_by_its_name(path: str, kind: str) -> None:
    assert kind_of(path, "class X {}") == kind
    assert is_migration_path(path) or not kind


HOSTILE = {
    "quotes": "'" * 100_000,
    "escapes": "'" + "\\" * 100_000,
    "brackets": "Schema::table('a', function () {" * 8_000,
    "heredocs": "<<<A\n" * 40_000,
    "verbatim": '@"' * 80_000,
    "chain": "DB::table('a')" + "->delete()" * 20_000,
    "filled": '"' + "{$a" * 60_000,
    "generics": "a<" * 80_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_end(text: str) -> None:
    assert isinstance(matches(PHP, f"Schema::x();{text}"), list)
    assert isinstance(matches(CS, f"MigrationBuilder {text}"), list)


WORDS = (
    *("'", '"', '@"', '"""', "<<<A", "\n", "(", ")", "{", "}", "[", "]", ",", ";", "::", "->", ".", "=>"),
    *("$t", "Schema", "table", "drop", "Sql", "Up", "down", "#", "//", "/*", "*/", "a", ":", "<"),
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_no_text_raises(text: str) -> None:
    lines = text.count("\n") + 1
    assert all(1 <= one.line <= one.end <= lines for one in Program(text, "php").tokens)
    matches(PHP, f"Schema::x();{text}")
    matches(CS, f"MigrationBuilder;{text}")
