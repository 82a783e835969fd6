"""The dangers of migrations: what each is called, how grave it is, why, what clears it, its source."""

from __future__ import annotations

from typing import NamedTuple

from core.risk.rules.rule import Level

_PG = "https://www.postgresql.org/docs/current"
_ALTER = f"PostgreSQL documentation, ALTER TABLE, Notes, {_PG}/sql-altertable.html"
_STRONG = "strong_migrations, Checks, https://github.com/ankane/strong_migrations#checks"
_EXPAND = (
    "Sato, ParallelChange (expand, migrate, contract), https://martinfowler.com/bliki/ParallelChange.html"
)
_MYSQL = (
    "MySQL manual, Online DDL Operations, "
    "https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html"
)


class Danger(NamedTuple):
    id: str
    level: Level
    title: str
    why: str
    clears: str
    source: str


DANGERS = (
    Danger(
        "sql-not-null",
        "high",
        "A required column without a default",
        "The statement fails when the table has rows, and inserts of the code that still runs fail after it.",
        "Give it a DEFAULT, or add it nullable, fill it in batches, and require it later",
        _ALTER,
    ),
    Danger(
        "sql-volatile-default",
        "high",
        "A new column whose value differs by row",
        "Every row is written anew while nobody can read or write the table.",
        "Add the column without a default, set the default apart, and fill old rows in batches",
        _ALTER,
    ),
    Danger(
        "sql-column-type",
        "high",
        "A column's type is changed",
        "The table and its indexes may be written anew while nobody can read or write it.",
        "Add a column of the new type, write both, fill it in batches, then move the readers",
        _ALTER,
    ),
    Danger(
        "sql-set-not-null",
        "medium",
        "A column becomes required",
        "All rows are read under a lock against everybody, unless a valid check says that none is null.",
        "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID, VALIDATE it on its own, then SET NOT NULL",
        _ALTER,
    ),
    Danger(
        "sql-constraint-scan",
        "high",
        "A constraint that reads all rows under a lock",
        "Writes wait until every row of the table was checked; of a foreign key, writes of both tables.",
        "Add it NOT VALID, and VALIDATE CONSTRAINT in a migration of its own",
        _ALTER,
    ),
    Danger(
        "sql-validate-together",
        "medium",
        "A constraint is added and validated in one transaction",
        "The lock of adding it is held while all rows are read.",
        "Put VALIDATE CONSTRAINT into a migration of its own",
        _ALTER,
    ),
    Danger(
        "sql-unique-constraint",
        "high",
        "A unique or primary key built under a lock",
        "Its index is built while nobody can read or write the table.",
        "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … USING INDEX",
        _ALTER,
    ),
    Danger(
        "sql-index-blocks",
        "high",
        "An index built while writes wait",
        "CREATE INDEX lets nobody write to the table until it is built.",
        "CREATE INDEX CONCURRENTLY, outside a transaction",
        f"PostgreSQL documentation, CREATE INDEX, Building Indexes Concurrently, {_PG}/sql-createindex.html",
    ),
    Danger(
        "sql-concurrently-in-transaction",
        "high",
        "CONCURRENTLY inside a transaction",
        "The database refuses it: the migration fails, and with it the deploy.",
        "Run it alone, outside a transaction, as your migration tool allows",
        f"PostgreSQL documentation, CREATE INDEX, Building Indexes Concurrently, {_PG}/sql-createindex.html",
    ),
    Danger(
        "sql-drop-index",
        "medium",
        "An index dropped under a lock",
        "DROP INDEX waits for every query on the table and holds up all others meanwhile.",
        "DROP INDEX CONCURRENTLY, outside a transaction, once nothing uses it",
        f"PostgreSQL documentation, DROP INDEX, {_PG}/sql-dropindex.html",
    ),
    Danger(
        "sql-drop-table",
        "critical",
        "A table, schema or database is dropped",
        "Its rows are gone, a rollback does not bring them back, and code that still runs fails.",
        "Stop every use first, rename it and keep it a while, back it up, then drop it on its own",
        _EXPAND,
    ),
    Danger(
        "sql-drop-column",
        "high",
        "A column is dropped",
        "Its values are gone, and code that still runs and names it fails.",
        "Release code that no longer names it first; drop it in a later change, after a backup",
        _STRONG,
    ),
    Danger(
        "sql-rename",
        "high",
        "A table or column is renamed",
        "Code that still runs uses the old name and fails until it is replaced.",
        "Add the new one, write both, move the readers, drop the old one; or leave a view of the old name",
        _EXPAND,
    ),
    Danger(
        "sql-truncate",
        "critical",
        "A table is emptied",
        "All rows are gone, and a rollback of the deploy does not bring them back.",
        "Delete what must go by a condition, in batches, after a backup",
        f"PostgreSQL documentation, TRUNCATE, {_PG}/sql-truncate.html",
    ),
    Danger(
        "sql-without-where",
        "high",
        "UPDATE or DELETE without a condition",
        "It touches every row in one transaction; what it overwrites is gone.",
        "Add a WHERE, and work in batches",
        _STRONG,
    ),
    Danger(
        "sql-lock-table",
        "high",
        "A table is locked by name",
        "Others wait for as long as the transaction takes.",
        "Remove LOCK TABLE, or lock rows (SELECT … FOR UPDATE)",
        f"PostgreSQL documentation, Explicit Locking, {_PG}/explicit-locking.html",
    ),
    Danger(
        "sql-rewrite",
        "high",
        "A table or index written anew under a lock",
        "Nobody can use the table meanwhile; it takes as long as the table is large.",
        "Use REINDEX CONCURRENTLY, REFRESH … CONCURRENTLY or pg_repack; plain VACUUM needs no lock",
        f"PostgreSQL documentation, Explicit Locking, {_PG}/explicit-locking.html",
    ),
    Danger(
        "sql-backfill-with-ddl",
        "medium",
        "Rows are changed in the migration that changes the table",
        "Locks of the change of the table are held while the rows are written.",
        "Fill the rows in batches in a migration of its own",
        _STRONG,
    ),
    Danger(
        "sql-lock-timeout",
        "low",
        "A strong lock without lock_timeout",
        "While the statement waits for a long query, every query after it waits too.",
        "SET lock_timeout = '5s' before it, and try again when it fails",
        "GoCardless, Zero-downtime Postgres migrations, "
        "https://gocardless.com/blog/zero-downtime-postgres-migrations-the-hard-parts/",
    ),
    Danger(
        "sql-mysql-copy",
        "high",
        "MySQL copies the table",
        "Writes wait while the table is copied, and replicas fall behind.",
        "Say ALGORITHM=INPLACE, LOCK=NONE (refused where that cannot be), or use gh-ost",
        _MYSQL,
    ),
    Danger(
        "sql-alter-field",
        "low",
        "AlterField: what it does depends on the field before",
        "A new type, null=False or unique=True reads or writes the table anew under a lock.",
        "Look at sqlmigrate's output; build a unique index CONCURRENTLY first, and alter the field by "
        "SeparateDatabaseAndState",
        "Django documentation, Migration Operations, AlterField, "
        "https://docs.djangoproject.com/en/stable/ref/migration-operations/#alterfield",
    ),
    Danger(
        "sql-default-in-code",
        "low",
        "A required column whose default only the new code knows",
        "Django drops the default once the column is there: inserts of the code that still runs fail.",
        "Say db_default, or add the field with null=True first",
        "Django documentation, Field.db_default, "
        "https://docs.djangoproject.com/en/stable/ref/models/fields/#db-default",
    ),
    Danger(
        "sql-edited-migration",
        "medium",
        "A migration that was merged before is edited",
        "Databases that ran it do not run it again, so that they differ from those that are made new.",
        "Undo the edit, and write what has to change as a new migration",
        "Flyway documentation, Validate, https://documentation.red-gate.com/fd/validate-277578901.html",
    ),
    Danger(
        "sql-irreversible",
        "low",
        "A migration that cannot be undone",
        "When the deploy is rolled back, the schema stays as it is now.",
        "Write the way back, or say in the description how the old code runs with the new schema",
        "Alembic documentation, Tutorial, "
        "https://alembic.sqlalchemy.org/en/latest/tutorial.html#running-our-first-migration",
    ),
    Danger(
        "sql-rows-one-by-one",
        "medium",
        "All rows are written one by one in a migration",
        "It takes as long as there are rows; every row that was written stays locked until the last one is.",
        "Fill in batches outside of a transaction, apart from the deploy",
        "strong_migrations, Backfilling data, https://github.com/ankane/strong_migrations#backfilling-data",
    ),
    Danger(
        "sql-access-widened",
        "high",
        "Somebody may do more in the database",
        "Whoever gets hold of that role, or of any role, can read and change what it was kept from.",
        "Grant the least that is needed to one role by name; keep row level security on",
        f"PostgreSQL documentation, Row Security Policies, {_PG}/ddl-rowsecurity.html",
    ),
    Danger(
        "sql-unread",
        "medium",
        "A migration that was not read",
        "It is too large, not written as its tool expects, or runs what is not at hand: that was not judged.",
        "Have somebody read it; split what is large, close every quote, write out what is run",
        _STRONG,
    ),
)
BY_ID = {one.id: one for one in DANGERS}
