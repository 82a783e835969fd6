"""`watchkeeper risk rules`: the rules in a line each, or one of them with its reasons."""

from __future__ import annotations

import sys

from core.errors import InputError
from core.narrative.plain import one_line
from core.risk.rules import RULES, RiskRule
from core.risk.rules.levels import LEVELS_OF
from core.yamlmarks import meant
from watchkeeper.cli.output import print_json


def rules(name: str, as_json: bool) -> None:
    """Raises InputError for a name that no rule has."""
    chosen = (_named(name),) if name else RULES
    if as_json:
        print_json({"rules": [_row(rule) for rule in chosen]})
    elif name:
        sys.stdout.write("".join(map(_reasons, chosen)))
    else:
        width = max(len(rule.id) for rule in RULES)
        sys.stdout.writelines(f"{rule.id:<{width}}  {_levels(rule):<15}  {rule.title}\n" for rule in RULES)
        sys.stdout.write("\n`watchkeeper risk rules RULE` says why one is there\n")


def _named(name: str) -> RiskRule:
    found = next((rule for rule in RULES if rule.id == name), None)
    if found is None:
        guess = meant(name[:100], [rule.id for rule in RULES])
        mend = f"Did you mean {guess}?" if guess else "`watchkeeper risk rules` lists them"
        raise InputError(f"no such rule {one_line(name, 80)}", where="risk rules", mend=mend)
    return found


def _levels(rule: RiskRule) -> str:
    """`high`, or `low to high`."""
    found = LEVELS_OF.get(rule.id, ())
    return " to ".join(dict.fromkeys((found[0], found[-1]))) if found else ""


def _reasons(rule: RiskRule) -> str:
    return (
        f"{rule.id}  {_levels(rule)}\n"
        f"    {rule.title}\n"
        f"    Why: {rule.why}\n"
        f"    Known from: {rule.source}\n"
        "    Clears: what the check says of each place; or accept it for a while in .watchkeeper.yml:\n"
        f"        suppressions: [{{rule: {rule.id}, path: ..., reason: ..., expires: ..., by: ...}}]\n"
    )


def _row(rule: RiskRule) -> dict[str, object]:
    levels = list(LEVELS_OF.get(rule.id, ()))
    return {"id": rule.id, "title": rule.title, "levels": levels, "why": rule.why, "source": rule.source}
