"""Loops of Rails migrations that write all rows of a model, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from core.risk.rules.sql.migration import Hit

_DEF = re.compile(r"def (?:self\.)?(\w+)")
# `Order.find_each do |order|`: all rows, one after the other, and what writes one of them.
_EACH_ROW = re.compile(
    r"([A-Z][\w:]{0,100})(?:\.(?:all|unscoped))?\.(?:find_each|each|find_in_batches)\b[^|\n]{0,100}\|\s*(\w{1,60})\s*\|"
)
_SAVES = r"\b{}\.(?:save|update|update_attributes?|update_columns?|destroy|delete|touch)\b"
_MOST_INSIDE = 60


def row_by_row(lines: list[str], table_of: Callable[[str], str]) -> Iterator[Hit]:
    """Loops over all rows of a model that write each of them, on the way up."""
    part = ""
    for at, line in enumerate(lines):
        if defined := _DEF.match(line.strip()):
            part = defined.group(1)
        found = _EACH_ROW.search(line)
        if found is None or part == "down" or line.lstrip().startswith("#"):
            continue
        saves, indent = re.compile(_SAVES.format(found[2])), len(line) - len(line.lstrip())
        inside = [line[found.end() :]]
        for below in lines[at + 1 : at + _MOST_INSIDE]:
            if below.strip() and len(below) - len(below.lstrip()) <= indent:
                break
            inside.append(below)
        if any(saves.search(one) for one in inside):
            what = f"Writes every row of {found[1]} one by one, in one transaction that holds them all."
            yield Hit("sql-rows-one-by-one", at + 1, what, table=table_of(found[1]))
