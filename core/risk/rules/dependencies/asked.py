"""A dependency as a manifest asks for it, and how far a manifest is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

LONGEST_TEXT, LONGEST_LINE = 1_000_000, 2_000


class Asked(NamedTuple):
    """A dependency as a manifest asks for it. `source`: "" from the registry, else the address of git or a
    file. `dev`: not needed where the program runs. `bare_pins`: see versions.constraint."""

    constraint: str
    dev: bool = False
    source: str = ""
    bare_pins: bool = False


Read = dict[str, Asked]
Rows = Iterator[tuple[str, Asked]]


def lines(text: str) -> Iterator[str]:
    return (line[:LONGEST_LINE] for line in text.splitlines())
