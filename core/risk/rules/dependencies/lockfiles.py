"""What a lock file says now: other places that packages come from, other contents, steps nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.beside import LOCKS, locks_of
from core.risk.change import ChangeSet, TouchedFile
from core.risk.known import Known
from core.risk.rules.dependencies import locks
from core.risk.rules.dependencies import manifests as dep_manifests
from core.risk.rules.dependencies.declared import Places, compared, counts, wants
from core.risk.rules.dependencies.locks import Lock
from core.risk.rules.dependencies.versions import Version, step, version
from core.risk.rules.rule import Match, RiskRule, quoted

# Packages that move from one place to another in one change: from here on it is a new registry, told once.
_MOVE = 5
# Who answers when no registry is named: the last two parts of the host.
_DEFAULT = frozenset({("npmjs", "org"), ("yarnpkg", "com")})
_NAMED = 5
_TRUST = "Have somebody who knows that source confirm it, or take the package from where it came before"


def _pairs(change: ChangeSet) -> Iterator[tuple[TouchedFile, Lock, Lock]]:
    for file in change.files:
        if locks.is_lock(file.path) and counts(file) and file.status not in ("added", "deleted"):
            before = locks.read(file.old_path or file.path, file.before)
            after = locks.read(file.path, file.after)
            if before is not None and after is not None:
                yield file, before, after


def _sources(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file, before, after in _pairs(change):
        known_places = {one.source for rows in before.values() for one in rows}
        moved: dict[tuple[str, str], list[str]] = {}
        for name, rows in after.items():
            old = {one.source for one in before.get(name, ())}
            for new in dict.fromkeys(one.source for one in rows):
                if _plain(new) and any(map(_plain, old)):
                    continue
                if (old and new not in old) or (not old and before and new not in known_places):
                    moved.setdefault((min(old, default=""), new), []).append(name)
        places = Places(file)
        for (old_place, new_place), names in moved.items():
            yield from _moved(file, places, old_place, new_place, names, bool(before.keys() & set(names)))


def _moved(
    file: TouchedFile, places: Places, old: str, new: str, names: list[str], there: bool
) -> Iterator[Match]:
    where, came = quoted(new) or "the default registry", quoted(old) or "the default registry"
    if len(names) >= _MOVE:
        said = f"{len(names)} packages come from {where}, from which they did not come before."
        line, text = places.find(_host(new))
        yield Match("dep-source", "medium", said, _TRUST, file.path, line, text)
        return
    for name in names:
        before = f"came from {came} before" if there else "is new, and nothing else comes from there"
        line, text = places.find(_host(new), name.rpartition("/")[2])
        if not line:
            line, text = places.find(_host(new))
        said = f"{quoted(name)} comes from {where}; it {before}."
        yield Match("dep-source", "high", said, _TRUST, file.path, line, text)


def _plain(place: str) -> bool:
    """The registry that is asked when none is named: tools write it out at one time and not at another."""
    first, *owner = place.split(".")
    return not place or (first == "registry" and tuple(owner) in _DEFAULT)


def _host(place: str) -> str:
    """What of a source stands in the file as it is."""
    return place.rpartition(" ")[2]


def _contents(change: ChangeSet, known: Known) -> Iterator[Match]:
    for file, before, after in _pairs(change):
        places = Places(file)
        for name, rows in after.items():
            hashes = {(one.version, _kind(one.hash)): one.hash for one in before.get(name, ()) if one.hash}
            for one in rows:
                old = hashes.get((one.version, _kind(one.hash)))
                if old is not None and one.hash and old != one.hash:
                    line, text = places.find(one.hash)
                    said = f"{quoted(name)} has the same version as before and another content."
                    clears = "Fetch it anew from its registry and compare; a published version never changes"
                    yield Match("dep-content", "high", said, clears, file.path, line, text)


def _kind(said: str) -> str:
    """`sha512` of `sha512-...`, `h1` of `h1:...`; "" where a hash does not name its kind."""
    return said.replace(":", "-").partition("-")[0] if "-" in said or ":" in said else ""


def _lock_only(change: ChangeSet, known: Known) -> Iterator[Match]:
    touched = [file.path for file in change.files if dep_manifests.reader_of(file.path) is not None]
    explained = {lock for path in touched for lock in locks_of(path)}
    for file, before, after in _pairs(change):
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if names and file.path.lower() not in explained:
            line = file.added[0].number if file.added else 0
            said = f"The lock file changes {_listed(names)} and no manifest asks for it."
            clears = "Say in the description what made the change, or change the manifest with it"
            yield Match("dep-lock-only", "low", said, clears, file.path, line, quoted(", ".join(names[:50])))


def _lock_missing(change: ChangeSet, known: Known) -> Iterator[Match]:
    here = {path.lower() for path in known.beside}
    touched = {file.path.lower() for file in change.files}
    for file, before, after in compared(change):
        if file.name.lower() not in LOCKS or before == after:
            continue
        there = [lock for lock in locks_of(file.path) if lock in here]
        if there and touched.isdisjoint(locks_of(file.path)):
            name = next((one for one in after if before.get(one) != after[one]), "")
            line, text = Places(file).find(name) if name else (0, "")
            said = f"The manifest changes and {quoted(there[0])} does not: builds fail, or take what it says."
            clears = f"Write {quoted(there[0])} anew with the package manager and commit it"
            yield Match("dep-lock-missing", "medium", said, clears, file.path, line, text)


def _lock_majors(change: ChangeSet, known: Known) -> Iterator[Match]:
    asked = {name for _, before, after in compared(change) for name in before.keys() | after.keys()}
    for file, before, after in _pairs(change):
        rows = [(name, _newest(before, name), _newest(after, name)) for name in after if name not in asked]
        steps = [(name, old, new) for name, old, new in rows if old and new and step(old, new) == "major"]
        if steps and not file.name.lower().startswith("go."):
            names = [f"{name} {_dotted(old)} to {_dotted(new)}" for name, old, new in steps]
            line, _ = Places(file).find(steps[0][0])
            said = f"By the lock file alone {_listed(names)} go up a major version."
            clears = "Check the breaking changes of each, or hold them back"
            evidence = quoted("; ".join(names[:20]))
            yield Match("dep-lock-major", "low", said, clears, file.path, line, evidence)


def _newest(lock: Lock, name: str) -> Version | None:
    return max((read for one in lock.get(name, ()) if (read := version(one.version))), default=None)


def _dotted(numbers: Version) -> str:
    return ".".join(map(str, numbers))


def _listed(names: list[str]) -> str:
    shown = ", ".join(quoted(name) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


_SLSA = "SLSA, threats: using a compromised dependency, https://slsa.dev/spec/v1.0/threats-overview"
_LOCKING = (
    "npm documentation, npm ci, https://github.com/npm/cli/blob/latest/docs/lib/content/commands/npm-ci.md"
)

rules = (
    RiskRule(
        "dep-source",
        "A package comes from elsewhere than before",
        "A lock file is seldom read line by line: this is how a foreign package gets in.",
        "Snyk, Why npm lockfiles can be a security blindspot for injecting malicious modules, "
        "https://snyk.io/blog/why-npm-lockfiles-can-be-a-security-blindspot-for-injecting-malicious-modules/",
        _sources,
        wants,
    ),
    RiskRule(
        "dep-content",
        "The same version of a package has another content",
        "A registry never changes a published version: somebody else's content is installed.",
        _SLSA,
        _contents,
        wants,
    ),
    RiskRule(
        "dep-lock-only",
        "A lock file changes without its manifest",
        "Versions change that nobody asked for by name.",
        _LOCKING,
        _lock_only,
        wants,
    ),
    RiskRule(
        "dep-lock-missing",
        "A manifest changes without its lock file",
        "A strict installation fails at the deployment; a lenient one installs what nobody tested.",
        _LOCKING,
        _lock_missing,
        wants,
    ),
    RiskRule(
        "dep-lock-major",
        "Major steps hidden in a lock file",
        "A package that is needed by another may break it as much as one that is asked for.",
        "Semantic Versioning 2.0.0, item 8, https://semver.org/",
        _lock_majors,
        wants,
    ),
)
