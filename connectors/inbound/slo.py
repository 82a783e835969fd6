"""Source slo: what a service level objective stands at, our own format, one object or a list of them.

    {"slo": "availability", "service": "payments", "environment": "production", "objective": 99.9,
     "window": "30d", "rates": {"5m": 0.02, "30m": 0.02, "1h": 0.016, "6h": 0.004, "3d": 0.001},
     "budget_spent": 0.43, "at": "2026-11-21T03:00:00Z"}

`objective` is in percent, `rates` and `budget_spent` are ratios; of these two one at least is needed. Without
`at` it counts as of its arrival. A part that is not in order is left out, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from connectors.inbound.source import as_object, decode, nothing_usable, read_each, said, type_name
from connectors.inbound.tokens import PROOF, verify_token
from core.errors import BodyError
from core.model.events import Parsed, Problem, SignalEvent
from core.model.slo import BILLION
from core.times import DAY, MINUTE, parse_duration, parse_rfc3339

name = "slo"
summary = "Service level objectives: error rates and error budgets (our own format)"
kept: tuple[str, ...] = ()
proof = PROOF
verify = verify_token
_NAMES = ("slo", "service", "environment", "cluster")
_KEYS = (*_NAMES, "objective", "window", "rates", "budget_spent", "at")
_MEND = f"Known keys: {', '.join(_KEYS)}"
_LONGEST, _MOST_RATES, _MOST_SPENT = 366 * DAY, 20, 1_000
# Later than that is no clock that is a little ahead: it would be the latest telling for as long.
_AHEAD = 10 * MINUTE


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    value = decode(body)
    items = value if isinstance(value, list) else [value]
    if not items:
        raise BodyError("the list is empty", where="body", mend="Send at least one objective")
    problems: list[Problem] = []

    def read(item: Any, where: str, index: int) -> SignalEvent:
        return _signal(item, where, index, received_at)

    events = read_each(items, read, problems, listed=isinstance(value, list))
    if not events:
        raise nothing_usable(problems)
    return Parsed(tuple(events), tuple(problems))


def _signal(value: Any, where: str, index: int, received_at: int) -> SignalEvent:
    item = as_object(value, where, _MEND)
    unknown = sorted(set(item) - set(_KEYS))
    if unknown:
        raise BodyError(f"unknown key {unknown[0]!r}", where=where, mend=_MEND)
    slo, service, environment, cluster = (said(item, key, where).strip() for key in _NAMES)
    for key, text in (("slo", slo), ("service", service)):
        if not text:
            raise BodyError(f"no {key}", where=f"{where}.{key}", mend="Name the objective and its service")
    rates = _rates(item.get("rates"), f"{where}.rates")
    spent = _spent(item.get("budget_spent"), f"{where}.budget_spent")
    if not rates and spent is None:
        what = "neither `rates` nor `budget_spent`"
        raise BodyError(what, where=where, mend="Send the ratio of errors over 5m and 1h at least")
    return SignalEvent(
        slo=slo,
        service=service,
        objective=_objective(item.get("objective"), f"{where}.objective"),
        window=_window(item.get("window"), f"{where}.window"),
        at=_at(item, where, received_at),
        environment=environment,
        cluster=cluster,
        rates=rates,
        spent=spent,
        index=index,
    )


def _number(value: Any, where: str, mend: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BodyError(f"is {type_name(value)}, not a number", where=where, mend=mend)
    # Beyond what a double holds, an integer would not even compare.
    if (isinstance(value, int) and abs(value) > BILLION) or not math.isfinite(value):
        raise BodyError("is too large", where=where, mend=mend)
    return value


def _objective(value: Any, where: str) -> int:
    mend = "Write the percentage that is to be good, such as 99.9"
    number = _number(value, where, mend)
    good = round(number * (BILLION // 100)) if 0 < number < 100 else 0
    if not 0 < good < BILLION:
        raise BodyError(f"{value!r} is not between 0 and 100", where=where, mend=mend)
    return good


def _window(value: Any, where: str) -> int:
    """In ms. Raises BodyError for what is no length of time, or none of a year at most."""
    mend = "Write a length of time with its unit, such as 5m, 1h or 30d"
    if not isinstance(value, str):
        raise BodyError(f"is {type_name(value)}, not a text", where=where, mend=mend)
    try:
        # A number of more digits than int() reads is longer than a year in any unit.
        length = parse_duration(value) if len(value) <= 40 else 0
    except ValueError:
        raise BodyError(f"{value!r} is no length of time", where=where, mend=mend) from None
    if not 0 < length <= _LONGEST:
        raise BodyError("is not between 0 and 366 days", where=where, mend=mend)
    return length


def _rates(value: Any, where: str) -> tuple[tuple[int, int], ...]:
    mend = 'Write error ratios by window, such as {"5m": 0.002, "1h": 0.001}'
    if value is None:
        return ()
    found: dict[int, int] = {}
    for key, rate in as_object(value, where, mend).items():
        place = f"{where}.{key}"
        window, number = _window(key, place), _number(rate, place, mend)
        if not 0 <= number <= 1:
            raise BodyError(f"{rate!r} is no ratio from 0 to 1", where=place, mend=mend)
        if window in found:
            raise BodyError("is the same window twice", where=place, mend=mend)
        found[window] = round(number * BILLION)
    if len(found) > _MOST_RATES:
        raise BodyError(f"has {len(found)} windows", where=where, mend=f"Send {_MOST_RATES} at most")
    return tuple(sorted(found.items()))


def _spent(value: Any, where: str) -> int | None:
    if value is None:
        return None
    mend = "Write the ratio of the error budget that is spent: 0 for none, 1 for all, 1.5 for half too much"
    number = _number(value, where, mend)
    if not 0 <= number <= _MOST_SPENT:
        raise BodyError(f"{value!r} is no ratio from 0 to {_MOST_SPENT}", where=where, mend=mend)
    return round(number * BILLION)


def _at(item: dict[str, Any], where: str, received_at: int) -> int:
    text = said(item, "at", where).strip()
    if not text:
        return received_at
    try:
        at = parse_rfc3339(text)
    except (ValueError, OverflowError):
        mend = "Write 2026-11-21T03:00:00Z"
        raise BodyError(f"{text!r} is no RFC 3339 time", where=f"{where}.at", mend=mend) from None
    if at > received_at + _AHEAD:
        what = f"{text!r} is in the future"
        raise BodyError(what, where=f"{where}.at", mend="Look at the sender's clock and time zone")
    return at
