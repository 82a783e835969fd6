"""Numbers and times that stand in a sentence as text: each must be a value or a time of a fact that is cited.

`1.5 min` is 90 s, `14:02 UTC` is a time within that minute, `75 %` is 750 thousandths, `five alerts` are 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from core.narrative.check.claims import Claim, Mark
from core.narrative.facts import Fact
from core.times import DAY, HOUR, MINUTE, SECOND
from core.words import word_set

_UNITS = {
    "ms": 1, "millisecond": 1, "s": SECOND, "sec": SECOND, "second": SECOND, "min": MINUTE, "minute": MINUTE,
    "h": HOUR, "hr": HOUR, "hour": HOUR, "d": DAY, "day": DAY, "week": 7 * DAY,
}  # fmt: skip
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_WORDS: dict[str, float] = {
    **{word: number for number, word in enumerate(_SMALL)}, **_TENS,
    **{f"{tens}-{_SMALL[one]}": number + one for tens, number in _TENS.items() for one in range(1, 10)},
    "hundred": 100, "dozen": 12, "thousand": 1000, "million": 1_000_000, "twice": 2, "thrice": 3, "double": 2,
    "half": 0.5, "couple": 2, "dozens": 24, "hundreds": 200, "thousands": 2000,
}  # fmt: skip
_COUNTED = word_set("""
    alert service question step level change deploy incident thing
""")
_ORDINALS = word_set("""
    third fourth fifth sixth seventh eighth ninth tenth
""")
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.,])([0-9]{1,15}(?:,[0-9]{3}){0,4})(\.[0-9]{1,9})?(?![0-9_])")
_PART = re.compile(r"[a-z]+")
_TOKEN = re.compile(r"[A-Za-z]+|[^\sA-Za-z]")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "more than": lambda value, said: value > said,
    "over": lambda value, said: value > said,
    "at least": lambda value, said: value >= said,
    "less than": lambda value, said: value < said,
    "fewer than": lambda value, said: value < said,
    "under": lambda value, said: value < said,
    "within": lambda value, said: value <= said,
    "at most": lambda value, said: value <= said,
    "up to": lambda value, said: value <= said,
}


class Said(NamedTuple):
    """A number as said. `unit` is `ms` (with `step`, the smallest unit said), `%`, `/1000`, a counted
    thing, or ''."""

    number: float
    step: float
    unit: str
    start: int
    end: int


def numbers_hold(claim: Claim) -> bool:
    """Whether every number outside slots and names is a value of a cited fact."""
    said = [number for number in _said(claim) if not _version(claim, number) and not _of_month(claim, number)]
    return all(any(_holds(claim, number, fact) for fact in claim.cited) for number in said)


def holders(claim: Claim) -> list[tuple[int, int, list[Fact]]]:
    """Where each number stands, from and to, and the cited facts that hold it."""
    return [
        (said.start, said.end, [fact for fact in claim.cited if _holds(claim, said, fact)])
        for said in _said(claim)
    ]


def times_hold(claim: Claim) -> bool:
    """Whether every time that is written out is the time of a cited fact."""
    written = [mark for _, mark in claim.placed() if mark.kind == "time"]
    return all(any(same_time(mark, fact.at) for fact in claim.cited if fact.at) for mark in written)


def holds_text(claim: Claim, fact: Fact) -> bool:
    """Whether a number or a time of the sentence is this fact's: then it was not cited in vain."""
    if any(mark.kind == "time" and fact.at and same_time(mark, fact.at) for mark in claim.marks):
        return True
    return any(_holds(claim, number, fact) for number in _said(claim))


def same_time(mark: Mark, at: str) -> bool:
    if mark.field == "date":
        return at.startswith(mark.text)
    match = re.fullmatch(r"(?:([0-9-]{10})(?:T|,? (?:at )?))?([0-9:.]+) ?(.*)", mark.text)
    if match is None:
        return False
    zone, clock = match[3].lower(), match[2]
    if zone.startswith(("am", "pm")):
        hour, rest = clock.split(":", 1)
        clock = f"{int(hour) % 12 + 12 * zone.startswith('pm'):02d}:{rest}"
        zone = zone[2:].strip()
    clock = clock if clock[1:2] != ":" else f"0{clock}"
    return zone in ("", "z", "utc", "gmt") and at[11:].startswith(clock) and at.startswith(match[1] or "")


def _said(claim: Claim) -> list[Said]:
    """Numbers in digits and in words; durations that follow one another are one."""
    found = [_digits(claim.lower, match) for match in _NUMBER.finditer(claim.lower)]
    taken = {place for said in found for place in range(said.start, said.end)}
    for word in claim.words:
        parts = (
            [(0, word.text)]
            if word.text in _WORDS
            else [(m.start(), m[0]) for m in _PART.finditer(word.text)]
        )
        worded = (_worded(claim.lower, part, word.at + start) for start, part in parts)
        found += [said for said in worded if said is not None and said.start not in taken]
    return _joined(sorted(found, key=lambda said: said.start), claim.lower)


