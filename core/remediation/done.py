"""Whether what a plan would undo was undone already, as far as rules can tell, and in which words.

Known from the change itself, whose sender says that it was rolled back; probable where the finding
probable-repair names a later change of the same kind on the same service, after which all alerts ended. That
versions go back is only worded: it decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.findings.recent_change import describe, order
from core.model.incident import Change, Incident
from core.narrative.plain import one_line, short_version
from core.times import spoken
from core.world import World

_UNDONE = {
    "deploy": "rolled back",
    "configuration": "reverted",
    "flag": "switched back",
    "infrastructure": "undone",
}
_NAME, _NUMBERS = 80, 6


def undone(world: World, incident: Incident, change: Change) -> str:
    """`probably already rolled back to 3.1.0: deploy of ...`; empty where nothing says that it was. The
    incident's findings must be up to date."""
    verb = _UNDONE[change.event.kind]
    if change.event.state == "rolled_back":
        return f"already {verb}, as its sender says"
    repair = _repair(world, incident)
    if repair is None or not follows(repair, change):
        return ""
    gap = spoken(repair.event.at - change.event.at)
    return f"probably already {_words(world, change, repair)}: {_named(repair)}, {gap} after it"


def followed_by(world: World, incident: Incident, change: Change) -> Change | None:
    """The last change of the same kind on the same service that came after it and is not undone itself."""
    later = (world.state.changes[name] for name in incident.changes if name in world.state.changes)
    found = [
        one for one in later if follows(one, change) and one.event.state not in ("failed", "rolled_back")
    ]
    return max(found, key=order, default=None)


def follows(later: Change, change: Change) -> bool:
    """Whether it is of the same kind, on the same service in the same place, and began later."""
    return _place(later) == _place(change) and later.event.at > change.event.at


def _place(change: Change) -> tuple[str, ...]:
    event = change.event
    return (change.domain, event.kind, event.service, event.environment, event.cluster)


def _repair(world: World, incident: Incident) -> Change | None:
    subjects = (finding.subject for finding in incident.findings if finding.kind == "probable-repair")
    return next((world.state.changes[name] for name in subjects if name in world.state.changes), None)


def _named(change: Change) -> str:
    return one_line(describe(change.event), _NAME)


def _words(world: World, change: Change, repair: Change) -> str:
    """`rolled back to 3.1.0` where that ran before or is a lower number, else `replaced by 3.2.1`."""
    verb, version = _UNDONE[change.event.kind], one_line(short_version(repair.event.version), _NAME)
    if not version or change.event.kind != "deploy":
        return verb
    before = repair.event.version in set(_versions_before(world, change))
    lower = _lower(repair.event.version, change.event.version)
    return f"{verb} to {version}" if before or lower else f"replaced by {version}"


def _versions_before(world: World, change: Change) -> Iterator[str]:
    timeline = world.index.changes.get((change.domain, change.event.service), [])
    for _, name in timeline:
        other = world.state.changes.get(name)
        if other is not None and _place(other) == _place(change) and other.event.at < change.event.at:
            yield other.event.version


def _lower(version: str, than: str) -> bool:
    """Of versions that are numbers with dots, `v` before them or not."""
    numbers = [_numbers(text) for text in (version, than)]
    return all(numbers) and numbers[0] < numbers[1]


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.removeprefix("v").split(".")[:_NUMBERS]
    plain = all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)
    return tuple(map(int, parts)) if plain else ()
