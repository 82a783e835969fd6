"""A sentence taken apart: its citations, its slots, the times and the names in it, and what words are left.

In the body every slot, time and name is one character of Unicode's private use area, so that no rule for
words or numbers reads foreign text. A sentence with such characters of its own never gets here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from core.narrative.check.words import FAMILIAR
from core.narrative.facts import Bundle, Fact, clock_text, time_text, value_text

_FIRST = 0xE000
MARK = re.compile("[\ue000-\uf8ff]")
# Linear patterns only: no repeated group holds another repetition of what could match the same text.
CITATION = re.compile(r"\s?\[(F[0-9]{1,4}(?:, ?F[0-9]{1,4}){0,30})\]")
SLOT = re.compile(r"\{(F[0-9]{1,4})\.([a-z]{1,12})\}")
TIME = re.compile(
    r"(?<![\w:.-])(?:([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T|,? (?:at )?))?"
    r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)(?:"
    r" ?(Z|UTC|GMT|[ap]m|[AP]M|[A-Z]{3,4}|[+-][0-9]{2}:?[0-9]{2})"
    r"(?: (UTC))?)?(?![\w:])"
)
DATE = re.compile(r"(?<![\w:.-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\w:-])")
_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")
_SLOTS = {
    "subject": lambda fact: fact.subject,
    "object": lambda fact: fact.object,
    "value": value_text,
    "at": time_text,
    "clock": clock_text,
}
# Which texts of a fact are names: what a sentence may not take from one fact and give to another.
_NAMED = {
    "status": ("subject",),
    "trouble": ("subject", "value"),
    "age": ("subject", "object"),
}
_ALL = ("subject", "object", "value")
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class Mark(NamedTuple):
    """A slot (of one fact and field), a time, or a name (of all facts that know it)."""

    kind: str
    text: str
    facts: tuple[str, ...] = ()
    field: str = ""


class Word(NamedTuple):
    text: str
    at: int
    end: int


class Names:
    """The names of a bundle, looked up by their first two characters."""

    def __init__(self, bundle: Bundle) -> None:
        self.of: dict[str, tuple[str, ...]] = {}
        for fact in bundle.facts:
            for name in names_of(fact):
                self.of[name.lower()] = (*self.of.get(name.lower(), ()), fact.id)
        self.services = frozenset(fact.subject.lower() for fact in bundle.of("trouble", "edge", "origin"))
        self._starts: dict[str, list[str]] = {}
        for name in sorted(self.of, key=lambda name: (-len(name), name)):
            self._starts.setdefault(name[:2], []).append(name)

    def at(self, lower: str, index: int) -> str:
        """The longest name that stands at `index` between borders, or empty."""
        for name in self._starts.get(lower[index : index + 2], ()):
            if lower.startswith(name, index) and not _glued(lower, index + len(name)):
                return name
        return ""


def names_of(fact: Fact) -> tuple[str, ...]:
    """Texts of a fact that are names, and the ids of its evidence. A service called `queue` or `2` is no
    name."""
    texts = [getattr(fact, field) for field in _NAMED.get(fact.kind, _ALL)]
    found = [text for text in (*texts, *fact.evidence) if isinstance(text, str) and len(text) > 1]
    return tuple(dict.fromkeys(name for name in found if not _ordinary(name)))


def _ordinary(name: str) -> bool:
    """Words of the language and mere numbers: to read them as names would blind the other rules."""
    return all(word in FAMILIAR or _DIGITS.fullmatch(word) for word in name.lower().split())


class Claim:
    """One sentence against one bundle. `body` has a private character for each of `marks`."""

    def __init__(self, sentence: str, facts: dict[str, Fact], names: Names) -> None:
        self.all, self.services = facts, names.services
        self.cited_ids = tuple(dict.fromkeys(_ids(sentence)))
        self.cited = tuple(facts[name] for name in self.cited_ids if name in facts)
        self.marks: list[Mark] = []
        self.bad_slot = False
        body = SLOT.sub(self._slot, CITATION.sub("", sentence))
        body = DATE.sub(self._date, TIME.sub(self._time, body))
        self.body = "".join(self._named(body, names))

    @cached_property
    def lower(self) -> str:
        return self.body.lower()

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return tuple(Word(m[0], m.start(), m.end()) for m in _WORD.finditer(self.lower))

    @cached_property
    def word_set(self) -> frozenset[str]:
        """Words, and the parts of joined ones (`isn't` is `isn` and `not`)."""
        found: set[str] = set()
        for word in self.words:
            found.add(word.text)
            found.update(part for part in re.split(r"['-]", word.text.replace("n't", " not")) if part)
            found.update(word.text.replace("n't", " not").split())
        return frozenset(found)

    def mark_at(self, index: int) -> Mark | None:
        return self.mark(self.body[index])

    def mark(self, character: str) -> Mark | None:
        place = ord(character) - _FIRST
        return self.marks[place] if 0 <= place < len(self.marks) else None

    @cached_property
    def _places(self) -> tuple[tuple[int, Mark], ...]:
        return tuple((m.start(), self.marks[ord(m[0]) - _FIRST]) for m in MARK.finditer(self.body))

    def placed(self, low: int = 0, high: int | None = None) -> Iterator[tuple[int, Mark]]:
        """Marks in a part of the body, with their places."""
        end = len(self.body) if high is None else high
        return ((index, mark) for index, mark in self._places if low <= index < end)

    def text(self) -> str:
        """Slots filled, citations gone."""
        return " ".join(MARK.sub(lambda match: self.marks[ord(match[0]) - _FIRST].text, self.body).split())

    def _put(self, mark: Mark) -> str:
        self.marks.append(mark)
        return chr(_FIRST + len(self.marks) - 1)

    def _slot(self, match: re.Match[str]) -> str:
        fact, fill = self.all.get(match[1]), _SLOTS.get(match[2])
        text = fill(fact) if fact is not None and fill is not None else ""
        if fact is None or not text:
            self.bad_slot = True
            return ""
        return self._put(Mark("slot", text, (fact.id,), match[2]))

    def _time(self, match: re.Match[str]) -> str:
        return self._put(Mark("time", match[0], (), "time"))

    def _date(self, match: re.Match[str]) -> str:
        return self._put(Mark("time", match[0], (), "date"))

    def _named(self, body: str, names: Names) -> Iterator[str]:
        lower, index = body.lower(), 0
        while index < len(body):
            name = "" if index and _joins(lower[index - 1]) else names.at(lower, index)
            if name and len(lower) == len(body):
                yield self._put(Mark("name", body[index : index + len(name)], names.of[name]))
                index += len(name)
            else:
                yield body[index]
                index += 1


def _ids(sentence: str) -> Iterable[str]:
    for match in CITATION.finditer(sentence):
        yield from match[1].replace(" ", "").split(",")


def _joins(character: str) -> bool:
    return character.isalnum() or character in "-_."


def _glued(lower: str, end: int) -> bool:
    """Whether a name that would end here goes on: `payments` does not end in `payments-db` or
    `payments.local`."""
    if end >= len(lower):
        return False
    if lower[end] in "-./@:=" and end + 1 < len(lower):
        return lower[end + 1].isalnum() or lower[end + 1] in "/_"
    return lower[end].isalnum() or lower[end] == "_"