def _digits(text: str, match: re.Match[str]) -> Said:
    fraction = match[2] or ""
    number = float(match[1].replace(",", "") + fraction)
    step = 10.0 ** -max(0, len(fraction) - 1)
    return _with_unit(text, number, step, match.start(), match.end())


def _worded(text: str, word: str, start: int) -> Said | None:
    end = start + len(word)
    if word in _ORDINALS:
        return Said(-1, 1, "", start, end)
    if word in ("a", "an") or word == "one":
        said = _with_unit(text, 1, 1, start, end)
        counted = word == "one" and said.unit in _COUNTED
        return said if said.unit == "ms" or counted else None
    if word not in _WORDS:
        return None
    if word == "half":
        article = re.match(r" (?:an? )?", text[end:])
        end += article.end() if article else 0
    return _with_unit(text, _WORDS[word], 0.5 if word == "half" else 1, start, end)


def _with_unit(text: str, number: float, step: float, start: int, end: int) -> Said:
    """What follows the number says its unit; up to two other words may stand before a counted thing."""
    rest = text[end : end + 80]
    scale = re.match(r" ?(?:/ ?1000|(?:out )?of (?:1000|1,000)|thousandths)(?![0-9])", rest)
    if scale:
        return Said(number, step, "/1000", start, end + scale.end())
    percent = re.match(r" ?(?:%|percent|per cent)", rest)
    if percent:
        return Said(number, step, "%", start, end + percent.end())
    if text[:start].endswith("level "):
        return Said(number, step, "level", start, end)
    words = [(m[0].removesuffix("s") if len(m[0]) > 2 else m[0], m.end()) for m in _TOKEN.finditer(rest)][:3]
    if words and words[0][0] in _UNITS and re.match(r"[ -]?[a-z]", rest):
        size = _UNITS[words[0][0]]
        return Said(number * size, step * size, "ms", start, end + words[0][1])
    for word, _ in words:
        if not word.isalpha():
            break
        if word in _COUNTED:
            return Said(number, step, word, start, end)
    return Said(number, step, "", start, end)


def _joined(found: list[Said], text: str) -> list[Said]:
    """`2 h 5 min` is one duration: each part smaller than the one before, with nothing but `and` between."""
    joined: list[Said] = []
    for said in found:
        if joined and said.start < joined[-1].end:
            continue
        last = joined[-1] if joined else None
        between = text[last.end : said.start].strip(" ,") if last else "-"
        if last and said.unit == last.unit == "ms" and said.step < last.step and between in ("", "and"):
            joined[-1] = Said(last.number + said.number, said.step, "ms", last.start, said.end)
        else:
            joined.append(said)
    return joined


def _holds(claim: Claim, said: Said, fact: Fact) -> bool:
    if not isinstance(fact.value, int):
        return False
    value, number, step = float(fact.value), said.number, said.step
    if fact.unit == "ms" or said.unit == "ms":
        fits = fact.unit == said.unit == "ms"
    elif fact.unit == "thousandths" or said.unit in ("%", "/1000"):
        number, step, fits = _thousandths(said, fact)
    else:
        fits = said.unit in ("", *(part.removesuffix("s") for part in fact.unit.split()))
    if not fits:
        return False
    before = claim.lower[: said.start].rstrip()
    for words, compare in _COMPARE.items():
        if before.endswith(f" {words}"):
            return compare(value, number)
    spoken = fact.unit == "ms" and value >= number and value - number < step == SECOND and value < 90 * SECOND
    return spoken or abs(value - number) <= (step / 2 if fact.unit in ("ms", "thousandths") else 0)


def _thousandths(said: Said, fact: Fact) -> tuple[float, float, bool]:
    """In thousandths: 75 %, 750/1000, 750, 0.75."""
    if fact.unit != "thousandths" or said.unit not in ("%", "/1000", ""):
        return 0, 1, False
    factor = 10 if said.unit == "%" else 1000 if said.step < 1 and said.unit == "" else 1
    return said.number * factor, min(said.step * factor, 10), True


def _version(claim: Claim, said: Said) -> bool:
    """A version that is digits alone is a name where it follows a name or the word version."""
    text = claim.lower[said.start : said.end]
    before = claim.lower[: said.start].rstrip(" (v")
    follows = before.endswith("version") or (bool(before) and claim.mark_at(len(before) - 1) is not None)
    return follows and any(text in (fact.object, fact.value) for fact in claim.cited)


def _of_month(claim: Claim, said: Said) -> bool:
    """`21 November 2026`: the day of a cited time."""
    near = claim.lower[max(0, said.start - 16) : said.end + 16]
    for match in re.finditer(r"[a-z]{3,9}", near):
        if match[0][:3] in _MONTHS:
            month = _MONTHS.index(match[0][:3]) + 1
            text = claim.lower[said.start : said.end].strip()
            days = [
                (fact.at[:4], int(fact.at[5:7]), fact.at[8:10].lstrip("0")) for fact in claim.cited if fact.at
            ]
            if any(month == day[1] and text in (day[0], day[2]) for day in days):
                return True
    return False
