"""What `rules list` and `rules explain` show. Reads files only.

A fault in the operator's directory is the same error that would stop the server: file, line, key, mend.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import typer
import yaml

from core.errors import NotFound
from core.narrative.plain import one_line
from core.rules.loader import rule_in
from core.rules.meaning import Key, Setting, settings_of
from core.rules.schema import RULES, Rule
from core.yamlmarks import meant
from watchkeeper.cli.output import print_json
from watchkeeper.files import builtin_rules, rules_content
from watchkeeper.settings import load_settings

Origin = Literal["built-in", "yours"]
_WIDTH = 96


class Row(NamedTuple):
    """A rule in force, its name and file, whose it is, and the built-in one in whose place it stands."""

    name: str
    rule: Rule
    file: str
    origin: Origin
    builtin: Rule | None


def listing(directory: Path | None, as_json: bool) -> None:
    """All rules in force, by file. Raises InputError when the directory or a file in it is broken."""
    bundle, rows = in_force(directory)
    if as_json:
        print_json({"bundle": bundle, "rules": [_summary(row) for row in rows]})
        return
    for row in rows:
        typer.echo(f"{row.name:<18}  {row.origin}  ({one_line(row.file)})")
        typer.echo(f"    {one_line(row.rule.summary, 400)}")
    mine = sum(row.origin == "yours" for row in rows)
    typer.echo(f"{len(rows)} rules in force, {mine} of them yours: {bundle}")


def explain(name: str, directory: Path | None, as_json: bool) -> None:
    """One rule, setting by setting. Raises NotFound (exit 1) for a rule that is not in force."""
    bundle, rows = in_force(directory)
    found = next((row for row in rows if row.name == name), None)
    if found is None:
        guess = meant(name, RULES)
        known = ", ".join(row.name for row in rows)
        mend = f"Did you mean {guess}?" if guess else f"In force are {known}"
        raise NotFound(f"no rule {one_line(name, 60)!r}", mend=mend)
    if as_json:
        body = {**_summary(found), "bundle": bundle, "settings": [_document(one) for one in _settings(found)]}
        print_json(body)
        return
    for line in lines(found):
        typer.echo(line)


def in_force(directory: Path | None) -> tuple[str, list[Row]]:
    """The bundle's name and its rules by file; without a directory the one of the settings, if any."""
    content = rules_content(load_settings(rules=directory).rules)
    shipped = {_name(rule): rule for rule in (rule_in(text, file) for file, text in builtin_rules().items())}
    texts = builtin_rules()
    rows = []
    for file, text in sorted(content["files"].items()):
        rule = rule_in(text, file)
        name, builtin = _name(rule), texts.get(file) == text
        rows.append(Row(name, rule, file, "built-in" if builtin else "yours", shipped.get(name)))
    return content["bundle"], rows


class Compared(NamedTuple):
    """A setting, and the built-in one where the two differ."""

    setting: Setting
    builtin: Setting | None


def _settings(row: Row) -> list[Compared]:
    mine = settings_of(row.rule)
    theirs = {one.name: one for one in settings_of(row.builtin)} if row.builtin is not None else {}
    return [
        Compared(
            one, theirs[one.name] if one.name in theirs and theirs[one.name].value != one.value else None
        )
        for one in mine
    ]


def lines(row: Row) -> Iterator[str]:
    """The rule as plain text."""
    yield f"{row.name}, {row.origin} ({one_line(row.file)})"
    yield one_line(row.rule.summary, 1_000)
    for setting, builtin in _settings(row):
        yield ""
        yield from _valued(setting.name, setting.value)
        yield f"    {setting.meaning}{_in_unit(setting.unit)}"
        yield from (f"      {_key(key)}" for key in setting.keys)
        if builtin is not None:
            yield from _valued("    built-in", builtin.value)


def _valued(name: str, value: Any) -> Iterator[str]:
    """On one line when it fits, else below."""
    short = _flow(value)
    if len(name) + len(short) + 2 <= _WIDTH:
        yield f"{name}: {short}"
        return
    yield f"{name}:"
    indent = " " * (len(name) - len(name.lstrip()) + 2)
    parts = value.items() if isinstance(value, dict) else [("-", one) for one in value]
    for key, one in parts:
        yield f"{indent}{f'{one_line(str(key))}:' if key != '-' else '-'} {_flow(one)}"


def _flow(value: Any) -> str:
    """As YAML on one line; characters that cannot be printed are escaped by it."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _key(key: Key) -> str:
    return f"{key.path}: {key.meaning}{_in_unit(key.unit)}"


def _in_unit(unit: str) -> str:
    return " (thousandths)" if unit == "thousandths" else ""


def _summary(row: Row) -> dict[str, Any]:
    return {"rule": row.name, "summary": row.rule.summary, "file": row.file, "origin": row.origin}


def _document(compared: Compared) -> dict[str, Any]:
    one, builtin = compared
    body = {"name": one.name, "value": one.value, "unit": one.unit, "meaning": one.meaning}
    keys = [key._asdict() for key in one.keys]
    return {
        **body,
        "keys": keys,
        "differs": builtin is not None,
        "builtin": builtin.value if builtin else one.value,
    }


def _name(rule: Rule) -> str:
    return str(getattr(rule, "rule", ""))
