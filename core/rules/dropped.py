"""What a rule file takes away from the built-in rule that it stands for, perhaps without meaning to.

A file replaces its rule whole: a setting that it leaves out has the program's default, and a map or a list of
named entries holds what the file writes and nothing else. An empty one that is written out is meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from core.rules.loader import rule_in
from core.rules.meaning import fields_of, settings_of
from core.rules.schema import Rule, RuleSet

# The first of them that holds decides: such a list is written whole or not at all.
_LADDERS = frozenset({"conditions"})
_LONGEST = 200


def dropped_advice(builtin: RuleSet, own: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each setting of the built-in rules that a file of `own` (name to text) loses, or of
    which it loses entries, with the line that keeps it."""
    for where, text in own.items():
        rule = rule_in(text, where)
        name = str(getattr(rule, "rule", ""))
        yield from (f"{where}: {name} {said}" for said in _lost(rule, _builtin(builtin, name)))


def _builtin(builtin: RuleSet, name: str) -> Rule:
    rule: Rule = getattr(builtin, name.replace("-", "_"))
    return rule


def _lost(rule: Rule, shipped: Rule) -> Iterator[str]:
    fields = zip(type(rule).model_fields, fields_of(type(rule)), strict=True)
    written = {name for field, (name, _) in fields if field in rule.model_fields_set}
    before = {setting.name: setting.value for setting in settings_of(shipped)}
    for setting in settings_of(rule):
        old, new = before[setting.name], setting.value
        if setting.name not in written and new != old:
            yield _left_out(shipped, setting.name, old, new)
        elif gone := _gone(setting.name, old, new):
            yield (
                f"`{setting.name}` has no {', '.join(gone)}, which the built-in rule has; to keep"
                f" {'it' if len(gone) == 1 else 'them'}, write {'it' if len(gone) == 1 else 'them'} there too"
            )


def _left_out(shipped: Rule, name: str, old: Any, new: Any) -> str:
    now = "empty" if new in ({}, [], None) else _flow(new)
    line = f"{name}: {_flow(old)}"
    if len(line) > _LONGEST:
        rule = getattr(shipped, "rule", "")
        return (
            f"`{name}` is left out and so {now}; to keep the built-in one (`rules explain {rule}`), copy it"
        )
    return f"`{name}` is left out and so {now}; to keep the built-in one, write `{line}`"


def _gone(name: str, old: Any, new: Any) -> list[str]:
    """Entries, by name, that `old` has and `new` has not, where both are maps or lists of named entries."""
    if not new or name in _LADDERS:
        return []
    had, has = _names(old), _names(new)
    return [one for one in had if one not in has]


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [str(key) for key in value]
    if isinstance(value, list):
        return [str(one["name"]) for one in value if isinstance(one, dict) and "name" in one]
    return []


def _flow(value: Any) -> str:
    """As it could be written in the file, on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
