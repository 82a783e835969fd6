"""Statements that let more in: superusers, rights for everybody, tables whose rows are guarded no more."""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.rules.sql.ddl import actions_of, in_row, keys
from core.risk.rules.sql.migration import Hit, Made, Migration
from core.risk.rules.sql.statements import Statement
from core.words import word_set

_RULE = "sql-access-widened"
_ROLES = frozenset({"ROLE", "USER"})
_POWERS = word_set("SUPERUSER BYPASSRLS")
_EVERYBODY = word_set("PUBLIC ANON ANONYMOUS GUEST EVERYONE ALLUSERS")
_CHANGES = word_set("ALL INSERT UPDATE DELETE TRUNCATE DROP ALTER CONTROL OWNERSHIP SUPER")
_OWNERS = word_set("DB_OWNER SYSADMIN DB_SECURITYADMIN SECURITYADMIN")
_OPENED = (("DISABLE", "ROW", "LEVEL", "SECURITY"), ("NO", "FORCE", "ROW", "LEVEL", "SECURITY"))


def check(migration: Migration, made: Made) -> Iterator[Hit]:
    for one in migration.statements:
        yield from _powers(one)
        yield from _granted(one)
        yield from _member(one)
    for _, alter, action in actions_of(migration.statements):
        if alter.table not in made.tables and any(keys(action[: len(row)]) == row for row in _OPENED):
            yield Hit(
                _RULE, action[0].line, f"Opens the rows of {alter.table} to all who may read the table."
            )


def _powers(one: Statement) -> Iterator[Hit]:
    found = keys(one.tokens)
    if found[0] in ("ALTER", "CREATE") and len(found) > 2 and found[1] in _ROLES:
        for power in (key for key in found[3:] if key in _POWERS):
            yield Hit(
                _RULE,
                one.line,
                f"Makes {one.tokens[2].text} one whom no rule of the database stops: {power}.",
            )


def _granted(one: Statement) -> Iterator[Hit]:
    """Rights to change things, given to everybody."""
    found = keys(one.tokens)
    if found[0] != "GRANT" or "TO" not in found:
        return
    to = len(found) - 1 - found[::-1].index("TO")
    rights = set(found[1 : found.index("ON")] if "ON" in found else found[1:to])
    names = [token.text.upper() for token in one.tokens[to + 1 :] if token.kind in ("word", "name")]
    if rights & _CHANGES and (name := next((name for name in names if name in _EVERYBODY), "")):
        yield Hit(_RULE, one.line, f"Gives everybody the right to change what is there, as {name.lower()}.")
    elif "ALL" in rights and in_row(one.tokens, "ON", "*", ".", "*"):
        yield Hit(_RULE, one.line, "Gives all rights on all databases.")


def _member(one: Statement) -> Iterator[Hit]:
    """A further member of a role that may do anything, of SQL Server."""
    found = keys(one.tokens)
    if found[0] == "ALTER" and "ROLE" in found[:3] and in_row(one.tokens, "ADD", "MEMBER"):
        role = one.tokens[found.index("ROLE") + 1].text.upper()
        if role in _OWNERS:
            yield Hit(_RULE, one.line, f"Adds a member to {role.lower()}, who may do anything.")
