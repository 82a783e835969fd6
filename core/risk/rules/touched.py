"""What rules ask of touched files: which count, which lines are new, how a line is shown.

No line is looked at beyond its first 2,000 characters.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Protocol

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.known import Known
from core.risk.paths import is_aside
from core.risk.places import stands_apart
from core.risk.rules.rule import Match, RiskRule, quoted

Find = Callable[[ChangeSet, Known], Iterable[Match]]

# Of a longer line only its beginning is looked at.
LONGEST_LINE = 2_000
# Environments in which nobody outside depends on what runs.
_LOWER_WORDS = (
    "dev devel develop development local localhost sandbox preview test tests testing qa ci staging stage "
    "stg uat playground minikube"
)
_LOWER = frozenset(_LOWER_WORDS.split())
_PARTS = re.compile(r"[^a-z0-9]+")
_MANIFEST = (re.compile(r"^apiVersion:", re.MULTILINE), re.compile(r"^kind:", re.MULTILINE))
# Helm installs such an object for `helm test` alone.
_HOOK_OF_TEST = re.compile(r"helm\.sh/hook[\"']?:\s{0,9}[\"']?test")
_COMMENT = re.compile(r"\s*(?:#(?!!)|//|/\*|\*(?:\s|/|$)|--\s|<!--|;|REM\s)")


def judged(change: ChangeSet, wanted: Callable[[str], bool], gone: bool = True) -> Iterator[TouchedFile]:
    """The files that a rule looks at: text, of a wanted path (old or new), no tests, documentation, generated
    or vendored ones. `gone`: deleted files too."""
    for file in change.files:
        if file.binary or file.instead or (file.status == "deleted" and not gone):
            continue
        asked = wanted(file.path) or (file.old_path and wanted(file.old_path))
        if asked and not left_alone(file):
            yield file


def ending(*ends: str) -> Callable[[str], bool]:
    """Whether a path has one of these ends, in letters small or large."""
    return lambda path: path.lower().endswith(ends)


def left_alone(file: TouchedFile) -> bool:
    """Whether it is a test, documentation, generated or vendored, and nothing says that it runs: neither its
    place, nor its text (a manifest), nor the policy."""
    return not file.asked and is_aside(file.path) and not _is_manifest(file)


def _is_manifest(file: TouchedFile) -> bool:
    """An object of Kubernetes outside of a tree of tests, which a folder's name makes no example."""
    if not file.path.lower().endswith((".yaml", ".yml")) or stands_apart(file.path):
        return False
    text = file.after or file.before or "\n".join(line.text for line in (*file.added, *file.removed))
    if not all(pattern.search(text) for pattern in _MANIFEST):
        return False
    return not ("/templates/tests/" in file.path and _HOOK_OF_TEST.search(text))


def fresh(file: TouchedFile) -> Iterator[Line]:
    """Added lines, cut, without those that were only moved or indented within the file."""
    return _beyond(file.added, file.removed)


def gone(file: TouchedFile) -> Iterator[Line]:
    """Removed lines, cut, without those that stand elsewhere in the file again."""
    return _beyond(file.removed, file.added)


def _beyond(lines: Iterable[Line], others: Iterable[Line]) -> Iterator[Line]:
    left: dict[str, int] = {}
    for line in others:
        text = line.text[:LONGEST_LINE].strip()
        left[text] = left.get(text, 0) + 1
    for line in lines:
        text = line.text[:LONGEST_LINE]
        if left.get(text.strip(), 0):
            left[text.strip()] -= 1
        else:
            yield Line(line.number, text)


def is_comment(text: str) -> bool:
    """Whether a line is a comment in one of the usual languages."""
    return _COMMENT.match(text) is not None


@lru_cache(maxsize=4_096)
def is_lower(path: str) -> bool:
    """Whether a path names an environment below production (values-dev.yaml, overlays/staging/)."""
    words = set(_PARTS.split(path.lower()))
    return bool(words & _LOWER) and not words & {"prod", "production", "live"}


def shown(text: str) -> str:
    """A line as evidence, with passwords and tokens left out."""
    return quoted(text[:LONGEST_LINE])


def line_at(text: str | None, number: int) -> str:
    """Line `number` (from 1) of a text as evidence; "" where there is none."""
    if not text or number < 1:
        return ""
    lines = text.split("\n", number)
    return shown(lines[number - 1]) if len(lines) >= number else ""


def place_of(file: TouchedFile, number: int) -> int:
    """Where in the new file line `number` of the old one stood: its place, else what stands there now. 0
    where there is no new file."""
    if file.status == "deleted":
        return 0
    place = number - 1 - sum(one.number < number for one in file.removed)
    for one in file.added:
        if one.number > place:
            break
        place += 1
    lines = file.after.removesuffix("\n").count("\n") + 1 if file.after else place + 1
    return min(place + 1, lines)


def finder(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """`search` of a pattern of ours, small and large letters alike."""
    return re.compile(pattern, re.IGNORECASE).search


def once(find: Callable[[ChangeSet], Iterable[Match]]) -> Callable[[str], Find]:
    """The rules of a module in one pass: the `find` of each, by its id, takes what is its own. The pass over
    the change at hand is kept until another comes, so that a text is read once and not by every rule."""
    last: list[tuple[weakref.ref[ChangeSet], tuple[Match, ...]]] = []

    def matches(change: ChangeSet) -> tuple[Match, ...]:
        kept = next(iter(last), None)
        if kept is not None and kept[0]() is change:
            return kept[1]
        found = tuple(find(change))
        last[:] = [(weakref.ref(change), found)]
        return found

    def of(rule: str) -> Find:
        return lambda change, known: (match for match in matches(change) if match.rule == rule)

    return of


class Maker(Protocol):
    """Makes a rule of its id, title, why and source."""

    def __call__(self, id: str, title: str, why: str, source: str = ..., /) -> RiskRule: ...


def rules_of(
    find: Callable[[ChangeSet], Iterable[Match]], wants: Callable[[str], bool], known_from: str = ""
) -> Maker:
    """What makes the rules of such a module; all want the same texts. `known_from`: the source of those that
    name none."""
    of = once(find)

    def rule(id: str, title: str, why: str, source: str = known_from, /) -> RiskRule:
        return RiskRule(id, title, why, source, of(id), wants)

    return rule
