"""JSON Schemas and AsyncAPI: data and channels that others rely on, and that a new form takes from them.

Who writes and who reads is not said in them: only what hurts one of both counts. References inside the file
are followed.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.paths import is_test, is_vendored
from core.risk.rules.api.drafts import is_draft, version_of
from core.risk.rules.api.openapi_spec import Reader, document_of
from core.risk.rules.rule import Level, Match, RiskRule, quoted
from core.risk.rules.touched import finder, gone, line_at, place_of, rules_of, shown
from core.risk.rules.yamldocs import line_of

_SCHEMA = finder(
    r"(?:[._-]schema\.(?:json|ya?ml)|(?:^|/)(?:json-?)?schemas?/.{1,200}\.json|(?:^|/)(?:contracts|events)/.{1,200}\.json)$"
)
# Schemas of what a program is set up with, which goes out together with it, and of answers of a model.
_OF_ITS_OWN = finder(
    r"(?:^|[^a-z])(?:config(?:uration)?|settings?|values|options|preferences|package|tsconfig|composer|renovate|eslint"
    r"|prettier|vscode|editor|plugin|theme|form|ui|tools?|functions?|prompts?|openapi|swagger)(?:[^a-z]|$)"
)
_ASYNC = finder(r"(?:^|/)[\w./-]{0,200}async[_-]?api[\w./-]{0,100}\.(?:ya?ml|json)$")
_PARAMETER = re.compile(r"\{[^{}]*\}")
_DEEPEST, _MOST, _MOST_TOLD = 8, 2_000, 100
_WIDER = frozenset((("integer", "number"), ("number", "integer")))
_KEEP = "Keep the old form beside the new one, or give the new form a version and a file of its own"


class _Object(NamedTuple):
    """`closed`: it takes no other properties. `values`: of each property, what it may be."""

    needs: frozenset[str]
    properties: dict[str, dict[str, Any]]
    closed: bool
    line: int
    lines: dict[str, int]


def wanted(path: str) -> bool:
    tail = path[-400:]
    if _ASYNC(tail):
        return True
    return _SCHEMA(tail) is not None and not _OF_ITS_OWN("/".join(tail.split("/")[-2:]))


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in change.files:
        if not wanted(file.path) or file.status == "deleted" or file.instead:
            continue
        if not file.asked and (is_test(file.path) or is_vendored(file.path) or is_draft(file.path)):
            continue
        before, after = document_of(file.before), document_of(file.after)
        if before is None or after is None:
            continue
        if "asyncapi" in before and "asyncapi" in after:
            yield from islice(_channels(file, before, after), _MOST_TOLD)
        elif _is_schema(before) and _is_schema(after):
            where = file.path.rpartition("/")[2]
            yield from islice(_compared(file, where, (before, before), (after, after)), _MOST_TOLD)


def _is_schema(document: dict[str, Any]) -> bool:
    said = document.get("$schema")
    known = isinstance(said, str) and "json-schema.org" in said
    return known or (isinstance(document.get("properties"), dict) and document.get("type") == "object")


def _channels(file: TouchedFile, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Match]:
    was, now = _by_address(before), _by_address(after)
    fresh = [name for key, (name, _) in now.items() if key not in was]
    draft = is_draft(file.path, version_of(before))
    for key, (name, channel) in was.items():
        if key not in now:
            if channel.get("deprecated") is not True and channel.get("x-deprecated") is not True:
                hint = f"; {quoted(fresh[0])} is new" if len(fresh) == 1 else ""
                said = f"The channel {quoted(name)} is gone: who listens there hears nothing{hint}."
                level: Level = "low" if draft else "high"
                yield _lost(file, "asyncapi-channel-removed", level, said, name)
            continue
        if str(before["asyncapi"])[:1] == str(after["asyncapi"])[:1] and not draft:
            for kind, payload in _messages(before, channel).items():
                new = _messages(after, now[key][1]).get(kind)
                if new is not None:
                    where = f"a message of {name}"
                    yield from _compared(file, where, (before, payload), (after, new))


def _by_address(document: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Channels by where they are, the names of parameters left out; since version 3 a key is only a name."""
    channels, reader = document.get("channels"), Reader(document)
    found = {}
    for key, written in channels.items() if isinstance(channels, dict) else ():
        channel = reader.resolve(written)
        said = channel.get("address")
        name = said if isinstance(said, str) else str(key)
        found[_PARAMETER.sub("{}", name)] = (name, channel)
    return found


def _messages(document: dict[str, Any], channel: dict[str, Any]) -> dict[str, Any]:
    """The payloads of a channel by the names of their messages."""
    reader = Reader(document)
    rows: list[tuple[str, Any]] = []
    if isinstance(channel.get("messages"), dict):
        rows = list(channel["messages"].items())
    for way in ("publish", "subscribe"):
        message = reader.resolve(channel.get(way)).get("message")
        several = reader.resolve(message).get("oneOf")
        for number, one in enumerate(several if isinstance(several, list) else [message]):
            rows.append((f"{way} {reader.resolve(one).get('name', number)}", one))
    payloads = {name: reader.resolve(one).get("payload") for name, one in rows[:200]}
    return {name: payload for name, payload in payloads.items() if isinstance(payload, dict)}


