"""Migrations that were merged before and are edited, renumbered or taken away; and those without a way back.

What never reaches a database is no edit: comments and blanks, imports, docstrings, what Alembic keeps beside
its functions. Change sets that are added to a changelog are none either. Flyway compares every sign.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Level
from core.risk.rules.sql.frameworks import is_migration_path, kind_of
from core.risk.rules.sql.javascript_calls import same as same_script
from core.risk.rules.sql.liquibase import keeps
from core.risk.rules.sql.migration import Hit
from core.risk.rules.sql.python import branches, tree_of
from core.risk.rules.sql.statements import read_sql

Edit = tuple[TouchedFile, Hit, str]
_RULE = "sql-edited-migration"
_VERSION = re.compile(r"[VB]?(\d[\d._]*)", re.IGNORECASE)
_VERSIONED = re.compile(r"[VB]?\d[\w.-]*\.(?:sql|rb|py|[cm]?[jt]s)|migration\.sql", re.IGNORECASE)
# Lines that show nothing of an edit.
_QUIET = re.compile(r"\s*(?:$|#|--|<!--|//|(?:from|import)\s)")
_BLANKS = re.compile(r"\s+")
# Where names do not tell the order: a revision, or the change sets, stand inside.
_NAMELESS = frozenset({"alembic", "liquibase", "liquibase-sql"})


def edited(change: ChangeSet) -> Iterator[Edit]:
    """Each with the line that shows it."""
    squashed = any(_squashes(file) for file in change.files)
    paths = frozenset(file.path.lower() for file in change.files)
    for file in sorted(change.files, key=lambda one: one.path):
        found = _edited(file, squashed) or _one_way(file, paths)
        if found:
            yield found


def _edited(file: TouchedFile, squashed: bool) -> Edit | None:
    old = file.old_path or file.path
    if file.status not in ("modified", "renamed", "deleted") or not is_migration_path(old, file.asked):
        return None
    kind = kind_of(old, file.before or "", file.asked)
    if kind in ("", "unread") or not (_VERSIONED.fullmatch(old.rpartition("/")[2]) or kind in _NAMELESS):
        return None
    if file.status == "deleted":
        what = "Takes a migration away that was merged before."
        return None if squashed else (file, Hit(_RULE, 0, what), "")
    if kind not in _NAMELESS and _version(kind, file.path) != _version(kind, old):
        return file, Hit(_RULE, 0, f"Gives a migration another number that was merged as {old}."), ""
    if file.before is None or file.after is None or _same(kind, file.before, file.after):
        return None
    telling = [one for one in file.added if not _QUIET.match(one.text[:200])]
    line = next(iter((*telling, *file.added, *file.removed)), None)
    number = line.number if line and file.added else 0
    level: Level | None = "high" if kind == "flyway" else None
    what = "Edits a migration that was merged before; databases that ran it will not run it again."
    if kind == "flyway":
        what = "Edits a migration that was merged before; Flyway refuses to start where it has run."
    return file, Hit(_RULE, number, what, level), line.text if line else ""


def _squashes(file: TouchedFile) -> bool:
    """Whether the file stands for migrations that it replaces."""
    text = (file.after or "")[:100_000]
    name = file.path.rpartition("/")[2].lower()
    new = file.status == "added" and is_migration_path(file.path, file.asked)
    return new and ("squash" in name or "replaces = [" in text or bool(re.match(r"b\d[\w.]*__", name)))


def _version(kind: str, path: str) -> str:
    name = path.rpartition("/")[2]
    if kind == "prisma":
        return path.split("/")[-2]
    if kind == "django":
        return name
    found = _VERSION.match(name)
    return found.group(1) if found else name


def _same(kind: str, before: str, after: str) -> bool:
    """Whether both do the same to a database that ran neither, and the tool takes them for the same."""
    if kind == "flyway":
        return before.replace("\r\n", "\n") == after.replace("\r\n", "\n")
    if kind in ("liquibase", "liquibase-sql"):
        kept = keeps(before, after) if kind == "liquibase" else None
        return after.rstrip().startswith(before.rstrip()) if kept is None else kept
    if kind in ("alembic", "django"):
        return _does(before) == _does(after)
    if kind == "javascript":
        return same_script(before, after)
    if kind == "rails":
        return _plain_ruby(before) == _plain_ruby(after)
    first, second = read_sql(before).statements, read_sql(after).statements
    return [[token.text for token in one.tokens] for one in first] == [
        [token.text for token in one.tokens] for one in second
    ]


def _does(text: str) -> list[str]:
    """The bodies of functions, and the operations of a class."""
    tree, found = tree_of(text), []
    for one in ast.walk(tree) if tree else ():
        try:
            if isinstance(one, ast.FunctionDef):
                found += [ast.dump(each) for each in one.body if not _is_docstring(each)]
            elif isinstance(one, ast.ClassDef):
                found += [
                    ast.dump(_Sets().visit(each)) for each in branches(one.body) if _is_operations(each)
                ]
        except RecursionError:
            return [text]
    return found if tree else [text]


class _Sets(ast.NodeTransformer):
    """`set([…])` and `{…}` are the same set."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        held = node.args[0] if len(node.args) == 1 else None
        plain = isinstance(node.func, ast.Name) and node.func.id == "set"
        return ast.Set(held.elts) if plain and isinstance(held, (ast.List, ast.Tuple)) else node


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_operations(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else ()
    return any(isinstance(one, ast.Name) and one.id in ("operations", "atomic") for one in targets)


def _plain_ruby(text: str) -> list[str]:
    lines = (_BLANKS.sub(" ", line[:2_000]).strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _one_way(file: TouchedFile, paths: frozenset[str]) -> Edit | None:
    """A migration of a pair (`.up.sql`, `.down.sql`) that comes alone."""
    if (
        file.status != "added"
        or not file.path.lower().endswith(".up.sql")
        or not is_migration_path(file.path, file.asked)
    ):
        return None
    pair = f"{file.path[: -len('.up.sql')]}.down.sql"
    if pair.lower() in paths:
        return None
    first = file.added[0].text if file.added else ""
    return file, Hit("sql-irreversible", 1, f"Has no way back: {pair.rpartition('/')[2]} is missing."), first
