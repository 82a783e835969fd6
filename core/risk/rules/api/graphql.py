"""What a new schema of GraphQL does to clients of the old one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.api.graphql_reader import Field, Type, read
from core.risk.rules.rule import Level, Match, RiskRule, quoted
from core.risk.rules.touched import ending, judged, line_at, place_of, rules_of

wanted = ending(".graphql", ".graphqls", ".gql")
_KEEP = "Keep it, marked @deprecated, until no client asks for it"
_ARGUMENT_CLEARS = "Let it be left out, or give it a default"


class _Named(NamedTuple):
    file: TouchedFile
    type: Type


Types = dict[str, list[_Named]]


def _find(change: ChangeSet) -> Iterator[Match]:
    """By name over all files of the change: what only moves to another file breaks nobody."""
    before: Types = {}
    after: Types = {}
    for file in judged(change, wanted):
        for text, side in ((file.before, before), (file.after, after)):
            for name, found in (read(text) or {}).items():
                side.setdefault(name, []).append(_Named(file, found))
    for name, olds in before.items():
        news = after.get(name, [])
        if not news:
            if any(one.type.fields or one.type.members or one.type.kind == "scalar" for one in olds):
                what = (
                    f"The {olds[0].type.kind} {quoted(name)} is removed: whoever asks for it gets an error."
                )
                yield _gone(olds[0].file, "high", what, olds[0].type.line)
            continue
        now = {key: (one.file, field) for one in news for key, field in one.type.fields.items()}
        for old in olds:
            yield from _fields(name, old, now)
            members = {member for one in news for member in one.type.members}
            for member in sorted(old.type.members - members):
                what = (
                    f"{quoted(name)} has nothing of {quoted(member)} any more: what clients ask of it fails."
                )
                yield _gone(old.file, "medium", what, old.type.line)
        yield from _new_inputs(name, olds, news)


def _fields(name: str, old: _Named, now: dict[str, tuple[TouchedFile, Field]]) -> Iterator[Match]:
    for key, was in old.type.fields.items():
        said = quoted(f"{name}.{key}")
        if key not in now:
            level: Level = "medium" if was.deprecated else "high"
            yield _gone(old.file, level, f"{said} is removed: whoever asks for it gets an error.", was.line)
            continue
        file, field = now[key]
        if field.type != was.type:
            yield from _type(file, said, old.type.kind == "input", was, field)
        yield from _arguments(file, old.file, said, was, field)


def _type(file: TouchedFile, said: str, taken: bool, was: Field, now: Field) -> Iterator[Match]:
    """Of what is given, less may be empty; of what is taken, more may be."""
    from_type, to_type = quoted(was.type), quoted(now.type)
    if _bare(was.type) != _bare(now.type):
        what = f"{said} goes from {from_type} to {to_type}: clients misread it."
        level: Level = "high"
    elif taken and now.type.count("!") > was.type.count("!") and not now.default:
        yield _required(file, said, now.line)
        return
    elif not taken and now.type.count("!") < was.type.count("!"):
        what = f"{said} goes from {from_type} to {to_type}: clients meet nothing where there was something."
        level = "medium"
    else:
        return
    clears = "Add a field with another name for the new form, and keep the old one until nobody asks for it"
    yield Match(
        "graphql-type-changed", level, what, clears, file.path, now.line, line_at(file.after, now.line)
    )


def _bare(written: str) -> str:
    return written.replace("!", "")


def _arguments(
    file: TouchedFile, old_file: TouchedFile, said: str, was: Field, now: Field
) -> Iterator[Match]:
    for name, old in was.arguments.items():
        new = now.arguments.get(name)
        one = quoted(f"{said}({name})")
        if new is None:
            what = f"The argument {one} is removed: whoever gives it gets an error."
            yield _gone(old_file, "high", what, old.line)
        elif _bare(new.type) != _bare(old.type):
            what = f"The argument {one} goes from {quoted(old.type)} to {quoted(new.type)}."
            clears = "Add an argument with another name for the new form"
            evidence = line_at(file.after, new.line)
            yield Match("graphql-type-changed", "high", what, clears, file.path, new.line, evidence)
        elif new.type.count("!") > old.type.count("!") and not new.default:
            yield _required(file, one, new.line)
    for name, new in now.arguments.items():
        if name not in was.arguments and new.required:
            yield _required(file, quoted(f"{said}({name})"), new.line)


def _new_inputs(name: str, olds: list[_Named], news: list[_Named]) -> Iterator[Match]:
    known = {key for one in olds for key in one.type.fields}
    for one in news:
        for key, field in one.type.fields.items() if one.type.kind == "input" else ():
            if key not in known and field.type.endswith("!") and not field.default:
                yield _required(one.file, quoted(f"{name}.{key}"), field.line)


def _required(file: TouchedFile, said: str, line: int) -> Match:
    what = f"{said} has to be given from now on: calls without it fail."
    return Match(
        "graphql-required", "high", what, _ARGUMENT_CLEARS, file.path, line, line_at(file.after, line)
    )


def _gone(file: TouchedFile, level: Level, what: str, line: int) -> Match:
    """Of what stood at this line of the old file."""
    evidence = line_at(file.before, line)
    return Match("graphql-removed", level, what, _KEEP, file.path, place_of(file, line), evidence)


_SPEC = "GraphQL, Schema design, versioning: https://graphql.org/learn/schema-design/#versioning"
_rule = rules_of(_find, wanted, _SPEC)

rules: tuple[RiskRule, ...] = (
    _rule(
        "graphql-removed",
        "Something of a GraphQL schema is removed",
        "A query that names what is not there fails as a whole.",
    ),
    _rule(
        "graphql-required",
        "A GraphQL argument has to be given",
        "Clients that are out there do not give it, and cannot be changed with the server.",
    ),
    _rule(
        "graphql-type-changed",
        "A GraphQL field has another type",
        "Clients were made for the old type, often by a generator.",
    ),
)
