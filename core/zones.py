"""Time zones of the pinned `tzdata` package, and of nothing else: the same on every machine.

Only names that the package lists are read, so that a name is never a path.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

_PACKAGE = "tzdata"


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    listed = resources.files(_PACKAGE).joinpath("zones").read_text(encoding="ascii")
    return frozenset({*listed.split(), "UTC"})


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Raises ValueError for a name that the package does not list, the machine's `Local` too."""
    if name not in zone_names():
        raise ValueError(f"no time zone {name[:60]!r}; write UTC or a name such as Europe/Berlin")
    found = resources.files(_PACKAGE).joinpath("zoneinfo", *name.split("/"))
    with found.open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
