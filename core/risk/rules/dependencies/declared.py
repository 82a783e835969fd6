"""What a manifest asks for now and did not before: other major versions, older ones, none at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.beside import locks_of
from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Known
from core.risk.paths import is_docs, is_test, is_vendored
from core.risk.rules.dependencies import locks
from core.risk.rules.dependencies import manifests as dep_manifests
from core.risk.rules.dependencies.asked import LONGEST_LINE, Asked, Read
from core.risk.rules.dependencies.versions import Constraint, Step, constraint, step
from core.risk.rules.rule import Level, Match, RiskRule, quoted
from core.risk.rules.touched import Find

_MOST_SEARCHES = 100
_COMMIT = re.compile(r"[@#=][0-9a-f]{40}\b")
# Sources of which git takes what is newest; of hosts alone (`github.com/…`) the module's version says which.
_GIT = ("git+", "git:", "git@", "git://", "github:", "gitlab:", "ssh")
_SEMVER = "Semantic Versioning 2.0.0, items 4 and 8, https://semver.org/"
_PINNING = (
    "OpenSSF Scorecard, Pinned-Dependencies, https://github.com/ossf/scorecard/blob/main/docs/checks.md"
)
_STEPS: dict[Step, tuple[str, Level, str, str]] = {
    "major": (
        "dep-major",
        "medium",
        "takes a new major version, which may break its callers",
        "Stay within the major version, or take this one alone, after its list of breaking changes",
    ),
    "zero-minor": (
        "dep-zero-minor",
        "low",
        "takes a new minor version below 1.0, which may break its callers",
        "Check its changes against the calls that are made, or stay within the minor version",
    ),
    "down": (
        "dep-downgrade",
        "medium",
        "goes back to an older version, and loses what was repaired since",
        "Stay on the newer version, or name in the description which fixes are lost and why that is safe",
    ),
}


def wants(path: str) -> bool:
    """Manifests and lock files, which are compared whole."""
    return dep_manifests.reader_of(path) is not None or locks.is_lock(path)


def counts(file: TouchedFile) -> bool:
    """Whether it is judged; a lock file is made by a program, and is."""
    path = file.path
    return file.asked or not (is_test(path) or is_docs(path) or is_vendored(path))


def compared(change: ChangeSet) -> Iterator[tuple[TouchedFile, Read, Read]]:
    """Each manifest with what it asked for and what it asks for now."""
    for file in change.files:
        if dep_manifests.reader_of(file.path) is None or not counts(file) or file.status == "deleted":
            continue
        before = dep_manifests.read(file.old_path or file.path, file.before)
        after = dep_manifests.read(file.path, file.after)
        if after is not None and (before is not None or file.status == "added"):
            yield file, before or {}, after


class Places:
    """Where words stand among the added lines of a file. After so many searches as anybody reads matches
    the rest stand nowhere: a file of many lines is not read for each of many names."""

    def __init__(self, file: TouchedFile) -> None:
        self.left = _MOST_SEARCHES
        self.lines = [(line, line.text[:LONGEST_LINE].lower()) for line in file.added]

    def find(self, *words: str) -> tuple[int, str]:
        """Number and text of the first line that holds all the words; (0, the first word) without one."""
        self.left -= 1
        lower = [word.lower() for word in words]
        for line, text in self.lines if self.left >= 0 else ():
            if all(word in text for word in lower):
                return line.number, quoted(line.text)
        return 0, quoted(words[0])

    def named(self, name: str) -> tuple[int, str]:
        """A dependency: packages of Python are written with `-`, `_` or `.`, Maven's by parts."""
        spellings = dict.fromkeys(
            (
                name.removesuffix(" (plugin)"),
                name.replace("-", "_"),
                name.replace("-", "."),
                name.rpartition(":")[2],
            )
        )
        found = (self.find(spelling) for spelling in spellings)
        return next((one for one in found if one[0]), (0, quoted(name)))


