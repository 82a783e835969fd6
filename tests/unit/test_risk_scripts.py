"""Migrations of knex, Sequelize and TypeORM: calls as statements, lines, what is not run, hostile texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.paths import is_test
from core.risk.rules.sql.frameworks import is_migration_path, kind_of
from core.risk.rules.sql.javascript import Script
from core.risk.rules.sql.javascript_calls import read_javascript, same
from core.risk.rules.sql.locks import sql_matches
from tests.unit.test_risk_sql import added, found

PATH = "db/migrations/20260301_orders.js"
DOWN = "exports.down = (knex) => knex.raw('SELECT 1');"


def up(*lines: str) -> str:
    """Lines begin on line 2."""
    return "\n".join(("exports.up = async function (knex, Sequelize) {", *lines, "};", DOWN))


def rules(text: str, path: str = PATH) -> list[tuple[str, int]]:
    return found(text, path)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("await knex.schema.dropTable('a').dropTable('b');", "sql-drop-table"),
        ("await knex.schema.renameTable('a', 'b');", "sql-rename"),
        ("await knex.schema.alterTable('a', t => { t.dropColumns(['b', 'c']) });", "sql-drop-column"),
        ("await knex.schema.table('a', function () { this.dropColumn('b'); });", "sql-drop-column"),
        ("await knex.schema.table('a', t => t.dropTimestamps());", "sql-drop-column"),
        ("await knex.schema.table('a', t => t.renameColumn('b', 'c'));", "sql-rename"),
        ("await knex.schema.table('a', t => t.dropNullable('b'));", "sql-set-not-null"),
        ("await knex.schema.table('a', t => t.string('b', 10).notNullable().alter());", "sql-column-type"),
        ("await knex.schema.table('a', t => t.integer('b').notNullable().defaultTo(null));", "sql-not-null"),
        ("await knex.schema.table('a', t => t.uuid('b').defaultTo(knex.fn.uuid()));", "sql-volatile-default"),
        ("await knex.schema.table('a', t => t.unique(['b']));", "sql-unique-constraint"),
        ("await knex.schema.table('a', t => t.string('b').unique());", "sql-unique-constraint"),
        ("await knex.schema.table('a', t => t.foreign('b').references('c.id'));", "sql-constraint-scan"),
        ("await knex.schema.table('a', t => t.dropIndex(['b']));", "sql-drop-index"),
        ("await knex.schema.raw('DROP TABLE ??', ['a']);", "sql-drop-table"),
        ("await knex.raw('DROP TABLE ' + name + ' CASCADE');", "sql-drop-table"),
        ("await knex.raw(`DROP ${x ? `a` : '}'} TABLE a; DROP TABLE b`);", "sql-drop-table"),
        ('await knex.raw("DROP \\\n TABLE \\x61");', "sql-drop-table"),
        ("await knex('a').truncate();", "sql-truncate"),
        ("await trx('a').delete();", "sql-without-where"),
        ("await knex.changeColumn('a', 'b', { type: Sequelize.BIGINT });", "sql-column-type"),
        (
            "await knex.changeColumn('a', 'b', { type: Sequelize.TEXT, allowNull: false });",
            "sql-set-not-null",
        ),
        ("await knex.removeIndex('a', 'b');", "sql-drop-index"),
        ("await knex.addConstraint('a', ['b'], { type: 'check' });", "sql-constraint-scan"),
        ("await knex.addColumn({ tableName: 'a' }, 'b', { type: 'int', allowNull: false });", "sql-not-null"),
        ("await knex.bulkUpdate('a', { b: 1 }, {});", "sql-without-where"),
        ("await knex.dropColumns('a', [new TableColumn({ name: 'b' })]);", "sql-drop-column"),
        ("await knex.createForeignKey('a', new TableForeignKey({}));", "sql-constraint-scan"),
        ("await knex.clearTable('a');", "sql-truncate"),
        ("await knex.query<Row[]>('DROP TABLE a');", "sql-drop-table"),
        ("await knex.schema.alterTable('a').dropColumn('b').execute();", "sql-drop-column"),
        ("await sql`DROP TABLE a`.execute(knex);", "sql-drop-table"),
        ("const text = 'DROP TABLE a'; await knex.raw(text);", "sql-drop-table"),
        ("const odd = /[/'\"`{]/g; await knex.raw('DROP TABLE a');", "sql-drop-table"),
        (
            "[1].forEach(async (n) => { if (n / 2 > 1) { await knex.raw('DROP TABLE a'); } });",
            "sql-drop-table",
        ),
    ],
)
def test_calls_are_the_statements_that_they_stand_for(line: str, rule: str) -> None:
    assert (rule, 2) in rules(up(line))


@pytest.mark.parametrize(
    "line",
    [
        "// await knex.raw('DROP TABLE a');",
        "/* await knex.raw('DROP TABLE a'); */",
        "console.log('DROP TABLE a');",
        "await knex.schema.createTable('a', (t) => {\n t.string('b').notNullable();\n t.index(['b']); });",
        "await knex.schema.table('a', (t) => t.string('b').notNullable().defaultTo('random'));",
        "await knex.schema.table('a', (t) => t.text('b').alter());",
        "await knex.schema.table('a', (t) => t.timestamp('b').notNullable().defaultTo(knex.fn.now()));",
        "await knex('a').where('id', 7).del();",
        "await knex.bulkDelete('a', { id: [1, 2] });",
        "await knex.addColumn('a', 'b', { type: Sequelize.STRING });",
        "await knex.addColumn('a', new TableColumn({ name: 'b', type: 'int', isNullable: true }));",
        "await knex.changeColumn('a', new TableColumn({ name: 'b', type: 'int' }), "
        "new TableColumn({ name: 'b', type: 'int', comment: 'x' }));",
        "await knex.schema.createTable('a').addColumn('id', 'integer').execute();",
        "const a = new Map(); a.delete('orders');",
    ],
)
def test_what_harms_nobody_is_quiet(line: str) -> None:
    assert rules(up(line)) == []


@pytest.mark.parametrize(
    "down",
    [
        "exports.down = async function (knex) { await knex.schema.dropTable('a'); };",
        "exports.down = (knex) => knex.schema.dropTable('a')\nexports.config = { transaction: true }",
        "module.exports.down = knex => knex.schema\n  .dropTable('a')\n  .dropTable('b');",
        "export async function down(knex: Knex): Promise<void> { await knex.schema.dropTable('a'); }",
        "export const down = async (knex: Knex) => { await knex.schema.dropTable('a'); };",
        "module.exports = { async down(q) { await q.dropTable('a'); }, async up(q) { await q.addIndex; } };",
        "module.exports = { down: (q) => q.dropTable('a'), up: (q) => q.describeTable('b') };",
        "class A { public async down(q: QueryRunner): Promise<void> { await q.query(`DROP TABLE a`); } }",
        "async function down(knex) { await knex.raw('DROP TABLE a'); }\nmodule.exports = { up, down };",
    ],
)
def test_the_way_back_is_not_what_is_run(down: str) -> None:
    assert rules(f"exports.up = (knex) => knex.raw('SELECT 1');\n{down}") == []
    text = f"exports.up = (knex) => knex.raw('DROP TABLE z');\n{down}"
    assert rules(text) == [("sql-drop-table", 1)]


@pytest.mark.parametrize(
    ("down", "found_it"),
    [
        ("exports.down = async () => {};", True),
        ("exports.down = () => { throw new Error('no'); };", True),
        ("exports.down = () => Promise.resolve();", False),
        ("exports.down = (knex) => knex.raw('SELECT 1');", False),
        ("", True),
    ],
)
def test_a_migration_without_a_way_back_is_told(down: str, found_it: bool) -> None:
    text = f"exports.up = (knex) => knex.raw('CREATE TABLE a (b int)');\n{down}"
    got = [one.rule for one in sql_matches(added(PATH, text))]
    assert got == ["sql-irreversible"] * found_it


def test_lines_are_those_of_the_file() -> None:
    text = up(
        "await knex.raw(`", "  SELECT 1;", "  DROP TABLE a;", "`);",
        "await knex.schema.table('b', (t) => {", "  t", "    .integer('c')", "    .notNullable();", "});",
        "await knex.raw('SELECT 1;\\n\\n\\nDROP TABLE d');",
    )  # fmt: skip
    assert rules(text) == [("sql-drop-table", 4), ("sql-not-null", 8), ("sql-drop-table", 11)]


def test_a_transaction_is_there_unless_it_is_left_out() -> None:
    line = "await knex.raw('CREATE INDEX CONCURRENTLY a ON b (c)');"
    rule = ("sql-concurrently-in-transaction", 2)
    assert rule in rules(up(line))
    assert rule not in rules(up(line) + "\nexports.config = { transaction: false };")
    sequelize = up(line).replace("knex", "queryInterface")
    assert rule not in rules(sequelize)


def test_the_quotes_of_mysql_tell_it() -> None:
    text = up("await knex.query('ALTER TABLE `a` MODIFY `b` bigint');")
    assert ("sql-mysql-copy", 2) in rules(text)
    assert rules(up("await knex.query('CREATE INDEX a ON `b` (c)');")) == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("src/migrations/17-A.ts", True),
        ("db/migrate/1.mjs", True),
        ("migrations/0004-ab-test.ts", True),
        ("migrations/orders.test.ts", False),
        ("migrations/index.d.ts", False),
        ("src/orders.ts", False),
        ("tests/migrations/1.js", False),
    ],
)
def test_by_its_path(path: str, wanted: bool) -> None:
    assert is_migration_path(path) is wanted
    assert is_test(path) is ("test" in path and not wanted)


def test_other_programs_in_such_a_folder_are_none() -> None:
    assert (
        kind_of("migrations/run.js", "module.exports = { up: async (db) => db.collection('a').drop() }") == ""
    )
    assert kind_of("migrations/index.ts", "import { Knex } from 'knex';\nexport const all = [];") == ""
    assert kind_of("migrations/1.ts", up("")) == "javascript"


def test_what_is_written_otherwise_does_the_same() -> None:
    text = up("await knex.raw('SELECT 1');")
    assert same(text, text.replace("'", '"').replace(";", "").replace("  ", "\t\n") + "\n// more")
    assert not same(text, text.replace("SELECT 1", "SELECT 2"))


HOSTILE = [
    "f(" * 60_000,
    "query(" * 40_000 + ")" * 40_000,
    "table('a', t => " * 8_000 + ")" * 8_000,
    "=/[" * 90_000,
    "`${" * 90_000,
    "down=" * 50_000,
    "down(){" * 30_000 + "}" * 30_000,
    "a." * 100_000,
    "'a' +" * 50_000,
    "/*" * 100_000,
    "{a:" * 60_000 + "}" * 60_000,
    "addColumn('a', new X({" * 10_000 + "}))" * 10_000,
    "\\" * 100_000,
    "'\\u{ffffff}\\u{110000}\\xff'",
    "\0\x1b[31m\ud800",
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_end(text: str) -> None:
    mark = "exports.up = (knex) => knex.raw('SELECT 1');\n"
    assert isinstance(read_javascript(mark + text, "postgres").statements, tuple)
    assert isinstance(sql_matches(added(PATH, mark + text)), tuple)


def test_what_is_too_long_or_not_closed_is_said() -> None:
    assert read_javascript("x" * 300_001, "postgres").cut
    assert ("sql-unread", 0) in rules(up("if (x) {", "await knex.raw('DROP TABLE a');"))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab.(){}[]'\"`${}\\/*=>,:;\n up", max_size=60))
def test_no_text_raises(text: str) -> None:
    script = Script(text)
    assert all(link.line <= text.count("\n") + 1 for _, chain in script.chains() for link in chain)
    read_javascript(f"knex up\n{text}", "postgres")
