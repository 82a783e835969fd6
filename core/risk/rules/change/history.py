"""What the team's own history says: files that broke before, changes like this one, authors new to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import HotFile, Known, PastChange
from core.risk.paths import is_aside
from core.risk.rules.dependencies.manifests import reader_of
from core.risk.rules.rule import Level, Match, RiskRule, quoted

_MOST_ALIKE = 3
# In thousandths: who made half of the commits to the files owns them.
_OWNS = 500


def _files(change: ChangeSet) -> list[TouchedFile]:
    return [file for file in change.files if not is_aside(file.path)]


def _hot(change: ChangeSet, known: Known) -> Iterator[Match]:
    """One match for all files of the same incidents; a manifest of dependencies is not hot by itself."""
    hot = {one.path: one for one in known.hot_files}
    groups: dict[tuple[str, ...], list[tuple[str, HotFile]]] = {}
    for file in _files(change):
        one = hot.get(file.path) or hot.get(file.old_path)
        if one is not None and one.incidents and reader_of(file.path) is None:
            groups.setdefault(one.incidents, []).append((file.path, one))
    for incidents, files in groups.items():
        level: Level = "medium" if len(incidents) > 1 else "low"
        clears = "Have somebody who worked on those incidents review it, and deploy it step by step"
        shown = ", ".join(incidents[:10])
        if len(files) > 1:
            shown += f": {', '.join(path for path, _ in files[:10])}"
        yield Match("hot-file", level, _heat(files), clears, files[0][0], 0, quoted(shown))


def _heat(files: list[tuple[str, HotFile]]) -> str:
    """Only judged changes are counted."""
    first = files[0][1]
    count = len(first.incidents)
    incidents = "an incident" if count == 1 else f"{count} incidents"
    if len(files) > 1:
        return f"Judged changes to these {len(files)} files caused {incidents}."
    if first.changes == 1:
        return f"1 judged change to this file caused {incidents}."
    if first.changes >= count:
        return f"{count} of {first.changes} judged changes to this file caused an incident."
    return f"Judged changes to this file caused {incidents}."


class _Alike(NamedTuple):
    files: list[str]
    folders: list[str]
    rules: list[str]
    past: PastChange


def _like_before(change: ChangeSet, known: Known) -> Iterator[Match]:
    """Exact counts only: two files in common, or one (or a folder) and a rule that both match."""
    paths = {path for file in _files(change) for path in (file.path, file.old_path) if path}
    folders = {path.rpartition("/")[0] for path in paths} - {""}
    found = [_alike(paths, folders, known, past) for past in known.past_changes]
    counted = [one for one in found if len(one.files) > 1 or (one.rules and (one.files or one.folders))]
    counted.sort(key=lambda one: (-len(one.files), -len(one.rules), one.past.id))
    for one in counted[:_MOST_ALIKE]:
        yield _told(one)


def _alike(paths: set[str], folders: set[str], known: Known, past: PastChange) -> _Alike:
    before = [path for path in past.files if not is_aside(path)]
    there = {path.rpartition("/")[0] for path in before}
    rules = sorted(known.matched.keys() & set(past.rules))
    return _Alike([path for path in before if path in paths], sorted(there & folders), rules, past)


def _told(one: _Alike) -> Match:
    past = one.past
    total = sum(not is_aside(path) for path in past.files)
    shared = f"{len(one.files)} of {total} files" if one.files else f"{len(one.folders)} folders"
    rules = f" and the rules {', '.join(map(quoted, one.rules))}" if one.rules else ""
    level: Level = "medium" if 2 * len(one.files) >= total or (one.files and one.rules) else "low"
    said = f"It shares {shared}{rules} with {quoted(past.id)}, which caused {quoted(past.incident)}."
    clears = f"Read what {quoted(past.incident)} taught, and say in the description what is different"
    shown = quoted(", ".join(one.files or one.folders))
    return Match("like-past-incident", level, said, clears, next(iter(one.files), ""), 0, shown)


def _new_author(change: ChangeSet, known: Known) -> Iterator[Match]:
    seen = known.experience
    changed = [file for file in _files(change) if file.status in ("modified", "renamed", "deleted")]
    if seen is None or not changed or seen.on_files or seen.here or not seen.people:
        return
    said = "The author has changed neither these files nor anything in their folders before."
    who = f"Ask {quoted(seen.owner)}, who changed them most, to review it" if seen.owner else "Ask an owner"
    shown = f"{seen.commits} commits in the repository, 0 here; {seen.people} others changed these files"
    yield Match("new-author", "low", said, who, "", 0, shown)


def _owner_absent(change: ChangeSet, known: Known) -> Iterator[Match]:
    seen = known.experience
    if seen is None or not seen.owner or seen.owner_share < _OWNS or not _files(change):
        return
    authors = {commit.author.lower() for commit in change.commits}
    # Somebody new to the files is told of by the rule above.
    if not authors or seen.owner.lower() in authors or seen.on_files > 1 or not (seen.on_files or seen.here):
        return
    said = f"Half of the commits to these files are of {quoted(seen.owner)}, who has no part in this one."
    clears = f"Ask {quoted(seen.owner)} to review it"
    shown = f"{seen.owner_share / 10:.0f} % of the commits; the author made {seen.on_files}"
    yield Match("owner-absent", "low", said, clears, "", 0, shown)


_OWNERSHIP = "Bird et al., Don't touch my code!, ESEC/FSE 2011, https://doi.org/10.1145/2025113.2025119"

rules = (
    RiskRule(
        "hot-file",
        "A file whose changes caused incidents",
        "Where changes broke something before, they do so more often than elsewhere.",
        "Graves et al., Predicting fault incidence using software change history, TSE 2000, "
        "https://doi.org/10.1109/32.859533",
        _hot,
    ),
    RiskRule(
        "like-past-incident",
        "A change like one that caused an incident",
        "The same files and the same dangers, once more.",
        "Google SRE Book, Postmortem Culture: Learning from Failure, https://sre.google/sre-book/postmortem-culture/",
        _like_before,
        late=True,
    ),
    RiskRule(
        "new-author",
        "An author new to these files",
        "Little experience with a part of a program goes with more defects in it.",
        _OWNERSHIP,
        _new_author,
    ),
    RiskRule(
        "owner-absent",
        "The owner of the files has no part in it",
        "Files that are changed by people who seldom do have more failures.",
        _OWNERSHIP,
        _owner_absent,
    ),
)
