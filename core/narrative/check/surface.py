"""The surface of a sentence: its letters and signs. No hidden characters, addresses, markup, commands,
instructions.

The first look is at the text as it came, before any other rule reads it; the second at what is left when
slots and names are taken out.
"""

from __future__ import annotations

import re
import unicodedata

from core.narrative.check import words
from core.narrative.check.claims import CITATION, Claim

_DENIED = re.compile(rf"(?<![a-z])(?:{'|'.join(words.DENIED)})(?![a-z])")
_SAME = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-", "\u2013": "-",
    "\u2014": "-", "\u2026": "...", "\u00a0": " ", "\u202f": " ",
})  # fmt: skip
_BULLET = re.compile(r"^ {0,3}[-*•] ")
_ADDRESS = re.compile(
    r"://|(?<![a-z])www\.|mailto:|@|(?<![a-z])(?:https?|ftp|javascript|data):", re.IGNORECASE
)
_OPTION = re.compile(r"(?:^| )--?[a-zA-Z]")
_SCALE = re.compile(r"(?<=[0-9])/(?=1000(?![0-9]))|(?<= and)/(?=or )")
_SIGNS = frozenset(".,;:!?'\"()%- `")
_SENTENCE_END = re.compile(r"[.!?] +(?=[A-Z{\"'`])")
_LEAST_ASCII = 900


def plain(raw: str) -> str:
    """Typographic signs as ASCII ones, without a list's bullet, on no more than one line at the ends."""
    return _BULLET.sub("", raw.strip(" \t\r\n").translate(_SAME))


def letter_reasons(text: str) -> tuple[str, ...]:
    """Control, format, private and combining characters, line breaks; other scripts; addresses."""
    if not text:
        return ("empty",)
    if text.isascii() and text.isprintable():
        return ("address",) if _ADDRESS.search(text) else ()
    if any(
        unicodedata.category(c)[0] in "CM" or (c != " " and unicodedata.category(c)[0] == "Z") for c in text
    ):
        return ("hidden characters",)
    letters = [c for c in text if c.isalpha()]
    if sum(c.isascii() for c in letters) * 1000 < _LEAST_ASCII * len(letters):
        return ("not English",)
    return ("address",) if _ADDRESS.search(text) else ()


def body_reasons(claim: Claim) -> tuple[str, ...]:
    """Markup, commands and instructions in what is left of the sentence."""
    body, found = _SCALE.sub("", claim.body), []
    if any(not (c.isalnum() or c in _SIGNS or 0xE000 <= ord(c) <= 0xF8FF) for c in body):
        found.append("markup")
    if any(c.isalpha() and not c.isascii() for c in body if not 0xE000 <= ord(c) <= 0xF8FF):
        found.append("unknown name")
    if _OPTION.search(body) or any(word.text in words.COMMANDS for word in claim.words):
        found.append("command")
    if claim.word_set & words.INSTRUCTIONS or _imperative(claim):
        found.append("instruction")
    if claim.word_set & words.UNFOUNDED or claim.word_set & words.RELATIVE_TIMES:
        found.append("unsupported claim")
    if _DENIED.search(claim.lower):
        found.append("unsupported claim")
    return tuple(found)


def uncited_part(text: str) -> bool:
    """Whether one of several sentences in one text cites nothing. A citation after the full stop counts
    before it."""
    moved = re.sub(r"([.!?])((?: ?\[F[0-9, F]{1,60}\]){1,20})", r"\2\1", text)
    return any(not CITATION.search(part) for part in _SENTENCE_END.split(moved))


def _imperative(claim: Claim) -> bool:
    """A clause that begins with a bare verb tells somebody to do something."""
    starts = [
        0,
        *(m.end() for m in re.finditer(r"[.;:!?,] (?:then |and |so )?|(?:^| )(?:and|then|to) ", claim.lower)),
    ]
    first = {word.at: word.text for word in claim.words}
    opens = [
        first.get(start) for start in starts if start == 0 or claim.lower[start - 2 : start - 1] in ".;:!?"
    ]
    return any(word in words.IMPERATIVES for word in opens)
