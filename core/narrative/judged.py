"""How a change was judged before it went out, and what people say of it, in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.risk.telling import lasting

_MATCHES = 2
_VERDICTS = {"allow": "nothing held it", "warn": "with a warning", "hold": "to be held"}


def judged(risk: Mapping[str, Any]) -> str:
    """`Judged high before it went out, with a warning: drops a column that is still read (and 2 more); a
    rollback to the old version does not undo that`. The words of matches are foreign: whoever shows this
    makes it harmless."""
    level = risk.get("level")
    if level is None:
        return f"Judged before it went out: no rule matched{_probably(risk)}"
    verdict = _VERDICTS.get(str(risk.get("verdict")), "")
    matches = list(risk.get("matches") or ())
    found = [str(one.get("what") or one.get("rule", "")).rstrip(".") for one in matches[:_MATCHES]]
    rest = len(matches) - len(found) + int(risk.get("more") or 0)
    more = f" (and {rest} more)" if rest else ""
    said = f": {'; '.join(found)}{more}" if found else ""
    return f"Judged {level} before it went out, {verdict}{said}{_stays(matches, len(found))}{_probably(risk)}"


def _stays(matches: Sequence[Mapping[str, Any]], said: int) -> str:
    """What a roll-back of the program leaves undone; the telling ones stand first."""
    rules = [lasting(str(one.get("rule", ""))) for one in matches[:said]]
    what = "that" if len(rules) == 1 else "all of it"
    return f"; a rollback to the old version does not undo {what}" if any(rules) else ""


def _probably(risk: Mapping[str, Any]) -> str:
    chance = risk.get("probability")
    return "" if chance is None else f"; chance to be mended later {_percent(int(chance))}"


def _percent(thousandths: int) -> str:
    """No truer than it is: whole percents, and no certainty."""
    return "under 1 %" if thousandths < 10 else f"{min(99, (thousandths + 5) // 10)} %"


def word_of(document: Mapping[str, Any], change: str) -> Mapping[str, Any] | None:
    """What people last said of a change of an incident."""
    return next((one for one in document.get("causes") or () if one["change"] == change), None)


def worded(cause: Mapping[str, Any]) -> str:
    """`ana says that it caused this: the index was gone`."""
    how = "it caused this" if cause["caused"] else "it did not cause this"
    why = f": {cause['reason']}" if cause["reason"] else ""
    return f"{cause['actor']} says that {how}{why}"
