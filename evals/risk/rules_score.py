"""How the risk rules do on cases of known danger: by rule, by case, and beside the keyword search."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from core.risk.assess import assess
from core.risk.policy import Policy
from core.risk.rules import RULES, RiskRule
from evals.risk.corpus import Case, change_of, known_of
from evals.risk.keywords import alarmed

Figures = dict[str, float]
_RESAMPLES, _SEED = 2_000, 20261121


class Scored(NamedTuple):
    """A case and what was said of it. `found`: every rule that matched, with its worst level; `broken`: rules
    that failed; `keyword`: whether the keyword search would have warned."""

    case: Case
    found: dict[str, str]
    broken: tuple[str, ...]
    keyword: bool

    @property
    def right(self) -> bool:
        """All the rules that a dangerous case names; none of those that a harmless one names."""
        named = set(self.case.rules)
        return named <= self.found.keys() if self.case.danger else named.isdisjoint(self.found)


class RuleRow(NamedTuple):
    """`cases`: dangerous ones that name the rule; `found` of them; `false`: harmless cases of any family in
    which it matched; `beside`: dangerous cases that do not name it and in which it matched."""

    rule: str
    cases: int
    found: int
    false: int
    beside: int

    @property
    def precision(self) -> float:
        return _part(self.found, self.found + self.false)

    @property
    def recall(self) -> float:
        return _part(self.found, self.cases)


def score(case: Case, rules: Sequence[RiskRule] = RULES) -> Scored:
    change = change_of(case)
    said = assess(change, known_of(case), Policy(), rules)
    # The worst come first, so that they stay.
    found: dict[str, str] = {match.rule: match.level for match in reversed(said.matches)}
    return Scored(case, found, said.broken, alarmed(change))


def by_rule(scored: Sequence[Scored], rules: Sequence[RiskRule] = RULES) -> list[RuleRow]:
    """A row for every rule, in the order in which they are listed."""
    return [_row(rule.id, scored) for rule in rules]


def _row(rule: str, scored: Sequence[Scored]) -> RuleRow:
    named = [one for one in scored if one.case.danger and rule in one.case.rules]
    others = [one for one in scored if one.case.danger and rule not in one.case.rules]
    return RuleRow(
        rule,
        len(named),
        sum(rule in one.found for one in named),
        sum(rule in one.found for one in scored if not one.case.danger),
        sum(rule in one.found for one in others),
    )


def warned(one: Scored) -> bool:
    return bool(one.found)


def warned_medium(one: Scored) -> bool:
    """What a pull request is warned of by default."""
    return any(level != "low" for level in one.found.values())


def by_case(scored: Sequence[Scored], flagged: Callable[[Scored], bool]) -> Figures:
    """Of a way to warn: precision and recall over cases, their harmonic mean, and the pairs of which it
    warned of the dangerous one and not of its twin."""
    hits = sum(flagged(one) for one in scored if one.case.danger)
    alarms = sum(flagged(one) for one in scored if not one.case.danger)
    dangers = sum(one.case.danger for one in scored)
    precision, recall = _part(hits, hits + alarms), _part(hits, dangers)
    both = precision + recall
    return {
        "precision": precision,
        "recall": recall,
        "f1": round(2 * precision * recall / both, 4) if both else 0.0,
        "pairs_told_apart": _part(sum(_apart(pair, flagged) for pair in pairs(scored)), len(pairs(scored))),
    }


def pairs(scored: Iterable[Scored]) -> list[list[Scored]]:
    """Cases by family and id, those that have both a dangerous and a harmless side."""
    found: dict[tuple[str, str], list[Scored]] = {}
    for one in scored:
        found.setdefault((one.case.family, one.case.id), []).append(one)
    return [pair for pair in found.values() if len({one.case.danger for one in pair}) == 2]


def _apart(pair: Sequence[Scored], flagged: Callable[[Scored], bool]) -> bool:
    return all(flagged(one) is one.case.danger for one in pair)


def evaluation(
    scored: Sequence[Scored], version: str, data: str, rules: Sequence[RiskRule] = RULES
) -> dict[str, Any]:
    rows = by_rule(scored, rules)
    tried = [row for row in rows if row.cases]
    cases = sum(row.cases for row in rows)
    hits, false = sum(row.found for row in rows), sum(row.false for row in rows)
    metrics: Figures = {
        **by_case(scored, warned),
        "cases_right": _part(sum(one.right for one in scored), len(scored)),
        "rules": len(rows),
        "rules_with_cases": len(tried),
        "rule_precision": _part(hits, hits + false),
        "rule_recall": _part(hits, cases),
        "broken": sum(len(one.broken) for one in scored),
    }
    for row in tried:
        metrics[f"{row.rule}.cases"] = row.cases
        metrics[f"{row.rule}.precision"] = row.precision
        metrics[f"{row.rule}.recall"] = row.recall
    baselines = {
        "ours, medium or worse": by_case(scored, warned_medium),
        "keyword search": by_case(scored, lambda one: one.keyword),
        "always warn": by_case(scored, lambda one: True),
    }
    metrics["f1_lead"] = round(metrics["f1"] - baselines["keyword search"]["f1"], 4)
    return {
        "eval": "risk-rules",
        "version": version,
        "data": data,
        "n": len(scored),
        "metrics": metrics,
        "baselines": baselines,
        "intervals": intervals(scored),
    }


def intervals(scored: Sequence[Scored]) -> dict[str, list[float]]:
    """95 % over pairs drawn again with replacement; the lead over the keyword search is paired."""
    drawn, whole = random.Random(_SEED), pairs(scored)
    f1, lead = [], []
    for _ in range(_RESAMPLES if whole else 0):
        some = [one for pair in drawn.choices(whole, k=len(whole)) for one in pair]
        ours, theirs = _f1(some, warned), _f1(some, lambda one: one.keyword)
        f1.append(ours)
        lead.append(ours - theirs)
    return {"f1": _middle(f1), "f1_lead": _middle(lead)} if whole else {}


def _f1(some: Sequence[Scored], flagged: Callable[[Scored], bool]) -> float:
    """Twice the hits over what was warned of and what should have been."""
    hits = alarms = dangers = 0
    for one in some:
        dangers += one.case.danger
        if flagged(one):
            hits += one.case.danger
            alarms += not one.case.danger
    return 2 * hits / max(hits + alarms + dangers, 1)


def _middle(values: list[float]) -> list[float]:
    values.sort()
    tail = len(values) // 40
    return [round(values[tail], 4), round(values[-tail - 1], 4)]


def _part(some: int, of: int) -> float:
    return round(some / of, 4) if of else 0.0
