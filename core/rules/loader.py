"""Rule texts to a RuleSet. Reading the files is the caller's business; this is pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from core.errors import RuleError
from core.rules.schema import ADDED_LATER, RULES, Rule, RuleSet
from core.yamltext import checked, read_yaml

BUILTIN = "builtin@2026-11-21"


def parse_rules(texts: Mapping[str, str], *, bundle: str = BUILTIN) -> RuleSet:
    """The RuleSet in `texts` (file name to YAML). Raises RuleError naming file, key and mend."""
    return _parse(tuple(sorted(texts.items())), bundle)


@lru_cache(maxsize=4)
def _parse(items: tuple[tuple[str, str], ...], bundle: str) -> RuleSet:
    texts = dict(items)
    found: dict[str, Rule] = {}
    origin: dict[str, str] = {}
    for name in texts:
        rule = _parse_one(texts[name], name)
        key = getattr(rule, "rule", "")
        if key in found:
            raise RuleError(
                f"rule {key!r} is already defined in {origin[key]}", where=name, mend="Keep one of the two"
            )
        found[key], origin[key] = rule, name
    missing = sorted(set(RULES) - ADDED_LATER - set(found))
    if missing:
        raise RuleError(f"rule {missing[0]!r} is missing", where=bundle, mend="Restore its file")
    fields: dict[str, Any] = {key.replace("-", "_"): rule for key, rule in found.items()}
    return checked(RuleSet, {"bundle": bundle, "texts": dict(texts), **fields}, RuleError, "rules")


def overlay(base: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """`base` with each file of `own` in the place of the base file that defines the same rule."""
    replaced = {_rule_name(text, name) for name, text in own.items()}
    kept = {name: text for name, text in base.items() if _rule_name(text, name) not in replaced}
    return {**kept, **own}


def _rule_name(text: str, where: str) -> str:
    data = read_yaml(text, RuleError, where)
    name = data.get("rule") if isinstance(data, dict) else None
    if name not in RULES:
        known = ", ".join(RULES)
        raise RuleError(
            f"unknown rule {name!r}", where=where, mend=f"Begin the file with `rule:` and one of {known}"
        )
    return str(name)


def _parse_one(text: str, where: str) -> Rule:
    name = _rule_name(text, where)
    return checked(RULES[name], read_yaml(text, RuleError, where), RuleError, where)
