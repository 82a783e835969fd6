"""Migrations that are programs of Go, Java or Kotlin: the texts of SQL that they run, and calls that drop.

A text counts where it is given to what runs it, directly or by a name; where only the running program knows
which, all that look like statements count, and where there are none that is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.javascript import UNKNOWN, Link
from core.risk.rules.sql.migration import NO_READER, Found, Hit, Wrapped
from core.risk.rules.sql.program import Language, Program
from core.risk.rules.sql.python import name, within
from core.risk.rules.sql.statements import Statement, read_sql
from core.words import word_set

Span = tuple[int, int]
_ENDS: dict[str, Language] = {".go": "go", ".java": "jvm", ".kt": "jvm", ".kts": "jvm"}
PROGRAMS = tuple(_ENDS)
# What says that a program is a migration, whatever its name.
IS_MIGRATION = re.compile(
    r"\bgoose\.AddMigration|\bgormigrate\.|\bBaseJavaMigration\b|\bJavaMigration\b|\bCustomTaskChange\b"
    r"|\bMigrations\.(?:MustRegister|Register)\b|@ChangeUnit\b"
)
_RUNS = word_set(
    "Exec ExecContext MustExec MustExecContext NamedExec execute executeUpdate executeLargeUpdate "
    "executeQuery prepareStatement prepareCall addBatch batchUpdate createNativeQuery createQuery Raw NewRaw "
    "exec execSQL Query QueryContext QueryRow QueryRowContext Prepare PrepareContext update query sql "
    "nativeQuery"
)
# Of these a name that nobody knows is a text of SQL.
_ONLY_SQL = word_set(
    "Exec ExecContext MustExec MustExecContext executeUpdate executeLargeUpdate addBatch execSQL"
)
_SQL = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*(?:[^*]|\*(?!/))*\*/\s*)*(?:ALTER|BEGIN|CALL|CLUSTER|COMMENT|COPY|CREATE|DELETE|DO|DROP"
    r"|EXEC|EXECUTE|GRANT|INSERT|LOCK|MERGE|REFRESH|REINDEX|RENAME|REPLACE|REVOKE|SELECT|SET|TRUNCATE|UPDATE|VACUUM"
    r"|VALIDATE|WITH)\b",
    re.IGNORECASE,
)
_LOOKS = re.compile(
    r"\s*(?:DROP\s+(?:TABLE|INDEX|SCHEMA|DATABASE|COLUMN|VIEW|TYPE)|ALTER\s+TABLE|TRUNCATE\s|DELETE\s+FROM"
    r"|UPDATE\s+\S+\s+SET|CREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX)|RENAME\s+TABLE|LOCK\s+TABLE|REINDEX\s)"
)
_BACK = re.compile(r"(?i:down|rollback|undo|revert)(?![a-z])")
_REGISTERS = re.compile(r"(?:AddMigration|AddNamedMigration|MustRegister|Register)")
_GO_BACK = word_set("Rollback Down down rollback")
# Between the arguments of a function and its body: what it gives, what it throws.
_BEFORE_BODY = 12
# Of one program: ways back, signs of SQL that are read, also again where a name is used again; of an argument
# the tokens that are looked at, of a text that is put together its signs.
_MOST_BACK, _MOST_SQL, _MOST_TOKENS, _LONGEST = 50, 400_000, 200, 100_000
# Without a text of SQL: what builders of queries and of tables are told, of a table or model and a column.
_CALLS = {
    "DropTable": "DROP TABLE {0}", "DropTableIfExists": "DROP TABLE {0}", "NewDropTable": "DROP TABLE {0}",
    "NewTruncateTable": "TRUNCATE {0}", "DropColumn": "ALTER TABLE {0} DROP COLUMN {1}",
    "NewDropColumn": "ALTER TABLE {0} DROP COLUMN {1}", "RenameTable": "ALTER TABLE {0} RENAME TO {1}",
    "RenameColumn": "ALTER TABLE {0} RENAME COLUMN {1} TO x", "dropTable": "DROP TABLE {0}",
    "dropTableIfExists": "DROP TABLE {0}", "CreateTable": "CREATE TABLE {0} (x int)",
}  # fmt: skip
_UNREAD = "Runs SQL that only the running program knows: nothing is said of it."
_NOTHING = "No reader knows what this migration does: nothing of it was judged."
_NO_TRANSACTION = re.compile(r"AddMigrationNoTx|canExecuteInTransaction")


def read_compiled(text: str, dialect: Dialect, path: str) -> Found:
    language: Language = next((one for end, one in _ENDS.items() if path.lower().endswith(end)), "jvm")
    reader = _Reader(Program(text, language), dialect)
    if reader.program.cut:
        return Found(cut=True)
    found = list(reader.calls())
    looking = list(reader.all_that_look()) if reader.unknown else []
    hits: tuple[Hit, ...] = ()
    if reader.unknown and not looking:
        hits = (
            Hit(
                "sql-unread",
                reader.unknown[0],
                _UNREAD,
                "low",
                "Have somebody read it, or write out what is run",
            ),
        )
    elif not found and not looking:
        hits = (Hit("sql-unread", 1, _NOTHING, "low", NO_READER),)
    wrapped: Wrapped = "yes" if "goose" in text and not _NO_TRANSACTION.search(text) else "unknown"
    unique = sorted(dict.fromkeys((*found, *looking)), key=lambda one: one.line)
    return Found(tuple(unique), wrapped, hits, cut=reader.left < 0)


class _Reader:
    """One program. `unknown`: lines of calls that run a text, and are given none that is known."""

    def __init__(self, program: Program, dialect: Dialect) -> None:
        self.program, self.dialect = program, dialect
        self.unknown: list[int] = []
        self.left = _MOST_SQL
        if not program.cut:
            program.constants = dict(_named(program))
        self.back = list(islice(_ways_back(program), _MOST_BACK))

    def calls(self) -> Iterator[Statement]:
        for at, chain in self.program.chains():
            if self._goes_back(at):
                continue
            for link in chain:
                yield from self._read(link)
            if not any(map(_builds, chain)):
                self.unknown += _not_known(self.program, chain)

    def all_that_look(self) -> Iterator[Statement]:
        """The statements of all texts that look like some."""
        for at, token in enumerate(self.program.tokens):
            begins = token.kind == "text" and self.program.key(at - 1) != "+"
            if begins and not self._goes_back(at) and _LOOKS.match(token.key):
                text = _joined(self.program, (at, len(self.program.tokens)))
                yield from self._sql(text, token.line, token.end)

    def _goes_back(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.back)

    def _sql(self, text: str, line: int, end: int) -> Iterator[Statement]:
        self.left -= len(text)
        for one in read_sql(text, self.dialect, line).statements if self.left >= 0 else ():
            yield within(one, max(end, line))

    def _read(self, link: Link) -> Iterator[Statement]:
        if link.args is None:
            return
        if link.name in _CALLS:
            given = [_word(self.program, one) for one in link.args[:3]] + ["unknown_table", "unknown_name"]
            for one in self._sql(_CALLS[link.name].format(*map(name, given)), link.line, link.end):
                yield one._replace(end=max(one.line, link.end))
        elif link.name in _RUNS:
            texts = (_text(self.program, one) for one in link.args[:4])
            first = next((one for one in texts if one and _SQL.match(one[0])), None)
            yield from self._sql(first[0], first[1], link.end) if first else ()


def _builds(link: Link) -> bool:
    """Whether it is one of a builder of statements, which runs what it was told before."""
    return link.name in _CALLS or (link.name.startswith("New") and link.args is not None)


def _not_known(program: Program, chain: tuple[Link, ...]) -> Iterator[int]:
    for link in chain:
        if link.name in _ONLY_SQL and link.args and not any(_text(program, one) for one in link.args[:9]):
            words = [program.key(start) for start, _ in link.args]
            yield from () if words == ["ctx"] else (link.line,)


def _named(program: Program) -> Iterator[tuple[str, str]]:
    """Texts that have a name: `const DROP = "…"`, `query := "…"`, `String q = "…"`."""
    for at in range(1, len(program.tokens) - 1):
        if program.key(at) == "=" and program.tokens[at + 1].kind == "text":
            before = at - 1 - (program.key(at - 1) == ":")
            # `const drop string = "…"` and `val drop: String = "…"` say the type behind the name.
            if program.key(before).lower() == "string" and program.key(before - 1) in (":",):
                before -= 2
            elif program.key(before) == "string":
                before -= 1
            if before >= 0 and program.tokens[before].kind == "word":
                yield program.tokens[before].key, _joined(program, (at + 1, len(program.tokens)))


def _joined(program: Program, span: Span) -> str:
    """The text that begins there, with those that `+` adds."""
    parts: list[str] = []
    size = 0
    for at in range(*span):
        token = program.tokens[at]
        if token.kind == "text":
            parts.append(token.key)
        elif token.kind == "word" and program.key(at - 1) == "+":
            parts.append(program.constants.get(token.key, UNKNOWN))
        elif program.key(at) != "+":
            break
        size += len(parts[-1]) if token.kind != "sign" else 0
        if size > _LONGEST:
            break
    return "".join(parts)


def _ways_back(program: Program) -> Iterator[Span]:
    """Functions that a roll-back runs: by their names, or as the last that a migration registers."""
    names: set[str] = set()
    for _, chain in program.chains():
        args = chain[-1].args
        if _REGISTERS.match(chain[-1].name) and args and len(args) > 1:
            yield args[-1]
            names.add(program.key(args[-1][0]))
    names -= {"func", "fun", ""}
    for at, token in enumerate(program.tokens):
        if token.kind == "word" and (token.key in names or _BACK.match(token.key)):
            body = _body(program, at)
            if body:
                yield body
    for word in _GO_BACK:
        yield from program.bodies_of(word)


def _body(program: Program, at: int) -> Span | None:
    """The body of the function whose name stands there."""
    if program.key(at - 1) == "." or program.key(at + 1) != "(" or at + 1 not in program.pairs:
        return None
    beyond = program.pairs[at + 1] + 1
    for place in range(beyond, beyond + _BEFORE_BODY):
        if program.key(place) == "{":
            return at, program.pairs.get(place, len(program.tokens)) + 1
        if program.key(place) in (";", "}", "=", ""):
            return None
    return None


def _text(program: Program, span: Span) -> tuple[str, int] | None:
    """The text of an argument, also one that is filled in or cut (`Sprintf("…", x)`, `"…".trimIndent()`)."""
    for at in range(span[0], min(span[1], span[0] + _MOST_TOKENS)):
        token = program.tokens[at]
        if token.kind == "text":
            return _joined(program, (at, span[1])), token.line
        if token.kind == "word" and token.key in program.constants:
            return program.constants[token.key], token.line
    return None


def _word(program: Program, span: Span) -> str:
    """A text, or the type that stands for a table: `&Order{}`, `(*Order)(nil)`."""
    found = _text(program, span)
    words = [token.key for token in program.tokens[span[0] : span[1]] if token.kind == "word"]
    return (
        found[0] if found else words[-1 if words[-1:] != ["nil"] else 0].lower() if words else "unknown_table"
    )