def _compared(
    file: TouchedFile, where: str, old: tuple[dict[str, Any], Any], new: tuple[dict[str, Any], Any]
) -> Iterator[Match]:
    was, now = _objects(*old), _objects(*new)
    for path, before in was.items():
        after = now.get(path)
        if after is None:
            continue
        within = quoted(f"{path} of {where}" if path else where)
        for name in sorted(after.needs - before.needs):
            said = f"{within} now needs {quoted(name)}: data without it is refused."
            yield _placed(file, said, after.line or after.lines.get(name, 0), name)
        if after.closed and not before.closed:
            said = f"{within} takes no other properties any more: data that has some is refused."
            yield _placed(
                file, said, after.lines.get("additionalProperties", after.line), "additionalProperties"
            )
        gone_ones = [
            name
            for name, field in before.properties.items()
            if name not in after.properties and field.get("deprecated") is not True
        ]
        if gone_ones:
            more = f" and {len(gone_ones) - 1} more" if len(gone_ones) > 1 else ""
            said = f"{within} no longer has {quoted(gone_ones[0])}{more}: who reads it misses it."
            yield _lost(file, "schema-narrowed", "medium", said, gone_ones[0])
        for name, field in after.properties.items():
            yield from _other(file, within, name, before.properties.get(name), field, after)


def _other(
    file: TouchedFile,
    within: str,
    name: str,
    old: dict[str, Any] | None,
    new: dict[str, Any],
    holder: _Object,
) -> Iterator[Match]:
    """Another type, or values that are taken no more."""
    if old is None:
        return
    line = holder.lines.get(name, holder.line)
    was, now = old.get("type"), new.get("type")
    if isinstance(was, str) and isinstance(now, str) and was != now and (was, now) not in _WIDER:
        said = f"{quoted(name)} of {within} was {quoted(was)} and is now {quoted(now)}."
        yield _placed(file, said, line, name)
    before, after = old.get("enum"), new.get("enum")
    if isinstance(before, list) and isinstance(after, list):
        lost = [str(one) for one in before if one not in after]
        if lost:
            said = f"{quoted(name)} of {within} may no longer be {quoted(lost[0])}."
            yield _placed(file, said, line, name)


def _objects(document: dict[str, Any], schema: Any) -> dict[str, _Object]:
    """Every object below a schema, by its path; what names itself is not opened again."""
    reader, found = Reader(document), dict[str, _Object]()
    waiting: deque[tuple[str, Any, int, tuple[dict[str, Any], ...]]] = deque([("", schema, 0, ())])
    while waiting and len(found) < _MOST:
        path, written, depth, above = waiting.popleft()
        raw = reader.resolve(written)
        if depth > _DEEPEST or any(raw is other for other in above):
            continue
        one = reader.merged(raw)
        below, inside = one.get("properties"), (*above, raw)
        if isinstance(below, dict):
            properties = {str(name): reader.resolve(field) for name, field in below.items()}
            lines = {str(name): line_of(below, name) for name in below}
            lines["additionalProperties"] = line_of(raw, "additionalProperties")
            needs = one.get("required")
            found[path] = _Object(
                frozenset(map(str, needs)) if isinstance(needs, list) else frozenset(),
                properties,
                one.get("additionalProperties") is False or one.get("unevaluatedProperties") is False,
                line_of(raw, "required"),
                lines,
            )
            for name, field in below.items():
                waiting.append((f"{path}.{name}" if path else str(name), field, depth + 1, inside))
        if isinstance(one.get("items"), dict):
            waiting.append((f"{path}[]", one["items"], depth + 1, inside))
    return found


def _placed(file: TouchedFile, said: str, line: int, name: str) -> Match:
    evidence = line_at(file.after, line) or quoted(name)
    return Match("schema-narrowed", "medium", shown(said), _KEEP, file.path, line, evidence)


def _lost(file: TouchedFile, rule: str, level: Level, said: str, name: str) -> Match:
    """With the line that is gone, where it names it."""
    line = next((one for one in gone(file) if name in one.text), None)
    place, evidence = (place_of(file, line.number), shown(line.text)) if line else (0, quoted(name))
    return Match(rule, level, shown(said), _KEEP, file.path, place, evidence)


_rule = rules_of(_matches, wanted)


rules: tuple[RiskRule, ...] = (
    _rule(
        "schema-narrowed",
        "Data that others send or read has another form",
        "Writers and readers are never changed all at once: one of them fails on what the other knows.",
        "Confluent, Schema evolution and compatibility: "
        "https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html",
    ),
    _rule(
        "asyncapi-channel-removed",
        "A channel is removed or renamed",
        "Nothing fails: listeners simply hear nothing more, and what is sent is read by nobody.",
        "AsyncAPI, Specification, Channels object: "
        "https://www.asyncapi.com/docs/reference/specification/v3.0.0#channelsObject",
    ),
)
