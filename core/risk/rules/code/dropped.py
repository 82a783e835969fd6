"""Errors that were handed on and no longer are: a `throw`, `raise` or `return err` of a handler that is gone.

What takes its place decides: a word in the log, another answer or another error is no silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import TouchedFile
from core.risk.rules.code.hunks import Hunk, begun, hunks, lost, texts
from core.risk.rules.rule import Match
from core.risk.rules.touched import finder, is_comment, shown

_ERROR = r"(?:e|ex|err|error|exc|exception|cause|t|reason)"
_HANDED_ON = finder(
    rf"^\s{{0,80}}throw(?:\s{{1,3}}{_ERROR})?\s{{0,3}};?\s{{0,5}}$"
    rf"|^\s{{0,80}}raise(?:\s{{1,3}}{_ERROR})?\s{{0,5}}$"
    rf"|^\s{{0,80}}raise\s.{{1,200}}\sfrom\s{{1,3}}{_ERROR}\s{{0,5}}$"
    rf"|^\s{{0,80}}throw\s{{1,3}}(?:new\s{{1,3}})?[\w.]{{1,80}}\(.{{0,200}}\b{_ERROR}\s{{0,3}}\)\s{{0,3}};?\s{{0,5}}$"
    rf"|^\s{{0,80}}return\s{{1,3}}(?:[\w.&{{}}\"]{{1,40}},\s{{0,3}}){{0,3}}(?:err"
    rf"|fmt\.Errorf\(.{{0,200}}\berr\))\s{{0,5}}$"
    rf"|^\s{{0,80}}(?:return\s{{1,3}})?(?:reject|next|callback|cb"
    rf"|done)\(\s{{0,3}}{_ERROR}\s{{0,3}}\)\s{{0,3}};?\s{{0,5}}$"
)
# Nothing that anybody hears of.
_MUTE = re.compile(
    r"\s{0,80}(?:pass|nil|continue;?|\.\.\.|;|return(?:\s{1,3}(?:None|null|nil|undefined|true|\[\]|\{\}|0))?;?"
    r"|return\s{1,3}[\w.&{}\"]{1,40},\s{0,3}nil|_\s{0,3}=\s{0,3}err|[{}]|\}\s{0,3}catch\b.{0,100})\s{0,5}"
)
_BEGINS = finder(r"^\s{0,80}\}?\s{0,3}(?:try\b|if\b|else\b|catch\b|except\b|rescue\b|elif\b)")
# Where the call left that gave it, none is left to hand on.
_CAME_FROM = finder(r"\berr\s{0,3}:?=(?!=)")
_DROPPED = "An error that was handed on ends here, and nobody hears of it: the caller takes it for done."
_SAY = "Hand it on, or log it and say to the caller that it did not happen."


def dropped(file: TouchedFile) -> Iterator[Match]:
    """Places where an error was handed on, and nothing is said of it any more."""
    if not any(_HANDED_ON(line.text) for line in file.removed):
        return
    names = begun(file)
    if any(_CAME_FROM(text) for hunk in hunks(file) for text in texts(hunk.removed)):
        return
    for hunk in hunks(file):
        line = next((one for one in hunk.removed if _HANDED_ON(one.text) and not is_comment(one.text)), None)
        if line is not None and not lost(hunk, names) and _is_mute(hunk):
            number = hunk.added[0].number if hunk.added else 0
            yield Match("code-error-swallowed", "medium", _DROPPED, _SAY, file.path, number, shown(line.text))


def _is_mute(hunk: Hunk) -> bool:
    """Whether the handler stays, and what stands there now says nothing."""
    if any(_BEGINS(text) for text in texts(hunk.removed)):
        return False
    return all(_MUTE.fullmatch(text) for text in texts(hunk.added))
