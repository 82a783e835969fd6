"""What new protocol buffer definitions do to messages and callers of the old ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.api import proto_reader
from core.risk.rules.api.proto_reader import Block, Proto, ProtoField
from core.risk.rules.rule import Level, Match, RiskRule, quoted
from core.risk.rules.touched import left_alone, line_at, once

# Types that are written alike: a reader of one understands the other, if the value fits.
_ALIKE = (
    frozenset(("int32", "uint32", "int64", "uint64", "bool")),
    frozenset(("sint32", "sint64")),
    frozenset(("fixed32", "sfixed32")),
    frozenset(("fixed64", "sfixed64")),
    frozenset(("string", "bytes")),
)
_SCALARS = frozenset().union(*_ALIKE) | {"double", "float"}
_NUMBER_CLEARS = "Give the old field its number back, and the new one a number that was never used"


class _Named(NamedTuple):
    """A block of one of the files, with the file."""

    file: TouchedFile
    block: Block


Blocks = dict[str, _Named]


def wants(path: str) -> bool:
    return path.lower().endswith(".proto")


def _find(change: ChangeSet) -> Iterator[Match]:
    """By full name over all files of the change: what only moves to another file breaks nobody."""
    before: Blocks = {}
    after: Blocks = {}
    for file in change.files:
        if wants(file.path) and file.status != "deleted" and not (file.instead or left_alone(file)):
            old, new = proto_reader.read(file.before), proto_reader.read(file.after)
            if old is None or new is None:
                _add(after, file, new, new)
                continue
            if old.package and old.package != new.package:
                yield _package(file, old, new)
            _add(after, file, new, new)
            _add(before, file, old, new)
    for name, old_one in before.items():
        new_one = after.get(name)
        if new_one is None:
            yield _gone(old_one)
        else:
            yield from _compared(old_one.block, new_one)


def _add(blocks: Blocks, file: TouchedFile, proto: Proto | None, new: Proto | None) -> None:
    """Under the package that the file has now: a renamed package is told once, not for each message."""
    for name, block in (proto.blocks if proto else {}).items():
        package = new.package if new else ""
        blocks[f"{package}.{name}"] = _Named(file, block)


def _package(file: TouchedFile, old: Proto, new: Proto) -> Match:
    said = f"The package {quoted(old.package)} is now {quoted(new.package)}: no caller finds its services."
    clears = "Keep the package, and add the new one beside it in a file of its own"
    return _match("proto-package", "high", said, clears, file, new.package_line, new.package)


def _gone(old: _Named) -> Match:
    kind, name = old.block.kind, quoted(old.block.name)
    said = f"The {kind} {name} is removed: whoever uses it no longer works with this version."
    rule = "proto-rpc" if kind == "service" else "proto-removed"
    clears = "Keep it, marked deprecated, until nobody uses it"
    return Match(rule, "high" if kind == "service" else "medium", said, clears, old.file.path, 0, name)


def _compared(old: Block, new: _Named) -> Iterator[Match]:
    if old.kind != new.block.kind:
        yield _gone(_Named(new.file, old))
    elif old.kind == "service":
        yield from _rpcs(old, new)
    elif old.kind == "enum":
        yield from _values(old, new)
    else:
        yield from _fields(old, new)


def _rpcs(old: Block, new: _Named) -> Iterator[Match]:
    now = {one.name: one for one in new.block.rpcs}
    for was in old.rpcs:
        name = quoted(f"{old.name}.{was.name}")
        one = now.get(was.name)
        if one is None:
            said = f"The call {name} is removed: its callers get UNIMPLEMENTED."
            clears = "Keep it, marked deprecated, until nobody calls it"
            yield Match("proto-rpc", "high", said, clears, new.file.path, 0, name)
        elif (_last(one.takes), _last(one.gives)) != (_last(was.takes), _last(was.gives)):
            said = f"The call {name} takes or answers something else: old callers misread it."
            clears = "Add a call with another name for the new form"
            yield _match("proto-rpc", "high", said, clears, new.file, one.line, name)


def _last(type_name: str) -> str:
    """A type without its package, with `stream ` where it streams."""
    stream = "stream " if type_name.startswith("stream ") else ""
    return stream + type_name.rpartition(".")[2].removeprefix(stream)


def _values(old: Block, new: _Named) -> Iterator[Match]:
    numbers = {one.name: one for one in new.block.fields}
    taken = {one.number for one in new.block.fields}
    for was in old.fields:
        one = numbers.get(was.name)
        name = quoted(f"{old.name}.{was.name}")
        if one is not None and one.number != was.number:
            said = (
                f"{name} was {was.number} and is now {one.number}: stored and sent values mean another one."
            )
            yield _match("proto-enum", "high", said, _NUMBER_CLEARS, new.file, one.line, name)
        elif one is None and was.number not in taken and not new.block.keeps(was.number):
            said = f"The value {name} is removed and its number {was.number} is free to be used again."
            yield _match("proto-enum", "medium", said, _keep(was), new.file, new.block.line, name)


def _fields(old: Block, new: _Named) -> Iterator[Match]:
    by_name = {one.name: one for one in new.block.fields}
    by_number = {one.number: one for one in new.block.fields}
    for was in old.fields:
        same, here = by_name.get(was.name), by_number.get(was.number)
        name = quoted(f"{old.name}.{was.name}")
        if same is not None and same.number != was.number:
            said = f"{name} had number {was.number} and now has {same.number}: old readers find it no more."
            yield _match("proto-number", "high", said, _NUMBER_CLEARS, new.file, same.line, name)
        elif here is not None and here.name != was.name and _clash(was, here):
            said = f"Number {was.number} was {name} and is now {quoted(here.name)}: old data is misread."
            yield _match("proto-number", "high", said, _NUMBER_CLEARS, new.file, here.line, name)
        elif here is not None and here.name == was.name:
            yield from _type(name, was, here, new)
        elif here is None and not new.block.keeps(was.number):
            said = f"The field {name} is removed and its number {was.number} is free to be used again."
            yield _match("proto-removed", "medium", said, _keep(was), new.file, new.block.line, name)


def _type(name: str, was: ProtoField, now: ProtoField, new: _Named) -> Iterator[Match]:
    if _clash(was, now):
        said = f"{name} was {quoted(_shown(was))} and is now {quoted(_shown(now))}: old data is misread."
        clears = "Keep the type, and add a field with a new number for the new one"
        level: Level = "high" if was.type != now.type else "medium"
        yield _match("proto-type", level, said, clears, new.file, now.line, name)


def _shown(field: ProtoField) -> str:
    return f"repeated {field.type}" if field.repeated else field.type


def _clash(was: ProtoField, now: ProtoField) -> bool:
    """Whether one is read wrongly as the other. A name that is no scalar may be an enum, which is written as
    an int32; of two such names only the last part counts, because a package may stand before it."""
    if was.repeated != now.repeated:
        return True
    if was.type in _SCALARS and now.type in _SCALARS:
        return was.type != now.type and not any({was.type, now.type} <= alike for alike in _ALIKE)
    if was.type in _SCALARS or now.type in _SCALARS:
        scalar = was.type if was.type in _SCALARS else now.type
        return scalar not in _ALIKE[0] and scalar != "bytes"
    return was.type.rpartition(".")[2] != now.type.rpartition(".")[2]


def _keep(was: ProtoField) -> str:
    return f"Write `reserved {was.number};` and the name in its place"


def _match(rule: str, level: Level, said: str, clears: str, file: TouchedFile, line: int, name: str) -> Match:
    return Match(rule, level, said, clears, file.path, line, line_at(file.after, line) or quoted(name))


_of = once(_find)
_SOURCE = (
    "Protocol Buffers documentation, Updating A Message Type, https://protobuf.dev/programming-guides/proto3/"
)
_TITLES: Iterable[tuple[str, str, str]] = (
    (
        "proto-number",
        "A field has another number",
        "Messages carry numbers, not names: old ones are misread.",
    ),
    ("proto-type", "A field has a type that is written otherwise", "Old messages are misread or refused."),
    ("proto-removed", "A field or message is removed", "A number used again gives old data a new meaning."),
    ("proto-enum", "An enum's values change", "Stored and sent numbers get another meaning."),
    ("proto-rpc", "A call is removed or changed", "Callers that are not deployed yet fail."),
    ("proto-package", "A package is renamed", "The path of every call has the package in it."),
)
rules = tuple(RiskRule(name, title, why, _SOURCE, _of(name), wants) for name, title, why in _TITLES)
