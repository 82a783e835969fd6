"""Changelogs of Liquibase in XML, YAML and JSON: statements, their lines, what is refused, what stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.sql.changelog import elements
from core.risk.rules.sql.liquibase import keeps, read_liquibase
from core.risk.rules.sql.locks import sql_matches
from tests.repositories import Repository
from tests.unit.test_risk_sql import added, found
from watchkeeper.risk.check import Asked, check

NOW = 1_795_000_000_000
PATH = "src/main/resources/db/changelog/7.xml"


def log(*changes: str, attributes: str = "") -> str:
    """Changes begin on line 3."""
    body = "\n".join(changes)
    head = f'<databaseChangeLog>\n<changeSet id="7" author="ann"{attributes}>'
    return f"{head}\n{body}\n</changeSet>\n</databaseChangeLog>\n"


def rules(text: str, path: str = PATH) -> list[tuple[str, int]]:
    return found(text, path)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ('<dropTable tableName="a"/>', "sql-drop-table"),
        ('<dropColumn tableName="a"><column name="b"/></dropColumn>', "sql-drop-column"),
        (
            '<mergeColumns tableName="a" column1Name="b" column2Name="c" finalColumnName="b"/>',
            "sql-drop-column",
        ),
        ('<renameTable oldTableName="a" newTableName="b"/>', "sql-rename"),
        ('<renameColumn tableName="a" oldColumnName="b" newColumnName="c"/>', "sql-rename"),
        ('<modifyDataType tableName="a" columnName="b" newDataType="bigint"/>', "sql-column-type"),
        ('<addNotNullConstraint tableName="a" columnName="b"/>', "sql-set-not-null"),
        ('<addUniqueConstraint tableName="a" columnNames="b"/>', "sql-unique-constraint"),
        ('<addPrimaryKey tableName="a" columnNames="b"/>', "sql-unique-constraint"),
        ('<addForeignKeyConstraint baseTableName="a" baseColumnNames="b"/>', "sql-constraint-scan"),
        ('<createIndex tableName="a" indexName="i"><column name="b"/></createIndex>', "sql-index-blocks"),
        ('<dropIndex tableName="a" indexName="i"/>', "sql-drop-index"),
        ('<delete tableName="a"/>', "sql-without-where"),
        ("<sql>DELETE FROM a</sql>", "sql-without-where"),
        ('<sql endDelimiter="\\nGO">SELECT 1\nGO\nDROP TABLE a\nGO</sql>', "sql-drop-table"),
        ("<sql endDelimiter='//'>SELECT 1// DROP TABLE a//</sql>", "sql-drop-table"),
        ("<sql>SELECT '&lt;' &#10; ; DROP TABLE a</sql>", "sql-drop-table"),
        (
            '<addColumn tableName="a"><column name="b" type="bigint" autoIncrement="true"/></addColumn>',
            "sql-volatile-default",
        ),
        (
            '<ext:addColumn xmlns:ext="x" tableName="a"><ext:column name="b" type="int">'
            '<ext:constraints nullable="false"/></ext:column></ext:addColumn>',
            "sql-not-null",
        ),
    ],
)
def test_changes_are_the_statements_that_they_stand_for(change: str, rule: str) -> None:
    assert rule in [name for name, _ in rules(log(change))]


@pytest.mark.parametrize(
    "change",
    [
        '<addColumn tableName="a"><column name="b" type="int"/></addColumn>',
        '<addColumn tableName="a"><column name="b" type="int" defaultValueNumeric="0">'
        '<constraints nullable="false"/></column></addColumn>',
        '<addForeignKeyConstraint baseTableName="a" validate="false"/>',
        '<addUniqueConstraint tableName="a" columnNames="b" forIndexName="i"/>',
        '<modifyDataType tableName="a" columnName="b" newDataType="clob"/>',
        '<delete tableName="a"><where>b = 1</where></delete>',
        '<rollback><dropTable tableName="a"/></rollback>',
        "<comment>DROP TABLE a;</comment>",
        "<!-- <dropTable tableName='a'/> -->",
        '<sql dbms="h2">DROP TABLE a</sql>',
        "<sql><!-- DROP TABLE a -->SELECT 1</sql>",
        "<sql>-- DROP TABLE a</sql>",
        '<createTable tableName="a"/>\n<dropTable tableName="a"/>',
    ],
)
def test_what_harms_nobody_is_quiet(change: str) -> None:
    assert rules(log(change)) == []


def test_lines_are_those_of_the_file() -> None:
    text = log(
        '<addColumn tableName="a">', '<column name="ok" type="int"/>', '<column name="b" type="int">',
        '<constraints nullable="false"/>', "</column>", "</addColumn>",
        "<sql><![CDATA[", "SELECT 1;", "]]><!-- a", "comment -->&#10;&#10;", "DROP TABLE c;", "</sql>",
    )  # fmt: skip
    assert rules(text) == [("sql-not-null", 5), ("sql-drop-table", 13)]
    [match] = [one for one in sql_matches(added(PATH, text)) if one.rule == "sql-drop-table"]
    assert match.evidence == "DROP TABLE c;"
    yaml = "databaseChangeLog:\n- changeSet:\n    id: 1\n    changes:\n    - sql:\n        sql: |\n"
    yaml += "          SELECT 1;\n          DROP TABLE c;\n    - dropTable:\n        tableName: d\n"
    assert rules(yaml, "db/changelog/a.yaml") == [("sql-drop-table", 8), ("sql-drop-table", 9)]


def test_only_what_was_added_counts() -> None:
    before = log('<dropTable tableName="a"/>')
    more = '<changeSet id="8" author="ann">\n<sql>\nDELETE FROM b\n</sql>\n</changeSet>\n'
    after = before.replace("</databaseChangeLog>", f"{more}</databaseChangeLog>")
    lines = tuple(Line(number, "x") for number in range(5, 10))
    file = TouchedFile(PATH, "modified", added=lines, before=before, after=after)
    got = [(one.rule, one.line) for one in sql_matches(ChangeSet(files=(file,)))]
    assert got == [("sql-without-where", 7)]
    # The one line that differs need not be the one that names the table.
    inner = file.__class__(PATH, "modified", added=(Line(7, "x"),), before=before, after=after)
    assert [one.rule for one in sql_matches(ChangeSet(files=(inner,)))] == ["sql-without-where"]


def test_the_three_forms_say_the_same() -> None:
    xml = log(
        '<addColumn tableName="a"><column name="b" type="int"><constraints nullable="false"/>'
        "</column></addColumn>",
        '<delete tableName="c"><where>d = 1</where></delete>',
    )
    yaml = """databaseChangeLog:
- changeSet:
    id: 7
    author: ann
    changes:
    - addColumn:
        tableName: a
        columns: [{column: {name: b, type: int, constraints: {nullable: false}}}]
    - delete: {tableName: c, where: d = 1}
"""
    json = (
        '{"databaseChangeLog": [{"changeSet": {"id": "7", "author": "ann", "changes": [\n\t{"addColumn": '
        '{"tableName": "a", "columns": [{"column": {"name": "b", "type": "int", "constraints": '
        '{"nullable": false}}}]}},\n{"delete": {"tableName": "c", "where": "d = 1"}}]}}]}'
    )
    read = [
        [[token.text for token in one.tokens] for one in read_liquibase(text, "postgres").statements]
        for text in (xml, yaml, json)
    ]
    assert read[0] == read[1] == read[2]
    assert len(read[0]) == 4


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
REFUSED = {
    "entities that grow": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]>{log("<sql>&l11;</sql>")}',
    "an entity from outside": f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{log("<sql>&x;</sql>")}',
    "a document type": f'<!DOCTYPE databaseChangeLog SYSTEM "https://example.org/x.dtd">{log()}',
    "an entity that nobody declares": log("<sql>&x;</sql>"),
    "too deep": "<databaseChangeLog>" + "<a>" * 5_000 + "</a>" * 5_000 + "</databaseChangeLog>",
    "too many": f"<databaseChangeLog>{'<a/>' * 60_000}</databaseChangeLog>",
    "too long": log("<!-- " + "x" * 1_000_000 + " -->"),
    "not closed": "<databaseChangeLog><changeSet>",
    "two roots": "<databaseChangeLog/><databaseChangeLog/>",
    "a NUL": "<databaseChangeLog>\0</databaseChangeLog>",
    "nothing but a bracket": "<",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_read_is_said(text: str) -> None:
    assert elements(text) is None
    assert read_liquibase(text, "postgres").cut
    if "databaseChangeLog" in text:
        assert ("sql-unread", 0) in rules(text)


@pytest.mark.parametrize(
    "text",
    ["", "<a/>", "<databaseChangeLog/>", "\ufeff<databaseChangeLog/>", "databaseChangeLog: 7", "[]",
     "a: &a [*a]",
     "databaseChangeLog: [1, {changeSet: 1}, {changeSet: {changes: [1, {sql: }, {addColumn: [1]}]}}]",
     '{"databaseChangeLog": [{"changeSet": {"changes": {"dropTable": 1}}}]}',
     "<databaseChangeLog>\r\r\r<changeSet>&#13;\ud800</changeSet></databaseChangeLog>"],
)  # fmt: skip
def test_nothing_raises(text: str) -> None:
    assert isinstance(read_liquibase(text, "postgres").statements, tuple)
    assert keeps(text, text) in (True, None)


def test_much_of_everything_is_read_in_one_pass() -> None:
    many = "".join(f"<sql>DROP TABLE t{n};\n</sql>" for n in range(9_000))
    assert len(read_liquibase(log(many), "postgres").statements) == 9_002
    assert len(elements(log(f"<sql>{'a&amp;' * 100_000}</sql>")) or ()) == 1


def test_change_sets_that_stay_are_no_edit() -> None:
    before = log('<dropTable tableName="a"/>')
    assert keeps(before, before.replace(">\n", ">\n\n  "))
    assert keeps(before, before.replace("<dropTable", "<comment>why</comment><dropTable"))
    assert keeps(before, before.replace("</databaseChangeLog>", "<changeSet id='8'/></databaseChangeLog>"))
    assert keeps(log("<sql>A</sql>", attributes=' runOnChange="true"'), log(attributes=' runOnChange="true"'))
    assert keeps(before, before.replace('"a"', '"b"')) is False
    assert keeps(before, "<databaseChangeLog/>") is False
    assert (
        keeps("<databaseChangeLog><include file='a'/></databaseChangeLog>", "<databaseChangeLog/>") is False
    )
    assert keeps(before, "<") is None


@pytest.mark.parametrize(
    ("dbms", "rule"), [("mysql,h2", "sql-mysql-copy"), ("postgresql", "sql-column-type"), ("oracle", "")]
)
def test_whose_database_it_is_counts(dbms: str, rule: str) -> None:
    change = '<modifyDataType tableName="a" columnName="b" newDataType="bigint"/>'
    assert [name for name, _ in rules(log(change, attributes=f' dbms="{dbms}"'))] == ([rule] if rule else [])


def test_a_checkout_with_changelogs_is_judged(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "checkout")
    repo.commit({"db/changelog/1.xml": log('<createTable tableName="a"/>')})
    repo.branch("work")
    more = log('<createTable tableName="a"/>').replace(
        "</databaseChangeLog>",
        '<changeSet id="8" author="ann"><dropTable tableName="a"/></changeSet>\n</databaseChangeLog>',
    )
    scripts = (
        'exports.up = (knex) => knex.schema.dropTable("b");\nexports.down = (knex) => knex.raw("SELECT 1");\n'
    )
    repo.commit({"db/changelog/1.xml": more, "migrations/20260101_b.js": scripts})
    report = check(Asked(repo.path, "main", "work"), NOW)
    got = {(one.rule, one.path, one.line) for one in report.assessment.matches if one.level == "critical"}
    assert got == {
        ("sql-drop-table", "db/changelog/1.xml", 5),
        ("sql-drop-table", "migrations/20260101_b.js", 1),
    }
