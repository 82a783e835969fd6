"""Source risk: how a change was judged before it went out, as `watchkeeper risk --format json` prints it.

    {"repository": "acme/payments", "base": "…", "head": "4f2c…", "verdict": "warn", "level": "high",
     "services": ["payments"], "probability": {"thousandths": 120}, "title": "…", "url": "https://…",
     "matches": [{"rule": "sql-drop-column", "level": "high", "path": "…", "line": 3, "what": "…"}],
     "files": ["…"], "at": "2026-11-21T03:00:00Z"}

One of them or a list. `repository`, `head` and `verdict` are needed. A match or a file that is not in order
is left out, with the reason; other keys of the check are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.inbound.fields import link
from connectors.inbound.source import (
    as_object,
    decode,
    nothing_usable,
    problem,
    read_each,
    said,
    type_name,
)
from connectors.inbound.tokens import PROOF, verify_token
from core.errors import BodyError
from core.model.events import RISK_LEVELS as LEVELS
from core.model.events import RISK_VERDICTS, Parsed, Problem, RiskEvent, RiskMatch
from core.narrative.plain import one_line
from core.times import MINUTE, parse_rfc3339

name = "risk"
summary = "How changes were judged before they went out (watchkeeper risk)"
kept: tuple[str, ...] = ()
proof = PROOF
verify = verify_token
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_REPOSITORY = re.compile(r"[^\s@\x00-\x1f\x7f]{1,200}")
_MOST_CHECKS, _MOST_SERVICES, _MOST_MATCHES, _MOST_FILES = 100, 50, 20, 300
_MOST_READ, _MOST_NAME, _MOST_WORDS, _ALL_PATHS = 5_000, 200, 300, 16_384
_AHEAD = 10 * MINUTE


def parse(headers: Mapping[str, str], body: bytes, received_at: int) -> Parsed:
    value = decode(body)
    items = value if isinstance(value, list) else [value]
    if not items:
        raise BodyError("the list is empty", where="body", mend="Send at least one check")
    problems: list[Problem] = []

    def read(item: Any, where: str, index: int) -> RiskEvent:
        return _event(item, where, index, received_at, problems)

    events = read_each(items[:_MOST_CHECKS], read, problems, listed=isinstance(value, list))
    if len(items) > _MOST_CHECKS:
        mend = f"Send {_MOST_CHECKS} at most"
        problems.append(problem(f"[{_MOST_CHECKS}]", f"{len(items)} checks in one body", mend))
    if not events:
        raise nothing_usable(problems)
    return Parsed(tuple(events), tuple(problems))


def _event(value: Any, where: str, index: int, received_at: int, problems: list[Problem]) -> RiskEvent:
    item = as_object(value, where, "Send what `watchkeeper risk --format json` prints")
    level = said(item, "level", where).strip()
    if level and level not in LEVELS:
        raise BodyError(
            f"{level[:40]!r} is no level", where=f"{where}.level", mend=f"Use {', '.join(LEVELS)}"
        )
    verdict = said(item, "verdict", where).strip()
    if verdict not in RISK_VERDICTS:
        what, mend = f"{verdict[:40]!r} is no verdict", f"Use {', '.join(RISK_VERDICTS)}"
        raise BodyError(what, where=f"{where}.verdict", mend=mend)
    return RiskEvent(
        repository=_repository(item, where),
        head=_commit(item, "head", where) or _missing(where, "head"),
        verdict=verdict,
        at=_at(item, where, received_at),
        level=level,
        base=_commit(item, "base", where),
        merged_as=_commit(item, "merged_as", where),
        services=tuple(_names(item, "services", where, _MOST_SERVICES, problems)),
        probability=_probability(item.get("probability"), f"{where}.probability"),
        matches=_matches(item, where, problems),
        files=_files(item, where, problems),
        title=one_line(said(item, "title", where).strip(), _MOST_WORDS),
        url=link(said(item, "url", where).strip()),
        index=index,
    )


def _missing(where: str, key: str) -> str:
    mend = "Send the whole id of the newest commit that was judged"
    raise BodyError(f"no {key}", where=f"{where}.{key}", mend=mend)


def _repository(item: dict[str, Any], where: str) -> str:
    text = said(item, "repository", where).strip()
    if not _REPOSITORY.fullmatch(text):
        what = "no repository" if not text else "no name of a repository"
        mend = "Name it as the forge does, such as acme/payments, without spaces and @"
        raise BodyError(what, where=f"{where}.repository", mend=mend)
    return text


def _commit(item: dict[str, Any], key: str, where: str) -> str:
    text = said(item, key, where).strip().lower()
    if text and not _COMMIT.fullmatch(text):
        mend = "Send 7 to 64 hexadecimal digits"
        raise BodyError(f"{text[:40]!r} is no id of a commit", where=f"{where}.{key}", mend=mend)
    return text


def _at(item: dict[str, Any], where: str, received_at: int) -> int:
    text = said(item, "at", where).strip()
    if not text:
        return received_at
    try:
        at = parse_rfc3339(text)
    except (ValueError, OverflowError):
        what = f"{text[:40]!r} is no RFC 3339 time"
        raise BodyError(what, where=f"{where}.at", mend="Write 2026-11-21T03:00:00Z") from None
    if at > received_at + _AHEAD:
        mend = "Look at the sender's clock and time zone"
        raise BodyError(f"{text[:40]!r} is in the future", where=f"{where}.at", mend=mend)
    return at


def _probability(value: Any, where: str) -> int | None:
    """In thousandths, as a number or as the check's object."""
    number = value.get("thousandths") if isinstance(value, dict) else value
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 1000:
        mend = "Send thousandths: a whole number from 0 to 1000"
        raise BodyError(f"{str(number)[:40]!r} is no probability", where=where, mend=mend)
    return number


