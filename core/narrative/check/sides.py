"""The two sides of a word such as `because` or `before`, and what each side speaks of."""

from __future__ import annotations

import re

from core.narrative.check import words
from core.narrative.check.claims import Claim, Mark
from core.words import word_set

Side = tuple[int, int]
# What may stand before a clause without being one.
_FILLERS = word_set("""
    just about some only around roughly a an few nearly almost and exactly shortly s sec second seconds min
    minute minutes h hour hours one two three four five six seven eight nine ten
""")
_LINKS = frozenset(("of", "to", "on", "in", "for"))


def phrases(table: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(table, key=lambda phrase: (-len(phrase), phrase))
    return re.compile(rf"(?<![a-z-])(?:{'|'.join(longest)})(?![a-z-])")


def sides(claim: Claim, span: Side) -> tuple[Side, Side]:
    """Before and after the word. `Because A, B` and `After A, B`: B stands after the comma and counts as
    before."""
    left, right = (0, span[0]), (span[1], len(claim.body))
    if not any(True for _ in claim.placed(*left)) and not _letters(claim.lower[: span[0]]):
        comma = claim.body.find(",", span[1])
        if comma > 0:
            return (comma, len(claim.body)), (span[1], comma)
    return left, right


def _letters(text: str) -> bool:
    """Whether more stands there than a hedge or a duration: `probably because ...`, `8 s after ...`."""
    return any(word not in words.HEDGES and word not in _FILLERS for word in re.findall(r"[a-z]+", text))


def words_in(claim: Claim, side: Side) -> set[str]:
    return {word.text for word in claim.words if side[0] <= word.at < side[1]}


def is_service(claim: Claim, mark: Mark) -> bool:
    return mark.text.lower() in claim.services


def of_change(claim: Claim, index: int) -> bool:
    """Whether a name belongs to a change: `deploy of payments`, `the payments deploy`."""
    before = [word for word in claim.words if word.end <= index][-2:]
    joined = bool(before) and not claim.body[before[-1].end : index].strip()
    if joined and len(before) == 2 and before[0].text in words.CHANGE_WORDS and before[1].text in _LINKS:
        return True
    after = next((word for word in claim.words if word.at > index), None)
    between = claim.body[index + 1 : after.at].strip(" (") if after else "-"
    return after is not None and after.text in words.CHANGE_WORDS and not between
