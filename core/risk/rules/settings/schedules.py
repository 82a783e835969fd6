"""Jobs that run every minute from now on, and ran far less often before: crontabs, CronJobs, workflows,
schedules of Celery, Rails, Spring and the clouds.

A line says how often; the one whose place it takes, and which says the same otherwise, how often before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from core.risk.change import ChangeSet, Line, TouchedFile
from core.risk.rules.rule import Match, RiskRule
from core.risk.rules.settings.configuration import FACTOR
from core.risk.rules.touched import (
    finder,
    fresh,
    gone,
    is_comment,
    is_lower,
    judged,
    rules_of,
    shown,
)

_CRONTAB = finder(
    r"(?:^|/)(?:crontabs?(?:[._-][\w.-]{1,60})?|[\w.-]{1,100}[._-]cron(?:tab)?|cron\.d/[^/]{1,100})$"
)
_TELLING = finder(r"cron|schedul|\bevery\b|\brate\(")
_FIELD = r"(?:[\d*?][\d*?,/LW#-]{0,60})"
_NAMED = rf"(?:{_FIELD}|[A-Za-z]{{3}}(?:[,-][A-Za-z]{{3}}){{0,11}})(?![\w/.])"
_CRON = re.compile(
    rf"(?<![\w*,./-])(?:{_FIELD}[ \t]{{1,9}})?{_FIELD}[ \t]{{1,9}}{_FIELD}[ \t]{{1,9}}{_FIELD}[ \t]{{1,9}}"
    rf"{_NAMED}[ \t]{{1,9}}{_NAMED}"
)
_AT = re.compile(r"(?<![\w.])@(yearly|annually|monthly|weekly|daily|midnight|hourly)\b")
_EVERY = re.compile(
    r"(?:@every |\brate\(|\bevery\(?\s?:?|\btimedelta\()(?:(\d{1,6})(?:\.|\s{0,3}))?"
    r"(seconds?|minutes?|hours?|days?|weeks?|[smh](?=[\"'\s]|$))(?:\s{0,3}=\s{0,3}(\d{1,6}))?\)?"
)
_CELERY = re.compile(r"\bcrontab\(([^()]{0,200})\)")
_OF_CELERY = re.compile(r"\b(minute|hour)\s{0,3}=\s{0,3}(\d{1,2}|[\"'][\d*,/-]{1,60}[\"'])")
_A_DAY = {"s": 86_400.0, "m": 1_440.0, "h": 24.0, "d": 1.0, "w": 1 / 7}
_OFTEN = {"yearly": 1 / 365, "annually": 1 / 365, "monthly": 1 / 30, "weekly": 1 / 7, "hourly": 24.0}
_LOOSE = re.compile(r"[\"'\s]+")
_END = re.compile(r"\s#.*$", re.DOTALL)
# Of a line, in signs; the rest says what runs.
_LONGEST = 500
# What a line says, besides how often: nothing, where the expression is all of it.
_MARK = "\0"


class _Often(NamedTuple):
    """Runs of a day, on average. `rest`: the line without the expression. `written`: the expression."""

    runs: float
    each_minute: bool
    rest: str
    written: str


def _matches(change: ChangeSet) -> Iterator[Match]:
    for file in judged(change, lambda path: True, gone=False):
        if not file.removed or is_lower(file.path):
            continue
        now = list(_said(file, fresh(file)))
        was = list(_said(file, gone(file))) if any(one.each_minute for _, one in now) else []
        yield from _faster(file, was, now) if was else ()


def _said(file: TouchedFile, lines: Iterator[Line]) -> Iterator[tuple[Line, _Often]]:
    table = _CRONTAB(file.path[-300:]) is not None
    for line in lines:
        # A line of a crontab may begin with a star, as those of comments do elsewhere.
        aside = line.text.lstrip().startswith("#") if table else is_comment(line.text)
        if (table or _TELLING(line.text)) and not aside and (often := _often(line.text)):
            yield line, often


def _faster(
    file: TouchedFile, was: list[tuple[Line, _Often]], now: list[tuple[Line, _Often]]
) -> Iterator[Match]:
    """Each with the first line in whose place it stands, that said the same and was not taken yet."""
    places, old_places = _places(file.added), _places(file.removed)
    before: dict[tuple[int, str], list[_Often]] = {}
    for line, often in reversed(was):
        before.setdefault((old_places[line.number], often.rest), []).append(often)
    for line, often in now:
        left = before.get((places[line.number], often.rest))
        old = left.pop() if left else None
        if old and often.each_minute and often.runs >= FACTOR * old.runs:
            yield _match(file, line, old, often)


def _places(lines: tuple[Line, ...]) -> dict[int, int]:
    """Before each line, how many stand that stay as they are: of what takes the place of another, as many."""
    return {line.number: line.number - 1 - before for before, line in enumerate(lines)}


def _match(file: TouchedFile, line: Line, old: _Often, new: _Often) -> Match:
    what = f"This runs every minute from now on ({new.written}), {new.runs / old.runs:,.0f} times as often."
    clears = "Run it every five minutes or less often, or let what there is to do start it."
    name, place = "schedule-every-minute", line.number
    return Match(name, "medium", shown(what), clears, file.path, place, shown(line.text))


def _often(text: str) -> _Often | None:
    """How often a line says that something runs; None where it does not say."""
    text = text[:_LONGEST]
    for pattern, reader in _READERS:
        found = pattern.search(text)
        read = reader(found) if found else None
        if found and read:
            rest = f"{text[: found.start()]}{_MARK}{_END.sub('', text[found.end() :])}"
            return _Often(read[0], read[1], _LOOSE.sub("", rest), " ".join(found[0].split())[:80])
    return None


def _cron(found: re.Match[str]) -> tuple[float, bool] | None:
    fields = found[0].split()
    # Six begin with seconds; those of AWS end with years, and there a day is `?`.
    of_aws = found.string[: found.start()].endswith("cron(")
    fields = fields[:5] if of_aws else fields[-5:]
    return _runs(*fields)


def _runs(
    minute: str, hour: str = "*", day: str = "*", month: str = "*", weekday: str = "*"
) -> tuple[float, bool] | None:
    sizes = ((minute, 60), (hour, 24), (day, 31), (month, 12), (weekday, 7))
    counts = [_count(field, size) for field, size in sizes]
    if not all(counts):
        return None
    days = counts[2] / 31 * counts[3] / 12 * counts[4] / 7
    return counts[0] * counts[1] * days, counts[0] >= 60


def _count(field: str, size: int) -> int:
    """How many values of `size` a field stands for, 0 where it is none."""
    count = 0
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if not span[:1].isdigit():
            whole = size if span in ("*", "?") else 5 if dash else 1
        elif not (first.isdigit() and (not dash or last.isdigit())):
            return 0
        else:
            whole = int(last) - int(first) + 1 if dash else size - int(first) if step else 1
        by = int(step) if step.isdigit() and len(step) < 4 else 1
        count += -(-whole // max(by, 1)) if whole > 0 else 0
    return min(count, size)


def _at(found: re.Match[str]) -> tuple[float, bool]:
    return _OFTEN.get(found[1], 1.0), False


def _every(found: re.Match[str]) -> tuple[float, bool] | None:
    number = int(found[1] or found[3] or 1)
    if number == 0:
        return None
    runs = _A_DAY[found[2][0]] / number
    return runs, runs >= 1_440


def _celery(found: re.Match[str]) -> tuple[float, bool] | None:
    said = {name: value.strip("\"'") for name, value in _OF_CELERY.findall(found[1])}
    given = "minute" in found[1] or "hour" in found[1]
    return _runs(said.get("minute", "*"), said.get("hour", "*")) if said or not given else None


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[float, bool] | None]], ...] = (
    (_CELERY, _celery),
    (_CRON, _cron),
    (_EVERY, _every),
    (_AT, _at),
)
_rule = rules_of(_matches, lambda path: False)

rules: tuple[RiskRule, ...] = (
    _rule(
        "schedule-every-minute",
        "A job runs every minute from now on",
        "Runs pile up where one takes longer than a minute, and whatever they call is called 1,440 times a "
        "day.",
        "Kubernetes documentation, CronJob, Concurrency policy: "
        "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#concurrency-policy",
    ),
)
