"""Migrations of databases: what holds others up, loses rows, breaks running code, or cannot be undone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.rules.rule import Match, RiskRule
from core.risk.rules.sql import squawk as sql_squawk
from core.risk.rules.sql.catalogue import DANGERS
from core.risk.rules.sql.frameworks import is_migration_path
from core.risk.rules.sql.locks import sql_matches


def _wants(path: str) -> bool:
    """Also of tests and examples: the policy may ask for them."""
    return is_migration_path(path, asked=True)


def _find(rule: str, change: ChangeSet, known: Known) -> Iterable[Match]:
    return (match for match in sql_matches(change) if match.rule == rule)


rules: tuple[RiskRule, ...] = (
    *(RiskRule(one.id, one.title, one.why, one.source, partial(_find, one.id), _wants) for one in DANGERS),
    *sql_squawk.rules,
)
