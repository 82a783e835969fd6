"""Deadlines that stand round a call rather than in it, and leave it: Go's contexts, Python's `wait_for`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import Line, TouchedFile
from core.risk.rules.code.hunks import begun, hunks, lost, says_nothing, sides, texts
from core.risk.rules.touched import finder

_CONTEXT = finder(r"\bcontext\.With(?:Timeout|Deadline)(?:Cause)?\(")
_ROUND = re.compile(r"\b(?:asyncio\.)?wait_for\(\s{0,5}(\w[\w.]{0,80}\()")
_BLOCK = finder(
    r"\bwith\s{1,3}.{0,40}\b(?:asyncio\.timeout|async_timeout\.timeout|(?:move_on|fail)_(?:after|at))\("
)
_OF_CONTEXT = finder(r"\bcancel\(\)|\bcontext\.With")
_ANY = finder(r"\bWith(?:Timeout|Deadline)|wait_for\(|timeout|deadline|(?:move_on|fail)_(?:after|at)")


def is_deadline(text: str) -> bool:
    return bool(_CONTEXT(text) or _ROUND.search(text) or _BLOCK(text))


def undue(file: TouchedFile) -> Iterator[Line]:
    """Deadlines that are gone from a call that stays."""
    if not any(is_deadline(line.text) for line in file.removed) or sides(file).says(_ANY):
        return
    names = begun(file)
    for hunk in hunks(file):
        now = {text.strip() for text in texts(hunk.added)}
        rest = [text for text in texts(hunk.removed) if not (is_deadline(text) or _OF_CONTEXT(text))]
        if lost(hunk, names) or any(text.strip() not in now for text in rest):
            continue
        for line in hunk.removed:
            call = _ROUND.search(line.text)
            stays = not call or any(call[1] in text for text in now)
            if not says_nothing(line.text) and is_deadline(line.text) and stays:
                yield line
                break
