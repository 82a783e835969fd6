"""What a caller does when the other side fails: pauses between tries, breakers, bulkheads switched off.

Files of lower environments (dev, staging, test by their path) are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.risk.change import ChangeSet
from core.risk.rules.rule import Match
from core.risk.rules.settings.configuration import FACTOR, amount
from core.risk.rules.settings.settings_text import Change, changes, wanted
from core.risk.rules.touched import finder, is_lower, judged, line_at, rules_of, shown

_PAUSE = finder(r"(?:exponential|jitter|randomi[sz]ed)[\w.-]{0,20}$|back[_-]?off(?:[._-]?enabled)?$")
_GUARD = finder(
    r"(?:circuit[_-]?breakers?|bulkheads?|rate[_-]?limit(?:er|ing)?s?|throttl\w{1,8}|hystrix"
    r"|load[_-]?shed\w{0,6}"
    r"|outlier[_-]?detection)(?:\.[\w-]{1,60}){0,3}[._-]enabled$"
    r"|(?:circuit[_-]?breaker|rate[_-]?limit(?:er|ing)?|bulkhead)[._-]?(?:enabled|on)$"
)
_THRESHOLD = finder(r"(?:failure|slow[_-]?call|error)[_-]?(?:rate[_-]?)?threshold(?:[_-]?percentage)?$")
_BETWEEN = finder(
    r"retry(?:\.[\w-]{1,60}){0,3}\.(?:wait[_-]?duration|delay|initial[_-]?(?:interval|delay|backoff)"
    r"|interval)$"
    r"|retry[_-](?:wait|delay|interval)(?:[_-]\w{1,10})?$"
)
_ON, _NO = ("true", "yes", "on", "1", "enabled"), ("false", "no", "off", "0", "disabled")
_CLEARS = "Keep pauses that grow, and a breaker that opens at half of the calls; say what was measured."
# From here on a breaker never opens.
_NEVER = 100


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, wanted, gone=False):
        if is_lower(file.path):
            continue
        for one in changes(file):
            if what := _worse(one):
                evidence = line_at(file.after, one.line) or shown(f"{one.name} = {one.new}")
                yield Match(
                    "config-retry-storm", "medium", shown(what), _CLEARS, file.path, one.line, evidence
                )


def _worse(one: Change) -> str:
    """What a caller does from now on that it did not; "" where it is nothing of the kind."""
    if one.old is None or one.new is None:
        return ""
    name, old, new = one.name[-200:], one.old.strip().lower(), one.new.strip().lower()
    if old in _ON and new in _NO:
        if _PAUSE(name):
            return f"{one.name} is switched off: all callers try again at the same time."
        if _GUARD(name):
            return f"{one.name} is switched off: nothing stops callers when the other side is down."
    was, now = amount(old), amount(new)
    if was is None or now is None:
        return ""
    if _THRESHOLD(name) and 0 < was < _NEVER <= now:
        return f"{one.name} goes from {old} to {new}: the breaker never opens."
    if _BETWEEN(name) and was > 0 and now * FACTOR <= was:
        return f"{one.name} goes from {old} to {new}: it tries again almost at once."
    return ""


_rule = rules_of(_matches, wanted)

rules = (
    _rule(
        "config-retry-storm",
        "Callers that neither pause nor stop when the other side fails",
        "Retries without pauses keep down what just fell, long after its cause is gone.",
        "Google SRE book, Addressing cascading failures: "
        "https://sre.google/sre-book/addressing-cascading-failures/",
    ),
)
