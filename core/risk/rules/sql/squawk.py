"""What squawk, a program that reads SQL of PostgreSQL, says of a change's migrations, where it was asked.

Known.tools["squawk"] is `{"status": "ran", "rows": [{"path", "line", "end", "rule", "message", "help"}]}`;
lines count from 1. What our own rules say of the same place is said once, by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.rules.rule import Level, Match, RiskRule, quoted
from core.risk.rules.sql.ddl import alter_table, created_index
from core.risk.rules.sql.frameworks import migrations_of
from core.risk.rules.sql.locks import sql_matches
from core.risk.rules.sql.migration import Migration, made_by
from core.risk.rules.sql.statements import Statement

# Levels of squawk's rules; what is missing here is a matter of taste, and is not said.
LEVELS: dict[str, Level] = {
    "adding-field-with-default": "medium",
    "adding-foreign-key-constraint": "low",
    "adding-not-nullable-field": "medium",
    "adding-required-field": "high",
    "adding-serial-primary-key-field": "high",
    "ban-alter-domain-with-add-constraint": "medium",
    "ban-alter-system": "medium",
    "ban-concurrent-index-creation-in-transaction": "high",
    "ban-drop-column": "high",
    "ban-drop-database": "critical",
    "ban-drop-function": "medium",
    "ban-drop-schema": "critical",
    "ban-drop-type": "medium",
    "ban-drop-view": "medium",
    "ban-disable-trigger": "medium",
    "ban-drop-table": "critical",
    "ban-truncate-cascade": "critical",
    "changing-column-type": "low",
    "constraint-missing-not-valid": "medium",
    "disallowed-unique-constraint": "high",
    "renaming-column": "high",
    "renaming-table": "high",
    "require-concurrent-index-creation": "high",
    "require-concurrent-index-deletion": "medium",
    "require-concurrent-reindex": "medium",
}
_MOST = 200


def _find(change: ChangeSet, known: Known) -> Iterator[Match]:
    rows = rows_of(known)
    if not rows:
        return
    migrations = migrations_of(change)
    made = made_by(migrations).tables
    by_path = {one.path: one for one in migrations}
    ours = {(match.path, match.line) for match in sql_matches(change)}
    for row in rows[:_MOST]:
        migration, level = by_path.get(row["path"]), LEVELS.get(row["rule"])
        one = _statement(migration, row["line"]) if migration and level else None
        if migration is None or level is None or one is None or _table(one) in made:
            continue
        if not any((migration.path, at) in ours for at in range(one.line, one.end + 1)):
            what = quoted(f"squawk, {row['rule']}: {row['message']}")
            clears = quoted(row["help"]) or "Do what squawk's documentation of the rule says"
            evidence = quoted(migration.text_at(row["line"]))
            yield Match("squawk", level, what, clears, migration.path, row["line"], evidence)


def _statement(migration: Migration, line: int) -> Statement | None:
    """The statement of the change that stands there: squawk reads ways back and old lines too."""
    return next((one for one in migration.statements if one.line <= line <= one.end), None)


def _table(one: Statement) -> str:
    alter, index = alter_table(one), created_index(one)
    return alter.table if alter else index.table if index else ""


def rows_of(known: Known) -> list[dict[str, Any]]:
    """Rows of the right shape; anything else is left out."""
    said = known.tools.get("squawk")
    rows = said.get("rows") if isinstance(said, dict) else None
    return [found for row in rows or () if (found := _row(row))] if isinstance(rows, (list, tuple)) else []


def _row(row: object) -> dict[str, Any] | None:
    if not isinstance(row, dict) or not isinstance(row.get("line"), int):
        return None
    end = row.get("end") if isinstance(row.get("end"), int) else row["line"]
    texts = {key: str(row.get(key) or "") for key in ("path", "rule", "message", "help")}
    return {**texts, "line": row["line"], "end": min(max(end, row["line"]), row["line"] + 1_000)}


rules = (
    RiskRule(
        "squawk",
        "squawk warns of this migration",
        "squawk knows which statements of PostgreSQL hold others up or break running code.",
        "squawk, Rules, https://squawkhq.com/docs/rules",
        _find,
    ),
)
