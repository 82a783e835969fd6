"""Which files are migrations, by whose conventions, and what each of them does to the database.

Folders and names decide first; of SQL elsewhere, only what alters tables counts. Dumps of a schema, ways back
(`.down.sql`, `-- +goose Down`) and tests are no migrations of a deploy.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.risk import paths
from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.sql.alembic import read_alembic
from core.risk.rules.sql.compiled import IS_MIGRATION, PROGRAMS, read_compiled
from core.risk.rules.sql.dialect import SQL_ENDS, Dialect, dialect_of, said_by
from core.risk.rules.sql.django import read_django
from core.risk.rules.sql.ecto import IS_ECTO, read_ecto
from core.risk.rules.sql.efcore import read_efcore
from core.risk.rules.sql.javascript_calls import read_javascript
from core.risk.rules.sql.laravel import read_laravel
from core.risk.rules.sql.liquibase import read_formatted, read_liquibase
from core.risk.rules.sql.migration import NO_READER, Found, Hit, Migration, Wrapped, found_in
from core.risk.rules.sql.rails import read_rails
from core.risk.rules.sql.statements import MAX_TEXT, read_sql, settled
from core.words import word_set

# Texts of one change that are read, in characters; nobody reviews so much either.
MOST_IN_ALL = 3_000_000
_FOLDERS = word_set(
    "migrations migration migrate alembic versions flyway liquibase changelog changelogs changesets "
    "db_migrations schema_migrations dbmigrations"
)
_VERSIONED_SQL = re.compile(
    r"(?:[VB]\d[\w.]*__.+|R__.+|\d{3,}[_.-].*)\.(?:sql|ddl|dml|psql|pgsql)", re.IGNORECASE | re.DOTALL
)
_NO_MIGRATION = re.compile(
    r"schema|structure|dump|seed|baseline|quer(?:y|ies)|report|backup|\bviews?\b", re.IGNORECASE
)
_ALTERS = re.compile(
    r"^[ \t]*(?:ALTER\s+TABLE|DROP\s+(?:TABLE|INDEX)|TRUNCATE\s|CREATE\s+(?:UNIQUE\s+)?INDEX|RENAME\s+TABLE)",
    re.IGNORECASE | re.MULTILINE,
)
_BACK = re.compile(
    r".*(?:\.down\.sql|[._-](?:rollback|revert|undo)\.sql)|U\d[\w.]*__.+\.sql", re.IGNORECASE | re.DOTALL
)
_CHANGELOG = re.compile(r".*change-?_?log.*\.(?:ya?ml|xml|json)", re.IGNORECASE | re.DOTALL)
_CHANGELOG_ENDS = (".yaml", ".yml", ".xml", ".json")
# Where changelogs stand, whatever their names; what else is there is told apart by its text.
_CHANGELOG_FOLDERS = word_set("liquibase changelog changelogs changesets migrations migration")
# Programs of knex, Sequelize and TypeORM; what else is in such a folder names none of them.
_SCRIPT = re.compile(r".*(?<!\.d)\.[cm]?[jt]s", re.IGNORECASE | re.DOTALL)
_SCRIPT_FOLDERS = word_set("migrations migration migrate db_migrations schema_migrations dbmigrations")
_SCRIPT_WORDS = re.compile(
    r"\b(?:[qQ]ueryInterface|[qQ]ueryRunner|[kK]nex|[sS]equelize|DataTypes)\b|\.(?:schema\b|raw\()"
)
# Programs of these languages in such a folder: read where a reader knows them.
_PROGRAM = re.compile(
    r"(?:.*\.(?:php|cs|go|java|kts?)|(?:[VRM]|Version)?\d[\w.-]*\.(?:exs?|scala|groovy|clj|rs|pl|fs|vb|lua|sh|ps1))",
    re.IGNORECASE | re.DOTALL,
)
_NUMBERED = re.compile(r"(?:[VRM]|Version)?\d", re.IGNORECASE)
_LARAVEL = re.compile(r"\bIlluminate\b|\bSchema::|\bDB::|\baddSql\b")
_UNREAD = Hit(
    "sql-unread",
    1,
    "No reader knows this kind of migration: nothing of it was judged.",
    "low",
    NO_READER,
)
_UP = re.compile(r"\bup\b")
# Lines from which a tool goes up, and from which it goes back down.
_MARKS = {
    "goose": ("-- +goose up", "-- +goose down", "-- +goose no transaction"),
    "sql-migrate": ("-- +migrate up", "-- +migrate down", "notransaction"),
    "dbmate": ("-- migrate:up", "-- migrate:down", "transaction:false"),
}


def is_migration_path(path: str, asked: bool = False) -> bool:
    """Whether the text of the file is needed to know: it may be a migration, by its path. `asked`: the
    policy says that it is judged, be it a test or an example by its name."""
    if not asked and paths.is_aside(path):
        return False
    folders = frozenset(path.lower().split("/")[:-1])
    name = path.rpartition("/")[2]
    if name.lower().endswith(SQL_ENDS):
        return not _BACK.fullmatch(name) and "revert" not in folders
    if name.endswith(".py"):
        return bool(folders & _FOLDERS) and name not in ("__init__.py", "env.py")
    if name.endswith(".rb"):
        return "migrate" in folders and bool(re.match(r"\d{3,}_", name))
    if _SCRIPT.fullmatch(name) or _PROGRAM.fullmatch(name):
        return bool(folders & _SCRIPT_FOLDERS)
    return bool(_CHANGELOG.fullmatch(name)) or (
        name.endswith(_CHANGELOG_ENDS) and bool(folders & _CHANGELOG_FOLDERS)
    )


def is_conventional(path: str) -> bool:
    """Whether a file of SQL stands where migrations stand, or is named as one."""
    *folders, name = path.lower().split("/")
    return bool(frozenset(folders) & _FOLDERS) or bool(_VERSIONED_SQL.fullmatch(name))


def _is_certain(path: str) -> bool:
    """Whether a file is a migration, whatever its text: others stand in such folders too."""
    name = path.rpartition("/")[2]
    if _SCRIPT.fullmatch(name) or _PROGRAM.fullmatch(name):
        return name[:1].isdigit()
    return bool(_CHANGELOG.fullmatch(name)) or (
        is_conventional(path) and not name.endswith((".xml", ".json"))
    )


def kind_of(path: str, text: str, asked: bool = False) -> str:
    """Whose migration it is; "" when it is none."""
    name = path.rpartition("/")[2]
    if not is_migration_path(path, asked):
        return ""
    if name.endswith(".py"):
        other = "unread" if _NUMBERED.match(name) else ""
        return "django" if "migrations.Migration" in text else "alembic" if "def upgrade" in text else other
    if name.endswith(".rb"):
        return "rails"
    if _SCRIPT.fullmatch(name):
        return "javascript" if _SCRIPT_WORDS.search(text) and _UP.search(text) else ""
    if _PROGRAM.fullmatch(name):
        return _kind_of_program(name, text)
    if not name.lower().endswith(SQL_ENDS):
        return "liquibase" if "databaseChangeLog" in text else ""
    return _kind_of_sql(path, name, text)


def _kind_of_program(name: str, text: str) -> str:
    if name.endswith(".php") and _LARAVEL.search(text):
        return "laravel"
    if name.endswith(".cs") and "MigrationBuilder" in text and not name.endswith(".Designer.cs"):
        return "efcore"
    if name.endswith(PROGRAMS):
        return "compiled" if _NUMBERED.match(name) or IS_MIGRATION.search(text) else ""
    if name.lower().endswith((".exs", ".ex")) and IS_ECTO.search(text):
        return "ecto"
    return "unread" if _NUMBERED.match(name) and not name.endswith(".Designer.cs") else ""


def _kind_of_sql(path: str, name: str, text: str) -> str:
    head = text[:20_000].lower()
    if "--liquibase formatted sql" in head.replace("-- liquibase", "--liquibase"):
        return "liquibase-sql"
    for kind, (up, *_) in _MARKS.items():
        if up in head:
            return kind
    if re.fullmatch(r"[VBR][\d._]*__.+\.sql", name, re.DOTALL):
        return "flyway"
    if name.lower().endswith(".up.sql"):
        return "golang-migrate"
    if name == "migration.sql" and "migrations" in path.split("/"):
        return "prisma"
    if is_conventional(path) or (not _NO_MIGRATION.search(path) and _ALTERS.search(text)):
        return "sql"
    return ""


def text_of(file: TouchedFile) -> str | None:
    """The whole text of a file as it is after the change; None when it is not known."""
    if file.after is not None:
        return file.after
    if file.status == "added" and not file.cut and not file.binary:
        return "\n".join(line.text for line in file.added)
    return None


def migrations_of(change: ChangeSet) -> tuple[Migration, ...]:
    """All migrations that the change adds or touches, in the order of their paths."""
    found, left = [], MOST_IN_ALL
    around = _around(change)
    for file in sorted(change.files, key=lambda one: one.path):
        if file.status in ("deleted", "submodule") or file.binary:
            continue
        if not is_migration_path(file.path, file.asked):
            continue
        text = text_of(file)
        if text is not None:
            left -= len(text)
        if migration := _migration(file, text if left >= 0 else None, around):
            found.append(migration)
    return tuple(found)


def _around(change: ChangeSet) -> dict[str, Dialect | None]:
    """Of folders of SQL, the dialect that the texts of the change there tell, with those before it."""
    found: dict[str, set[Dialect]] = {}
    left = MOST_IN_ALL
    for file in change.files:
        if file.path.lower().endswith(SQL_ENDS) and not file.binary:
            for text in (file.before, text_of(file)):
                left -= len(text or "")
                said = said_by("x.sql", text) if text and left >= 0 else None
                found.setdefault(file.path.rpartition("/")[0], set()).update({said} if said else ())
    return {folder: next(iter(told)) for folder, told in found.items() if len(told) == 1}


def _dialect(path: str, text: str, around: dict[str, Dialect | None]) -> Dialect:
    if not path.lower().endswith(SQL_ENDS):
        return dialect_of(path, text)
    return settled(text, said_by(path, text) or around.get(path.rpartition("/")[0]) or "postgres")


def _migration(file: TouchedFile, text: str | None, around: dict[str, Dialect | None]) -> Migration | None:
    """None of what is no migration; what cannot be read is one that is cut."""
    if text is None or len(text) > MAX_TEXT:
        unread = _is_certain(file.path) or "databaseChangeLog" in (text or "")[:20_000]
        return Migration(file.path, "sql", "other", Found(cut=True), ()) if unread else None
    kind = kind_of(file.path, text, file.asked)
    if not kind:
        return None
    dialect = _dialect(file.path, text, around)
    touched = None if file.status == "added" else frozenset(line.number for line in file.added)
    found = _READERS[kind](text, dialect, file.path)
    return Migration(file.path, kind, dialect, found, tuple(text.split("\n")), touched)


def _sql(wrapped: Wrapped) -> Callable[[str, Dialect, str], Found]:
    def reader(text: str, dialect: Dialect, path: str) -> Found:
        return found_in(read_sql(text, dialect), wrapped)

    return reader


def _flyway(text: str, dialect: Dialect, path: str) -> Found:
    """Flyway runs a file that holds only what must be outside of a transaction without one."""
    script = read_sql(text, dialect)
    apart = bool(script.statements) and all(
        one.has("CONCURRENTLY") or one.starts("SET") for one in script.statements
    )
    return found_in(script, "no" if apart or dialect == "mysql" else "yes")


def _marked(kind: str) -> Callable[[str, Dialect, str], Found]:
    def reader(text: str, dialect: Dialect, path: str) -> Found:
        up, down, apart = _MARKS[kind]
        lines = text.split("\n")
        going, seen = False, False
        for at, line in enumerate(lines):
            plain = " ".join(line[:200].lower().split())
            going = True if plain.startswith(up) else False if plain.startswith(down) else going
            seen = seen or (apart in plain and plain.startswith("--"))
            lines[at] = line if going else ""
        return found_in(read_sql("\n".join(lines), dialect), "no" if seen else "yes")

    return reader


_READERS: dict[str, Callable[[str, Dialect, str], Found]] = {
    "sql": _sql("unknown"),
    "golang-migrate": _sql("many"),
    "prisma": _sql("many"),
    "flyway": _flyway,
    "liquibase-sql": lambda text, dialect, path: read_formatted(text, dialect),
    "liquibase": lambda text, dialect, path: read_liquibase(text, dialect),
    "javascript": lambda text, dialect, path: read_javascript(text, dialect),
    "rails": lambda text, dialect, path: read_rails(text, dialect),
    "alembic": lambda text, dialect, path: read_alembic(text, dialect),
    "django": read_django,
    "laravel": lambda text, dialect, path: read_laravel(text, dialect),
    "efcore": lambda text, dialect, path: read_efcore(text, dialect),
    "ecto": lambda text, dialect, path: read_ecto(text, dialect),
    "compiled": read_compiled,
    "unread": lambda text, dialect, path: Found(hits=(_UNREAD,)),
    **{kind: _marked(kind) for kind in _MARKS},
}
