"""Our rules of migrations beside squawk on the family `sql`: who finds the danger, who is quiet on the twin.

Both are asked whether they would say something that is worth a look: of ours what is above low, of squawk its
rules about locks, lost data and broken code. Its rules of taste speak of most files, harmless or not; they
stand in a column of their own. The cases are of our own making, by people who know our rules, and some need
what squawk is not made for (the files before, other databases, other languages): no measure of squawk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.rules.sql import rules as sql_rules
from core.risk.rules.sql.frameworks import migrations_of
from core.risk.rules.sql.squawk import LEVELS
from evals.risk.corpus import Case, change_of, known_of, load
from watchkeeper.risk import squawk

FAMILY = "sql"


class Row(NamedTuple):
    """Of one case: the rules that matched, above low. `sql`: whether all its files are SQL of PostgreSQL, as
    squawk reads. `anything`: all rules of squawk, those of taste too."""

    case: str
    danger: bool
    sql: bool
    ours: tuple[str, ...]
    squawk: tuple[str, ...]
    anything: tuple[str, ...]


class SideBySide(NamedTuple):
    """`status` of squawk: "ran", or why it did not; then its columns mean nothing."""

    status: str
    rows: tuple[Row, ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """Dangers found and twins spoken of, of all cases and of those that are SQL of PostgreSQL."""
        groups = {"all": self.rows, "postgres_sql": tuple(row for row in self.rows if row.sql)}
        return {name: _counts(rows) for name, rows in groups.items()}

    def as_json(self) -> dict[str, Any]:
        return {"status": self.status, "counts": self.counts(), "rows": [row._asdict() for row in self.rows]}

    def as_text(self) -> str:
        """A table for people."""
        if self.status != "ran":
            return (
                f"squawk: {self.status} (pip install 'watchkeeper[risk]'); nothing stands beside our rules."
            )
        lines = [f"{'':<34}{'ours':>8}{'squawk':>8}{'any word of squawk':>20}"]
        for name, found in self.counts().items():
            for what, total in (("found", "dangers"), ("spoken_of", "harmless")):
                label = f"{name}: {total} {'found' if what == 'found' else 'spoken of'}, of {found[total]}"
                cells = (found[f"ours_{what}"], found[f"squawk_{what}"], found[f"anything_{what}"])
                lines.append(f"{label:<42}{cells[0]:>4}{cells[1]:>8}{cells[2]:>14}")
        return "\n".join(lines)


def side_by_side(cases: Sequence[Case] | None = None) -> SideBySide:
    """Of the cases of the family, or of these."""
    wanted = [case for case in (load() if cases is None else cases) if case.family == FAMILY]
    if squawk.program() is None:
        return SideBySide("not installed", tuple(_row(case, []) for case in wanted))
    rows = []
    for case in wanted:
        said = squawk.ask(change_of(case))
        if said["status"] != "ran":
            return SideBySide(said["status"], ())
        rows.append(_row(case, said["rows"]))
    return SideBySide("ran", tuple(rows))


def _row(case: Case, said: list[dict[str, Any]]) -> Row:
    change, known = change_of(case), known_of(case)
    anything = sorted({row["rule"] for row in said})
    grave = [rule for rule in anything if LEVELS.get(rule, "low") != "low" or rule in _ALSO]
    return Row(case.name, case.danger, _is_sql(change), _ours(change, known), tuple(grave), tuple(anything))


# What our rule of the same place says better, so that squawk's row is of no weight beside it.
_ALSO = ("changing-column-type", "adding-foreign-key-constraint")


def _ours(change: ChangeSet, known: Known) -> tuple[str, ...]:
    found = (match for rule in sql_rules.rules for match in rule.find(change, known))
    return tuple(sorted({match.rule for match in found if match.level != "low"}))


def _is_sql(change: ChangeSet) -> bool:
    return all(
        one.path.endswith(".sql") and one.dialect == "postgres" for one in migrations_of(change)
    ) and all(file.path.endswith(".sql") for file in change.files)


def _counts(rows: Sequence[Row]) -> dict[str, int]:
    found = {"dangers": sum(row.danger for row in rows), "harmless": sum(not row.danger for row in rows)}
    for who in ("ours", "squawk", "anything"):
        found[f"{who}_found"] = sum(row.danger and bool(getattr(row, who)) for row in rows)
        found[f"{who}_spoken_of"] = sum(not row.danger and bool(getattr(row, who)) for row in rows)
    return found
