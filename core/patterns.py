"""Regular expressions that operators write, by RE2: every answer takes time linear in the text.

A pattern that another engine would hang on is safe here; what RE2 cannot do (backreferences, look-around) is
refused when it is read, with the reason. Matching is always of the whole text, as in Prometheus.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import re2  # type: ignore[import-untyped]
from pydantic import AfterValidator

from core.errors import InputError

MAX_PATTERN = 1_000
# What one pattern may hold, compiled and while it runs; a pattern that needs more is refused.
_MAX_MEMORY = 1 << 20
_LOOK = "Write it without look-ahead, look-behind or conditions: RE2 has none, so that no text makes it hang"
_BACK = "Write it without backreferences: RE2 has none, so that no text makes it hang"
# The beginning of what RE2 says, and how to mend it. The first that fits.
_MENDS = (
    ("invalid perl operator: (?P", _BACK),
    ("invalid perl operator", _LOOK),
    ("invalid escape sequence: \\Z", "Write \\z for the end of the text"),
    *((f"invalid escape sequence: \\{digit}", _BACK) for digit in "123456789"),
    ("invalid named capture", "Name a group as (?P<name>...)"),
    ("invalid escape sequence: \\k", _BACK),
    ("invalid escape sequence", "Write \\\\ for a backslash"),
    ("missing argument to repetition operator", "Put something before *, + or ?; write \\* for a star"),
    ("no argument for repetition operator", "Put something before *, + or ?; write \\* for a star"),
    ("invalid repetition size", "Repeat 1,000 times at most"),
    ("bad repetition operator", "Repeat once: write a+ or a*, not both"),
    ("missing )", "Close the bracket, or write \\( for a bracket in the text"),
    ("unexpected )", "Open a bracket before it, or write \\) for a bracket in the text"),
    ("missing ]", "Close the bracket, or write \\[ for a bracket in the text"),
    ("pattern too large", "Write it shorter, or with fewer repetitions"),
)


class Pattern:
    """A compiled pattern; `text` is what the operator wrote. Make it with `compile_pattern`."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._compiled = re2.compile(text.encode("utf-8"), _options())

    def fullmatch(self, text: str) -> bool:
        """Whether the whole of `text` fits. Half a surrogate pair, which is no character, stands as `?`."""
        return self._compiled.fullmatch(text.encode("utf-8", "replace")) is not None


def compile_pattern(text: str, where: str, error: type[InputError] = InputError) -> Pattern:
    """The pattern. Raises `error` naming `where` and how to mend it."""
    if len(text) > MAX_PATTERN:
        raise error(f"a pattern of {len(text)} characters", where=where, mend=f"Write {MAX_PATTERN} at most")
    made = _compiled(text)
    if isinstance(made, Pattern):
        return made
    raise error(f"not a pattern: {made}", where=where, mend=_mend(made))


@lru_cache(maxsize=1_024)
def _compiled(text: str) -> Pattern | str:
    """The pattern, or why it is none."""
    try:
        return Pattern(text)
    except UnicodeEncodeError:
        return "it holds half a surrogate pair, which is no character"
    except re2.error as problem:
        return _said(problem.args[0])


def _said(message: str | bytes) -> str:
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else message


def _mend(said: str) -> str:
    fitting = (mend for start, mend in _MENDS if said.startswith(start))
    return next(fitting, "Write it in the syntax of RE2")


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors, options.never_capture, options.max_mem = False, True, _MAX_MEMORY
    return options


def _checked(text: str) -> str:
    try:
        compile_pattern(text, "")
    except InputError as problem:
        raise ValueError(str(problem)) from None
    return text


# Of a document that operators write: stays text, but is known to compile.
PatternText = Annotated[str, AfterValidator(_checked)]
