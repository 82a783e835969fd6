"""Runbooks as data: when one fits, what to ask, what to look at, which steps to take. Only people take them.

Texts may hold the slots of SLOTS and no other brace. Whether a runbook fits is decided by its `when` alone,
which reads rules' findings and identity, never a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from core.canonical import canonical_json, sha256_hex
from core.errors import InputError
from core.model.events import ChangeKind
from core.remediation.levels import Action
from core.rules.schema import Symptom
from core.yamltext import Strict, checked, read_yaml

BUILTIN = "builtin@2026-11-21"
SLOTS = ("service", "environment", "cluster", "version", "change", "since")
CHANGE_SLOTS = frozenset({"version", "change"})
MAX_CHARS = 600
SLOT = re.compile(r"\{([a-z]+)\}")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def _text(value: str) -> str:
    """One line, not empty, not endless, with known slots only."""
    text = " ".join(value.split())
    if not text:
        raise ValueError("empty; write a text")
    if len(text) > MAX_CHARS:
        raise ValueError(f"{len(text)} characters, more than {MAX_CHARS}; write it shorter")
    if not text.isprintable():
        raise ValueError("it holds a character that cannot be printed; remove that")
    known = ", ".join(f"{{{slot}}}" for slot in SLOTS)
    for slot in SLOT.findall(text):
        if slot not in SLOTS:
            raise ValueError(f"unknown slot {{{slot}}}; the slots are {known}")
    if set(SLOT.sub("", text)) & set("{}"):
        raise ValueError(f"a brace that belongs to no slot; the slots are {known}")
    return text


def _id(value: str) -> str:
    if len(value) > 64 or not _ID.fullmatch(value):
        raise ValueError("an id has small letters, digits and single hyphens, such as roll-back-deploy")
    return value


Text = Annotated[str, AfterValidator(_text)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1, max_length=20)]
Some = Field(default=None, min_length=1)
# `unknown`: no alert of the service has a name that tells.
UNKNOWN: Literal["unknown"] = "unknown"
Sign = Literal[Symptom, "unknown"]


class When(Strict):
    """Every key that is given must hold; see core/remediation/matching.py for what each one looks at."""

    change: tuple[ChangeKind, ...] | None = Some
    no_change: Literal[True] | None = None
    symptoms: tuple[Sign, ...] | None = Some
    spreads: bool | None = None
    returns: bool | None = None
    services: tuple[str, ...] | None = Some
    environments: tuple[str, ...] | None = Some

    @model_validator(mode="after")
    def _one_of_two(self) -> When:
        if self.change and self.no_change:
            raise ValueError("`change` and `no_change` never hold together; keep one of the two")
        return self


class Step(Strict):
    """`done_when` names a sign that is there, not the absence of one: a dead service reports no errors."""

    text: Text
    action: Action
    done_when: Text


class Runbook(Strict):
    runbook: Annotated[str, AfterValidator(_id)]
    title: Text
    summary: Text
    when: When
    questions: Texts
    evidence: Texts
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _slots_can_be_filled(self) -> Runbook:
        used = {slot for text in self.texts() for slot in SLOT.findall(text)}
        if not self.when.change and used & CHANGE_SLOTS:
            slot = min(used & CHANGE_SLOTS)
            raise ValueError(f"{{{slot}}} needs a change; add `change` to `when`, or remove the slot")
        return self

    def texts(self) -> tuple[str, ...]:
        """Every text with slots, in the order in which people read them."""
        steps = (text for step in self.steps for text in (step.text, step.done_when))
        return (self.title, self.summary, *self.questions, *self.evidence, *steps)

    def digest(self) -> str:
        """The hash of what it says, however the file is written."""
        return sha256_hex(canonical_json(self.model_dump(mode="json")))


class Runbooks(Strict):
    """The runbooks in force, by id, and the texts that they came from. `Runbooks()` holds none."""

    bundle: str = ""
    texts: dict[str, str] = {}
    runbooks: tuple[Runbook, ...] = ()

    def with_environments(self, name: Callable[[str], str]) -> Runbooks:
        """The same, with environments by their one name, as alerts have it."""
        if not any(one.when.environments for one in self.runbooks):
            return self
        return self.model_copy(update={"runbooks": tuple(_placed(one, name) for one in self.runbooks)})


def _placed(runbook: Runbook, name: Callable[[str], str]) -> Runbook:
    if not runbook.when.environments:
        return runbook
    named = tuple(dict.fromkeys(name(one) for one in runbook.when.environments))
    return runbook.model_copy(update={"when": runbook.when.model_copy(update={"environments": named})})


def parse_runbooks(texts: Mapping[str, str], *, bundle: str = BUILTIN) -> Runbooks:
    """The runbooks in `texts` (file name to YAML). Raises InputError naming file, key and mend."""
    return _parse(tuple(sorted(texts.items())), bundle)


@lru_cache(maxsize=4)
def _parse(items: tuple[tuple[str, str], ...], bundle: str) -> Runbooks:
    found: dict[str, Runbook] = {}
    origin: dict[str, str] = {}
    for name, text in items:
        runbook = parse_runbook(text, name)
        if runbook.runbook in found:
            raise _twice(runbook.runbook, origin[runbook.runbook], name)
        found[runbook.runbook], origin[runbook.runbook] = runbook, name
    if not found:
        raise InputError("no runbooks in it", where=bundle, mend="Add files ending in .yaml")
    ordered = tuple(found[key] for key in sorted(found))
    return Runbooks(bundle=bundle, texts=dict(items), runbooks=ordered)


def parse_runbook(text: str, where: str) -> Runbook:
    """One file's runbook. Raises InputError naming file, key and mend."""
    return checked(Runbook, read_yaml(text, InputError, where), InputError, where)


def overlay(base: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """`base` with each file of `own` in the place of the base file that defines the same runbook; the others
    are added. Raises InputError for two files of one id, or for a file that only has a base file's name."""
    mine: dict[str, str] = {}
    for name, text in own.items():
        key = parse_runbook(text, name).runbook
        if key in mine:
            raise _twice(key, mine[key], name)
        mine[key] = name
    kept = {name: text for name, text in base.items() if parse_runbook(text, name).runbook not in mine}
    for name in own:
        if name.rpartition("/")[2] in kept:
            mend = "Give it another name, or the built-in's `runbook:` id to replace that"
            raise InputError("a built-in runbook's file has this name", where=name, mend=mend)
    return {**kept, **own}


def _twice(key: str, first: str, second: str) -> InputError:
    mend = "Keep one of the two"
    return InputError(f"runbook {key!r} is already defined in {first}", where=second, mend=mend)
