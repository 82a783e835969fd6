"""Why was I paged, and why is it what it is: short sentences for people, made from an incident's document.

They say what the document and the explanation beside it say, in the words of core/explain_words.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.explain_words import (
    held_by,
    linked_by,
    listed,
    missed_by,
    not_paged_because,
    paged_because,
)
from core.model.document import Document
from core.narrative.judged import judged, worded
from core.narrative.plain import one_line, short_version
from core.narrative.why_origin import elsewhere_of, origin_sentences

_OPEN = ("triggered", "acknowledged", "mitigated")
# What became of pages, beside what was decided of them.
TOLD = ("paged", "not_paged", "not_escalated")
_NAME, _TEXT, _MERGES, _CAUSES = 80, 300, 3, 3


def explanation(document: Mapping[str, Any], live: Mapping[str, Any] | None) -> Document:
    """`said`: by question (told, routed, severity, means, joined, origin, nearly, changed), short sentences;
    and what they stand on. `beside`: what the origin calls and that alerts in other incidents. `live` is of
    explain_incident; None for an incident that has left memory, of which its document alone is known:
    `nearly_joined` is None then, since nobody can look any more."""
    nearly = list(live["nearly_joined"]) if live else None
    return {
        "said": {
            "told": told_sentences(document, live["storm"] if live else None),
            "routed": list(live["routed"]) if live else [],
            "means": list(live["means"]) if live else [],
            "severity": live["severity_said"] if live else severity_sentences(document),
            "joined": joined_sentences(document),
            "origin": origin_sentences(document, live["called"] if live else None),
            "nearly": nearly_sentences(nearly),
            "changed": changed_sentences(document),
        },
        "told": told(document),
        "beside": elsewhere_of(document, live["called"] if live else None),
        "severity_why": live["severity"] if live else None,
        "nearly_joined": nearly and [{**miss, "words": missed_by(miss["why"])} for miss in nearly],
    }


def told(document: Mapping[str, Any]) -> list[Document]:
    """Each time that somebody was paged, or was not: at, what, reason and detail of the history; `words`."""
    rows = [entry for entry in document["history"] if entry["what"] in TOLD]
    keys = ("at", "what", "reason", "detail")
    return [{**{key: row[key] for key in keys}, "words": _row_words(row)} for row in rows]


def told_sentences(document: Mapping[str, Any], storm: Mapping[str, str] | None = None) -> list[str]:
    """Who was told first and why, what came after it, and what holds pages back. `storm`: since when there
    is one that makes the first page wait, and when that is due."""
    rows = told(document)
    paged = [row for row in rows if row["what"] == "paged"]
    held = [row for row in rows if row["what"] == "not_paged"]
    found = [_first(document, paged, held, storm)]
    if len(paged) > 1:
        last = paged[-1]
        how = "followed" if any(row["detail"] for row in paged) else "would have followed"
        more = f"{len(paged) - 1} more page{'s' * (len(paged) > 2)} {how}"
        found.append(f"{more}; the last at {clock(last['at'])}, because {_because(last)}.")
    if paged and held and held[-1]["at"] >= paged[-1]["at"]:
        found.append(f"The page of {clock(held[-1]['at'])} was not sent, because {_because(held[-1])}.")
    found += [_row_words(row) for row in rows if row["what"] == "not_escalated"][-1:]
    found += _undelivered(document)
    return [*found, *_held_now(document)]


def severity_sentences(document: Mapping[str, Any]) -> list[str]:
    """Of an incident of which the history alone is known."""
    words = one_line(document["severity_reason"], _NAME).replace("-", " ").replace("_", " ")
    return [f"It is {one_line(document['severity'], 10)}: {words}."]


def joined_sentences(document: Mapping[str, Any]) -> list[str]:
    """How its alerts came together: by rules, then what people merged into it."""
    return [_by_rules(document), *_by_people(document)]


def _by_rules(document: Mapping[str, Any]) -> str:
    count = len(document["alerts"])
    if count == 1:
        return "It is one alert; nothing else was joined with it."
    links = links_of(document)
    if links is None:
        return f"Its {count:,} alerts are one incident."
    rows = links["children"]
    by = Counter(node["rule"] for node in rows if _joins(node))
    # Of many alerts only the first are told: what is counted of them says nothing of all.
    whole = len(rows) == count
    ways = [linked_by(rule) + f" ({times})" * (whole and times > 1) for rule, times in by.items()]
    if not ways:
        return f"Its {count:,} alerts were put together by a person, or by rules that are others now."
    return f"Its {count:,} alerts are one incident, joined as {listed(ways)}."


def _by_people(document: Mapping[str, Any]) -> list[str]:
    """Who merged what into it, the last ones."""
    rows = [row for row in document["history"] if (row["what"], row["reason"]) == ("merged", "person")]
    more = [f"People merged {len(rows) - _MERGES} more into it before."] if len(rows) > _MERGES else []
    return more + [_merged(row) for row in rows[-_MERGES:]]


def _merged(row: Mapping[str, Any]) -> str:
    who, what = one_line(row["actor"], _NAME), one_line(row["detail"], _NAME)
    return f"{who} merged {what} into it at {clock(row['at'])}."


def nearly_sentences(nearly: Sequence[Document] | None) -> list[str]:
    """The closest miss, and how many more there were; that it is not known, for None."""
    if nearly is None:
        return ["Not known any more: the incident has left memory, and its document does not hold that."]
    if not nearly:
        return []
    first = nearly[0]
    more = f" ({len(nearly) - 1} more below)" if len(nearly) > 1 else ""
    return [f"It is apart from {one_line(first['incident'], _NAME)}: {missed_by(first['why'])}{more}."]


def changed_sentences(document: Mapping[str, Any]) -> list[str]:
    """What is most likely, how it was judged before it went out, and what people say of it."""
    rows = document.get("changes") or ()
    first = [row["risk"] for row in rows[:1] if row.get("risk") and row.get("role") == "suspect"]
    causes = list(document.get("causes") or ())[-_CAUSES:]
    return [
        one_line(document["questions"]["what_changed"]["answer"], 400),
        *(f"{one_line(judged(risk), 600)}." for risk in first),
        *(f"{one_line(_named(cause), _NAME)}: {one_line(worded(cause), 400)}." for cause in causes),
    ]


def _named(cause: Mapping[str, Any]) -> str:
    return f"{cause['kind']} of {cause['service']} {short_version(cause['version'])}".strip()


def links_of(document: Mapping[str, Any]) -> Document | None:
    """The node of the why-tree that says of each alert what joined it; none in documents of before."""
    why = document["why"] or {"children": ()}
    return next((node for node in why["children"] if node["rule"] == "links"), None)


def clock(at: str) -> str:
    """`08:01 UTC on 2026-03-02`."""
    return f"{at[11:16]} UTC on {at[:10]}"


def _joins(node: Document) -> bool:
    return bool(node["counted"]) and node["rule"] != "links"


def _first(
    document: Mapping[str, Any],
    paged: Sequence[Document],
    held: Sequence[Document],
    storm: Mapping[str, str] | None,
) -> str:
    if paged:
        row = paged[0]
        who = one_line(row["detail"], _TEXT)
        if not who:
            return f"A page was due at {clock(row['at'])}, because {_because(row)}; no route says to whom."
        verb = "were" if "," in who else "was"
        return f"{_and(who)} {verb} paged at {clock(row['at'])}, because {_because(row)}."
    if held:
        row = held[-1]
        return f"Nobody was paged at {clock(row['at'])}, because {_because(row)}."
    if storm is not None:
        return (
            f"Nobody has been paged yet: very many alerts have begun since {clock(storm['since'])}, and in"
            " such a storm first pages wait, so that there is one for each cause. This one is due at"
            f" {clock(storm['due'])}; a P0 is paged as ever."
        )
    if document["status"] in _OPEN:
        return "Nobody has been paged yet: the first page waits a little, so that it tells the whole story."
    return "Nobody was ever paged about it."


def _because(row: Document) -> str:
    if row["what"] == "paged":
        return paged_because(row["reason"])
    return not_paged_because(row["reason"], row["detail"])


def _row_words(row: Document) -> str:
    if row["what"] == "paged":
        who = _and(one_line(row["detail"], _TEXT)) or "Nobody (no route)"
        return f"{who}: {paged_because(row['reason'])}"
    how = "Not escalated" if row["what"] == "not_escalated" else "Not paged"
    return f"{how}: {not_paged_because(row['reason'], row['detail'])}"


def _and(names: str) -> str:
    return listed(names.split(", ")) if names else ""


def _undelivered(document: Mapping[str, Any]) -> list[str]:
    count = sum(one["status"] == "failed" for one in document.get("deliveries", ()))
    return [f"{count} of these pages could not be delivered."] if count else []


def _held_now(document: Mapping[str, Any]) -> list[str]:
    """What keeps all that fires from paging at this moment, by whom and until when."""
    firing = [alert for alert in document["alerts"] if alert["status"] != "resolved"]
    held = [alert["suppressed"][0] for alert in firing if alert.get("suppressed")]
    if not firing or len(held) < len(firing) or document["status"] not in _OPEN:
        return []
    one = held[0]
    until = f" until {clock(one['until'])}" if one["until"] else ""
    words = f": {one_line(one['reason'], 200)}" if one["reason"] else ""
    return [f"For now nobody is paged about what fires: {held_by(one)}{until}{words}."]
