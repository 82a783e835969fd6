"""Who calls whom: a sentence that says so needs a cited edge for each pair that it names."""

from __future__ import annotations

import re

from core.narrative.check.claims import Claim

_MARK = "[\ue000-\uf8ff]"
_LIST = f"{_MARK}(?:(?:, and |, | and |,? or ){_MARK}){{0,12}}"
_FILLER = "(?: (?:also|both|all|each|directly|themselves|in turn))?"
_VERBS = (
    "calls?|calling|depends? on|depending on|relies on|rely on|"
    "needs?|needing|uses?|using|talks? to|asks?|queries|"
    "(?:is|are) (?:a )?clients? of|sends? (?:requests|traffic|queries|calls) to|connects? to|invokes?|"
    "(?:is|are) (?:a )?callers? of|(?:is|are) dependent on"
)
_CALLS = re.compile(
    f"({_LIST})(?:,? (?:which|that|who|and))?{_FILLER} (?:{_VERBS})(?: the| service)? ({_LIST})"
)
_CALLED_BY = re.compile(
    f"({_LIST})(?:,? (?:which|that))? (?:is|are|was|were)?{_FILLER} ?(?:called by|used by|needed by|asked by|"
    f"serves?|"
    f"feeds?|fed|supports?|depended on by|(?:a )?dependency of|(?:a )?callee of)(?: the| service)? ({_LIST})"
)


def calls_hold(claim: Claim) -> bool:
    """`A and B call C` needs the edges A to C and B to C among the cited facts."""
    edges = {(fact.subject.lower(), fact.object.lower()) for fact in claim.cited if fact.kind == "edge"}
    said = [(match[1], match[2]) for match in _CALLS.finditer(claim.lower)]
    said += [(match[2], match[1]) for match in _CALLED_BY.finditer(claim.lower)]
    pairs = [
        (a, b) for callers, callees in said for a in _names(claim, callers) for b in _names(claim, callees)
    ]
    return all(pair in edges for pair in pairs) and len(set(pairs)) == len(pairs)


def _names(claim: Claim, listed: str) -> list[str]:
    marks = [claim.mark(character) for character in listed]
    return [mark.text.lower() for mark in marks if mark is not None]
