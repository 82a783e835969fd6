"""What a new description of an HTTP API takes from the callers of the old one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from core.risk.change import ChangeSet, TouchedFile
from core.risk.paths import is_test, is_vendored
from core.risk.rules.api.drafts import is_draft, is_unsettled, version_of
from core.risk.rules.api.openapi_spec import load, operations
from core.risk.rules.api.openapi_types import (
    Field,
    Fields,
    Operation,
    Operations,
    parent,
    tighter,
    written,
)
from core.risk.rules.rule import Level, Match, RiskRule, quoted
from core.risk.rules.touched import once, shown

# New operations among which the new name of a removed one is looked for.
_MOST_NEW = 100
_WORDS = ("openapi", "swagger", "api-spec", "api_spec", "apispec")
_ENDS = (".yaml", ".yml", ".json")
# A query that says one value is a list of one: `?sort=a` is read as before.
_SINGLE = frozenset(("string", "integer", "number", "boolean"))
_WIDER_TAKEN = frozenset((("integer", "number"),))
_WIDER_GIVEN = frozenset((("number", "integer"),))
_OF_DRAFT: dict[Level, Level] = {"medium": "low", "high": "low"}
_BELOW_ONE: dict[Level, Level] = {"high": "medium"}
_KEEP = "Keep the old form beside the new one for a release, mark it deprecated, or raise the API's version"


def wants(path: str) -> bool:
    """Descriptions of HTTP APIs, by their names: also under docs/, where many keep them."""
    lower = path.lower()
    return any(word in lower for word in _WORDS) and lower.endswith(_ENDS)


def _counts(file: TouchedFile) -> bool:
    return file.asked or not (is_test(file.path) or is_vendored(file.path))


def _find(change: ChangeSet) -> Iterator[Match]:
    for file in change.files:
        if wants(file.path) and file.status != "deleted" and not file.instead and _counts(file):
            before, after = operations(file.before), operations(file.after)
            if before is not None and after is not None:
                found = _once(_compared(file, before, after), (file.after or "").split("\n"))
                yield from _as_settled(file, found)


def _as_settled(file: TouchedFile, matches: Iterator[Match]) -> Iterator[Match]:
    """A draft, as it was before, is told at the lowest level, and a version below 1.0 one level lower."""
    said = version_of(load(file.before) or {})
    lower = _OF_DRAFT if is_draft(file.path, said) else _BELOW_ONE if is_unsettled(said) else {}
    for match in matches:
        yield msgspec.structs.replace(match, level=lower.get(match.level, match.level))


def _once(matches: Iterable[Match], lines: list[str]) -> Iterator[Match]:
    """With the line as evidence; a schema that many operations share is told once. A line below 0 is one of
    the old text, and stands nowhere now."""
    seen: set[tuple[str, int, str]] = set()
    for match in matches:
        key = (match.rule, match.line, match.evidence)
        if match.line and key in seen:
            continue
        seen.add(key)
        there = 0 < match.line <= len(lines)
        evidence = shown(lines[match.line - 1]) if there else match.evidence
        yield msgspec.structs.replace(match, line=max(match.line, 0), evidence=evidence)


def _compared(file: TouchedFile, before: Operations, after: Operations) -> Iterator[Match]:
    fresh = [after[key].name for key in after if key not in before][:_MOST_NEW]
    for key, old in before.items():
        new = after.get(key)
        if new is None:
            if not old.deprecated and key.partition(" ")[2] not in after.outside:
                yield _removed(file, old, fresh)
            continue
        yield from _security(file, old, new)
        yield from _taken(file, old, new)
        yield from _given(file, old, new)
    yield from _unread(file, before, after)


def _unread(file: TouchedFile, before: Operations, after: Operations) -> Iterator[Match]:
    """One match, at the first operation with a schema that was not read to its end; one for what moved."""
    moved = next((key for key, one in after.items() if one.is_elsewhere and not _elsewhere(before, key)), "")
    if moved or after.outside - before.outside:
        name = after[moved].name if moved else min(after.outside - before.outside)
        said = f"What {quoted(name)} takes or answers is in another file now, and was not compared."
        clears = "Have somebody compare the two descriptions, or check the bundled one"
        line = after[moved].line if moved else 0
        yield _match("api-unread", "low", said, clears, file, line, name)
    cut = next((one for one in after.values() if one.cut), None)
    if cut is not None:
        was = any(one.cut for one in before.values())
        said = (
            f"The schemas of {quoted(cut.name)} are too deep or too large: of what is below nothing is said."
        )
        clears = "Name fewer schemas inside of one another, or have somebody compare the two descriptions"
        level: Level = "low" if was else "medium"
        yield _match("api-unread", level, said, clears, file, cut.line, cut.name)


def _elsewhere(operations: Operations, key: str) -> bool:
    one = operations.get(key)
    return one is None or one.is_elsewhere


def _removed(file: TouchedFile, old: Operation, fresh: list[str]) -> Match:
    method, end = old.name.partition(" ")[0], old.name.rpartition("/")[2]
    instead = [name for name in fresh if name.startswith(f"{method} ") and name.endswith(f"/{end}")]
    hint = f"; {quoted(instead[0])} is new" if len(instead) == 1 else ""
    said = f"{quoted(old.name)} is removed: its callers get 404{hint}."
    clears = "Keep it and mark it `deprecated: true` for a release, or raise the API's version"
    return Match("api-path-removed", "high", said, clears, file.path, 0, quoted(old.name))


def _security(file: TouchedFile, old: Operation, new: Operation) -> Iterator[Match]:
    was_open, is_open = _open(old), _open(new)
    if is_open and not was_open:
        said = f"{quoted(new.name)} no longer asks who calls: anybody may."
        clears = "Give it the `security` that it had, or name in the description why it may be open"
    elif not is_open and (was_open or any(not _let_in(way, new) for way in old.security)):
        said = f"{quoted(new.name)} refuses callers that it let in before: it asks for other credentials."
        clears = "Accept the old way beside the new one until all callers have changed"
    else:
        return
    yield _match("api-security-changed", "high", said, clears, file, new.line, new.name)


def _open(operation: Operation) -> bool:
    return not operation.security or frozenset() in operation.security


def _let_in(way: frozenset[str], new: Operation) -> bool:
    return any(needed <= way for needed in new.security)


def _taken(file: TouchedFile, old: Operation, new: Operation) -> Iterator[Match]:
    rule, where = "api-request-narrowed", quoted(new.name)
    for name, field in new.parameters.items():
        before = old.parameters.get(name)
        if name.startswith("path ") or not field.required or (before is not None and before.required):
            continue
        if "parameters" in old.outside:
            continue
        said = (
            f"{where} now needs the parameter {quoted(name.partition(' ')[2])}: callers without it get 400."
        )
        yield _match(
            rule, "high", said, "Make it optional, with a default", file, field.line or new.line, name
        )
    yield from _narrowed(file, new, old.parameters, new.parameters)
    if new.body_required and not old.body_required and "body" not in old.outside:
        said = f"{where} now needs a body: callers without one get 400."
        yield _match(rule, "high", said, "Leave the body optional", file, new.line, new.name)
    for kind, before_fields in old.body.items():
        if kind not in new.body:
            if "body" in new.outside:
                continue
            said = f"{where} no longer takes {quoted(kind)}: callers that send it get 415."
            yield _match(rule, "high", said, _KEEP, file, new.line, kind)
            continue
        was, now = _as_deep(before_fields, new.body[kind])
        yield from _needed(file, new, was, now)
        yield from _narrowed(file, new, was, now)


def _as_deep(old: Fields, new: Fields) -> tuple[Fields, Fields]:
    """Both to the level down to which both were read."""
    level = min(old.whole, new.whole)
    return old.down_to(level), new.down_to(level)


def _needed(file: TouchedFile, new: Operation, old: Fields, fields: Fields) -> Iterator[Match]:
    for path, field in fields.items():
        before = old.get(path)
        named = bool(path) and not path.endswith("[]") and parent(path) in old
        named = named and parent(path) not in old.outside
        if named and field.required and (before is None or not before.required):
            said = f"{quoted(new.name)} now needs {quoted(path)} in the body: callers without it get 400."
            clears = "Make it optional, with a default"
            line = field.line or new.line
            yield _match("api-request-narrowed", "high", said, clears, file, line, path)


def _narrowed(
    file: TouchedFile, new: Operation, old: dict[str, Field], fields: dict[str, Field]
) -> Iterator[Match]:
    """What the service takes: other types, fewer values, tighter limits."""
    for path, field in fields.items():
        before = old.get(path)
        if isinstance(old, Fields) and path in old.outside:
            continue
        if before is None or (path.startswith("query ") and field.type == "array" and before.type in _SINGLE):
            continue
        yield from _type(file, new, path, before, field, _WIDER_TAKEN)
        line, name = field.line or new.line, quoted(path.rpartition(" ")[2] or "the body")
        lost = before.enum - field.enum if before.enum and field.enum else frozenset()
        if lost:
            said = f"{quoted(new.name)} no longer takes {_few(lost)} for {name}."
            yield _match("api-request-narrowed", "high", said, _KEEP, file, line, path)
        for limit in tighter(before, field):
            said = f"{quoted(new.name)} takes less for {name}: {limit}."
            yield _match("api-request-narrowed", "medium", said, _KEEP, file, line, path)


def _given(file: TouchedFile, old: Operation, new: Operation) -> Iterator[Match]:
    rule, where = "api-response-narrowed", quoted(new.name)
    for code, kinds in old.answers.items():
        if code not in new.answers:
            if code.startswith("2"):
                said = f"{where} no longer answers {quoted(code)}, which its callers wait for."
                yield _match(rule, "high", said, _KEEP, file, new.line, f"{new.name} {code}")
            continue
        for kind, fields in kinds.items():
            if kind in new.answers[code]:
                yield from _lost(file, new, *_as_deep(fields, new.answers[code][kind]))
            elif code.startswith("2") and code not in new.outside:
                said = f"{where} no longer answers with {quoted(kind)}."
                yield _match(rule, "high", said, _KEEP, file, new.line, kind)


def _lost(file: TouchedFile, new: Operation, old: Fields, fields: Fields) -> Iterator[Match]:
    """What one object loses is told at once."""
    gone: dict[str, list[str]] = {}
    for path in old:
        if path and path not in fields and parent(path) in fields.keys() - fields.outside:
            gone.setdefault(parent(path), []).append(path)
    for paths in gone.values():
        said = f"{quoted(new.name)} no longer answers with {_few(paths)}: whoever reads it breaks."
        names = quoted(", ".join(path.rpartition(".")[2] for path in paths))
        line = -old[paths[0]].line
        yield Match("api-response-narrowed", "high", said, _KEEP, file.path, line, names)
    for path, before in old.items():
        field = fields.get(path)
        if field is not None:
            yield from _type(file, new, path, before, field, _WIDER_GIVEN)
            if before.required and not field.required:
                said = f"{quoted(path)} may now be missing from what {quoted(new.name)} answers."
                line = field.line or new.line
                yield _match("api-response-narrowed", "medium", said, _KEEP, file, line, path)


def _type(
    file: TouchedFile, new: Operation, path: str, old: Field, field: Field, wider: frozenset[tuple[str, str]]
) -> Iterator[Match]:
    was, now = written(old), written(field)
    comparable = old.type and field.type and (old.type, field.type) not in wider
    if comparable and (old.type != field.type or (old.format and field.format and was != now)):
        name = quoted(path.rpartition(" ")[2]) or "the body"
        said = f"{name} of {quoted(new.name)} was {quoted(was)} and is now {quoted(now)}."
        level: Level = "high" if old.type != field.type else "medium"
        yield _match("api-type-changed", level, said, _KEEP, file, field.line or new.line, path)


def _few(values: Iterable[str]) -> str:
    names = sorted(values)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(quoted(name) for name in names[:3]) + more


def _match(rule: str, level: Level, said: str, clears: str, file: TouchedFile, line: int, name: str) -> Match:
    return Match(rule, level, said, clears, file.path, line, quoted(name.rpartition(".")[2]))


_of = once(_find)
_SOURCE = "Google API Improvement Proposals, AIP-180: Backwards compatibility, https://google.aip.dev/180"
_TITLES = (
    ("api-path-removed", "An operation of an API is removed", "Its callers fail at once."),
    ("api-request-narrowed", "An API takes less than before", "Requests that worked are refused."),
    ("api-response-narrowed", "An API answers less than before", "Callers read what is no longer there."),
    ("api-type-changed", "A field of an API has another type", "Callers read it as what it was."),
    (
        "api-security-changed",
        "An API lets in others than before",
        "Callers are refused, or anybody is let in.",
    ),
    (
        "api-unread",
        "A description of an API that was not read whole",
        "A rule that saw nothing because it could not look says nothing of the danger.",
    ),
)
rules = tuple(RiskRule(name, title, why, _SOURCE, _of(name), wants) for name, title, why in _TITLES)
