"""Rule texts to a RuleSet. Reading the files is the caller's business; this is pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from core.errors import RuleError
from core.rules.schema import ADDED_LATER, RULES, Rule, RuleSet
from core.yamlmarks import meant, placed
from core.yamltext import checked, problems, read_yaml

# Those that ship, by date; the newest holds where nothing else is said.
BUNDLES = ("builtin@2026-11-21",)
BUILTIN = BUNDLES[-1]
# What RuleSet says of several rules begins with the rule and the key to look at.
_ABOUT = re.compile(r"([a-z-]+) `([a-z_]+)`")


def parse_rules(texts: Mapping[str, str], *, bundle: str = BUILTIN) -> RuleSet:
    """The RuleSet in `texts` (file name to YAML). Raises RuleError naming file, line, key and mend."""
    return _parse(tuple(sorted(texts.items())), bundle)


@lru_cache(maxsize=8)
def _parse(items: tuple[tuple[str, str], ...], bundle: str) -> RuleSet:
    texts = dict(items)
    found: dict[str, Rule] = {}
    origin: dict[str, str] = {}
    for name, text in items:
        key, data = _read(text, name)
        if key in found:
            raise _twice(key, origin[key], text, name)
        found[key], origin[key] = checked(RULES[key], data, RuleError, name), name
    missing = sorted(set(RULES) - ADDED_LATER - set(found))
    if missing:
        raise RuleError(f"rule {missing[0]!r} is missing", where=bundle, mend="Restore its file")
    fields: dict[str, Any] = {key.replace("-", "_"): rule for key, rule in found.items()}
    try:
        return checked(RuleSet, {"bundle": bundle, "texts": texts, **fields}, RuleError, "rules")
    except RuleError as error:
        raise _in_its_file(error, texts, origin) from None


def rule_in(text: str, where: str) -> Rule:
    """One file's rule. Raises RuleError naming file, line, key and mend."""
    name, data = _read(text, where)
    return checked(RULES[name], data, RuleError, where)


def rule_problems(base: Mapping[str, str], own: Mapping[str, str]) -> list[RuleError]:
    """Every fault of the operator's files `own`, file by file; when there is none, the first of what they
    come to over `base`."""
    found: list[RuleError] = []
    origin: dict[str, str] = {}
    for where, text in own.items():
        try:
            name, data = _read(text, where)
        except RuleError as error:
            found.append(error)
            continue
        if name in origin:
            found.append(_twice(name, origin[name], text, where))
        origin[name] = where
        found += problems(RULES[name], data, RuleError, where)
    return found or _together(base, own)


def overlay(base: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """`base` with each file of `own` in the place of the base file that defines the same rule.

    Raises RuleError for two files of one rule, or for a file that only has a base file's name.
    """
    mine: dict[str, str] = {}
    for where, text in own.items():
        name, _ = _read(text, where)
        if name in mine:
            raise _twice(name, mine[name], text, where)
        mine[name] = where
    kept = {name: text for name, text in base.items() if _read(text, name)[0] not in mine}
    for where in own:
        if where.rpartition("/")[2] in kept:
            mend = "Give it another name, or the `rule:` of that file to replace it"
            raise RuleError("a built-in file of another rule has this name", where=where, mend=mend)
    return {**kept, **own}


def _together(base: Mapping[str, str], own: Mapping[str, str]) -> list[RuleError]:
    try:
        parse_rules(overlay(base, own))
    except RuleError as error:
        return [error]
    return []


def _read(text: str, where: str) -> tuple[str, dict[str, Any]]:
    """The name of the rule and the values of its file. Raises RuleError."""
    data = read_yaml(text, RuleError, where)
    name = data.get("rule") if isinstance(data, dict) else None
    if isinstance(data, dict) and isinstance(name, str) and name in RULES:
        return name, data
    guess = meant(str(name), RULES)
    mend = f"Begin the file with `rule:` and one of {', '.join(sorted(RULES))}"
    if guess:
        mend = f"Did you mean `rule: {guess}`?"
    raise RuleError(f"unknown rule {name!r}", where=placed(text, where, "rule"), mend=mend)


def _twice(name: str, first: str, text: str, where: str) -> RuleError:
    what = f"rule {name!r} is already defined in {first}"
    return RuleError(what, where=placed(text, where, "rule"), mend="Keep one of the two")


def _in_its_file(error: RuleError, texts: Mapping[str, str], origin: Mapping[str, str]) -> RuleError:
    """A fault between rules, placed at the key that it names first; as it is when it names none."""
    about = _ABOUT.match(error.what)
    file = origin.get(about[1]) if about else None
    if about is None or file is None:
        return error
    return RuleError(error.what, where=placed(texts[file], file, about[2]), mend=error.mend)