def _steps(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file, before, after in compared(change):
        places = Places(file)
        for name, new in after.items():
            old = before.get(name)
            if old is not None and old.constraint != new.constraint and not new.source:
                yield from _step(file, places, name, old, new)


def _of(rule: str) -> Find:
    return lambda change, known: (match for match in _steps(change, known) if match.rule == rule)


def _step(file: TouchedFile, places: Places, name: str, old: Asked, new: Asked) -> Iterator[Match]:
    first, second, least = _read(old).line, _read(new).line, _read(new).least
    kind = step(first, second) if first and second else ""
    if not kind or (kind == "zero-minor" and new.dev):
        return
    rule, level, what, clears = _STEPS[kind]
    if kind == "major" and first and least and least[0] <= first[0]:
        level, what = "low", "may now be a new major version beside the old one"
    line, _ = places.named(name)
    said = f"{quoted(name)} {what}: {quoted(old.constraint)} to {quoted(new.constraint)}."
    yield Match(rule, "low" if new.dev else level, said, clears, file.path, line, _evidence(name, old, new))


def _evidence(name: str, old: Asked, new: Asked) -> str:
    return quoted(
        f"{name}: {old.constraint or old.source or '(any)'} -> {new.constraint or new.source or '(any)'}"
    )


def _read(asked: Asked) -> Constraint:
    return constraint(asked.constraint, asked.bare_pins)


def _unpinned(change: ChangeSet, known: Known) -> Iterator[Match]:
    there = {path.lower() for path in (*known.beside, *(file.path for file in change.files))}
    for file, before, after in compared(change):
        if file.name.lower().endswith((".in", "mix.exs")) or not there.isdisjoint(locks_of(file.path)):
            continue
        places = Places(file)
        library = file.name.lower() == "pyproject.toml"
        for name, new in after.items():
            if name not in before and not new.dev and _moves(new):
                line, text = places.named(name)
                said = f"{quoted(name)} is new and may be any version: two builds may differ."
                clears = "Give the version, or for git the whole commit, and commit a lock file"
                yield Match(
                    "dep-unpinned", "low" if library else "medium", said, clears, file.path, line, text
                )


def _moves(asked: Asked) -> bool:
    """Whether the next build may take something else without any change here. A module of Go that stands for
    another one says its version, or is a folder."""
    if asked.source:
        return asked.source.startswith(_GIT) and _COMMIT.search(asked.source) is None
    return _read(asked).free


def _loosened(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file, before, after in compared(change):
        places = Places(file)
        for name, new in after.items():
            old = before.get(name)
            if old is None or new.source or old.source:
                continue
            first, second = _read(old), _read(new)
            if first.line is not None and (second.free or (first.pinned and second.line is None)):
                said = (
                    f"{quoted(name)} was held to {quoted(old.constraint)} and may now be any newer version."
                )
                clears = "Keep an upper bound, or the version itself"
                line, _ = places.named(name)
                shown = _evidence(name, old, new)
                yield Match("dep-pin-removed", "medium", said, clears, file.path, line, shown)


def _redirected(change: ChangeSet, known: Known) -> Iterator[Match]:
    """A lock file in the same change says it better (`dep-source` there)."""
    for file, before, after in compared(change):
        places = Places(file)
        for name, new in after.items():
            old = before.get(name)
            if not new.source or (old is not None and old.source == new.source):
                continue
            clear = new.source.startswith("http:")
            if (old is not None and not old.source) or name.startswith("replace ") or clear:
                plain = name.removeprefix("replace ")
                said = f"{quoted(plain)} no longer comes from the registry but from {quoted(new.source)}."
                clears = "Take a published version; else have the owner of the source confirm it"
                line, text = places.named(plain)
                level: Level = "high" if clear else "medium"
                yield Match("dep-redirected", level, said, clears, file.path, line, text)


rules = (
    RiskRule(
        "dep-major",
        "A dependency takes a new major version",
        "A new major version says itself that it may break what calls it.",
        _SEMVER,
        _of("dep-major"),
        wants,
    ),
    RiskRule(
        "dep-zero-minor",
        "A dependency below 1.0 takes a new minor version",
        "Below 1.0 anything may change at any time.",
        _SEMVER,
        _of("dep-zero-minor"),
        wants,
    ),
    RiskRule(
        "dep-downgrade",
        "A dependency goes back to an older version",
        "Fixes of security and of data loss since then are lost.",
        "OWASP Top 10:2021, A06 Vulnerable and Outdated Components, "
        "https://owasp.org/Top10/A06_2021-Vulnerable_and_Outdated_Components/",
        _of("dep-downgrade"),
        wants,
    ),
    RiskRule(
        "dep-unpinned",
        "A new dependency without a version",
        "What is tested is not what is deployed: the next build may take another version.",
        _PINNING,
        _unpinned,
        wants,
    ),
    RiskRule(
        "dep-pin-removed",
        "A dependency loses its version",
        "The next build takes whatever is newest then.",
        _PINNING,
        _loosened,
        wants,
    ),
    RiskRule(
        "dep-redirected",
        "A dependency no longer comes from the registry",
        "A fork or a file is not what others have checked, and may change without a version.",
        "SLSA, threats: using a compromised dependency, https://slsa.dev/spec/v1.0/threats-overview",
        _redirected,
        wants,
    ),
)
