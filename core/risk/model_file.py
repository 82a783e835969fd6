"""A model as text: JSON with a format number, checked when it is read, and laid out to be read by people."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from core.errors import InputError
from core.risk.model import FORMAT, VALUES, Grid, Model, Table

LONGEST = 1_000_000
_HEAVIEST = 1_000_000
_MEND = "Make it anew with `watchkeeper risk fit`"


def to_json(model: Model) -> str:
    """A table a line; the same for the same model."""
    document = msgspec.to_builtins(model)
    rows = []
    for name, value in document.items():
        if name in ("tables", "grids", "calibration") and value:
            inner = ",\n  ".join(_flat(one) for one in value)
            rows.append(f'"{name}": [\n  {inner}\n ]')
        else:
            rows.append(f"{json.dumps(name)}: {_flat(value)}")
    return "{\n " + ",\n ".join(rows) + "\n}\n"


def from_json(text: str | bytes, where: str = "risk model") -> Model:
    """Raises InputError that says what is wrong and at which place of the file."""
    if len(text) > LONGEST:
        raise InputError(f"longer than {LONGEST:,} bytes", where=where, mend=_MEND)
    _check_format(text, where)
    try:
        model = msgspec.json.decode(text, type=Model)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InputError(f"no risk model: {error}", where=where, mend=_MEND) from None
    fault = _fault(model)
    if fault:
        raise InputError(fault, where=where, mend=_MEND)
    return model


class _Format(msgspec.Struct):
    format: int


def _check_format(text: str | bytes, where: str) -> None:
    try:
        found = msgspec.json.decode(text, type=_Format).format
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InputError(f"no risk model: {error}", where=where, mend=_MEND) from None
    if found != FORMAT:
        raise InputError(f"format {found}; this version reads format {FORMAT}", where=where, mend=_MEND)


def _fault(model: Model) -> str:
    if abs(model.base) > _HEAVIEST or any(abs(one) > _HEAVIEST for one in model.groups.values()):
        return f"a weight is beyond {_HEAVIEST:,}"
    names = [table.feature for table in model.tables]
    if len(set(names)) < len(names):
        return "a feature has two tables"
    faults = (*map(_table_fault, model.tables), *map(_grid_fault, model.grids))
    return next(filter(None, faults), "")


def _table_fault(table: Table) -> str:
    if len(table.counts) != len(table.weights):
        return f"table {table.feature!r}: {len(table.weights)} weights and {len(table.counts)} counts"
    return _axes_fault(f"table {table.feature!r}", (table.feature,), (table.edges,), (table.weights,))


def _grid_fault(grid: Grid) -> str:
    place = f"grid {' x '.join(grid.features)!r}"
    if len(grid.weights) != len(grid.edges[0]) + 1:
        return f"{place}: {len(grid.edges[0])} edges and {len(grid.weights)} rows; there is one row more"
    return _axes_fault(place, grid.features, (grid.edges[1],), grid.weights) or _edges_fault(
        place, grid.edges[0]
    )


def _axes_fault(
    place: str, names: Sequence[str], edges: Sequence[Sequence[float]], rows: Sequence[Sequence[int]]
) -> str:
    strange = [name for name in names if name not in VALUES]
    if strange:
        return f"{place}: no feature is called {strange[0]!r}. There are {', '.join(VALUES)}"
    for row in rows:
        if len(row) != len(edges[0]) + 1:
            return f"{place}: {len(edges[0])} edges and {len(row)} weights; there is one weight more"
        if any(abs(weight) > _HEAVIEST for weight in row):
            return f"{place}: a weight is beyond {_HEAVIEST:,}"
    return _edges_fault(place, edges[0])


def _edges_fault(place: str, edges: Sequence[float]) -> str:
    rising = all(low < high for low, high in pairwise(edges))
    return "" if rising and all(map(math.isfinite, edges)) else f"{place}: edges do not rise"


def _flat(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=isinstance(value, dict) and "feature" not in value)