def _list(item: dict[str, Any], key: str, where: str) -> list[Any]:
    value = item.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BodyError(f"is {type_name(value)}, not a list", where=f"{where}.{key}", mend="Send a list")
    return value[:_MOST_READ]


def _names(item: dict[str, Any], key: str, where: str, most: int, problems: list[Problem]) -> Iterator[str]:
    """Texts of one line, each once, `most` of them."""
    found: dict[str, None] = {}
    for index, value in enumerate(_list(item, key, where)):
        if isinstance(value, str) and (text := one_line(value, _MOST_NAME)):
            found[text] = None
        elif len(problems) < _MOST_CHECKS:
            problems.append(problem(f"{where}.{key}[{index}]", "no text, or an empty one", "Send texts"))
    yield from list(found)[:most]


def _files(item: dict[str, Any], where: str, problems: list[Problem]) -> tuple[str, ...]:
    """As they are, for they are compared: a path that is too long is left out, not cut."""
    kept_paths: dict[str, None] = {}
    left = _ALL_PATHS
    for index, value in enumerate(_list(item, "files", where)):
        if isinstance(value, str) and 0 < len(value) <= _MOST_WORDS:
            if value not in kept_paths and len(value) <= left and len(kept_paths) < _MOST_FILES:
                kept_paths[value] = None
                left -= len(value)
        elif len(problems) < _MOST_CHECKS:
            mend = f"Send paths of at most {_MOST_WORDS} characters"
            problems.append(problem(f"{where}.files[{index}]", "no path, or one too long", mend))
    return tuple(kept_paths)


def _matches(item: dict[str, Any], where: str, problems: list[Problem]) -> tuple[RiskMatch, ...]:
    """Of each rule the worst, then of each the next, so that no rule hides another."""
    found: list[RiskMatch] = []
    for index, value in enumerate(_list(item, "matches", where)):
        place = f"{where}.matches[{index}]"
        try:
            found.append(_match(as_object(value, place, "Send rule, level, path, line and what"), place))
        except BodyError as error:
            if len(problems) < _MOST_CHECKS:
                problems.append(problem(error.where, error.what, error.mend))
    found.sort(key=lambda one: -LEVELS.index(one.level))
    seen: dict[str, int] = {}
    rounds = []
    for number, one in enumerate(found):
        rounds.append((seen.get(one.rule, 0), number))
        seen[one.rule] = seen.get(one.rule, 0) + 1
    chosen = sorted(number for _, number in sorted(rounds)[:_MOST_MATCHES])
    return tuple(found[number] for number in chosen)


def _match(item: dict[str, Any], where: str) -> RiskMatch:
    rule, level = one_line(said(item, "rule", where).strip(), 100), said(item, "level", where).strip()
    if not rule or level not in LEVELS:
        what, mend = "no rule, or no level", f"Send the rule's id, and one of {', '.join(LEVELS)}"
        raise BodyError(what, where=where, mend=mend)
    line = item.get("line", 0)
    line = line if isinstance(line, int) and not isinstance(line, bool) and 0 <= line < 2**31 else 0
    path = one_line(said(item, "path", where).strip(), _MOST_WORDS)
    return RiskMatch(rule, level, path, line, one_line(said(item, "what", where).strip(), _MOST_WORDS))
