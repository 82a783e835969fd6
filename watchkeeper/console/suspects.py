"""Where an incident seems to come from, and the changes near it: what may have caused or ended it."""

from __future__ import annotations

from typing import NamedTuple

from core.model.document import Document
from core.narrative.judged import judged, word_of, worded
from core.narrative.plain import short_version
from watchkeeper.console.clocks import Stamp, stamp
from watchkeeper.console.text import TERM_WORDS, place, safe_url, score, shorten, url_host, words

ROLES = {
    "suspect": ("Suspect", "it came before the trouble"),
    "repair": ("Probable repair", "the alerts ended after it"),
}


class Origin(NamedTuple):
    """`terms`: name, worth in thousandths, width of its bar in percent of the largest."""

    service: str
    where: str
    score: str
    summary: str
    terms: list[tuple[str, int, int]]


class Change(NamedTuple):
    """`role` and `meaning` are empty in documents of before there were roles. `judged`: how it was judged
    before it went out; `word`: what people say of it, `caused` in short; `whole`: what `version` is
    the beginning of."""

    anchor: str
    kind: str
    service: str
    version: str
    author: str
    where: str
    url: str
    host: str
    at: Stamp | None
    why: str
    role: str
    meaning: str
    judged: str = ""
    word: str = ""
    caused: bool | None = None
    whole: str = ""


def origin_view(document: Document) -> Origin | None:
    origin = document["origin"]
    if origin is None:
        return None
    largest = max([1, *origin["terms"].values()])
    summary = next((f["summary"] for f in document["findings"] if f["kind"] == "probable-origin"), "")
    return Origin(
        shorten(origin["service"], 100),
        place(origin),
        score(origin["score"]),
        shorten(summary, 300),
        [
            (TERM_WORDS.get(name, words(name)).capitalize(), worth, max(0, 100 * worth // largest))
            for name, worth in origin["terms"].items()
        ],
    )


def change_view(document: Document, change: Document, now: int) -> Change:
    url = safe_url(change["url"])
    found = (f["summary"] for f in document["findings"] if f["subject"] == change["id"])
    word = word_of(document, change["id"])
    role, meaning = ROLES.get(change.get("role", ""), ("", ""))
    return Change(
        change["id"],
        shorten(change["kind"], 40).capitalize(),
        shorten(change["service"], 100),
        shorten(short_version(change["version"]), 120),
        shorten(change["author"], 100),
        place(change),
        url,
        url_host(url),
        stamp(change["at"], now),
        shorten(next(found, ""), 400),
        role,
        meaning,
        shorten(judged(change["risk"]), 700) if change.get("risk") else "",
        shorten(worded(word), 500) if word else "",
        word["caused"] if word else None,
        shorten(change["version"], 120) if short_version(change["version"]) != change["version"] else "",
    )
