"""Alertmanager's matchers: `foo="bar"`, `foo!="bar"`, `foo=~"b.*"`, `foo!~"b.*"`, alone or listed in braces.

Read is what its two parsers agree on: names bare or in double quotes, values bare or in double quotes with
the escapes `\\"`, `\\\\` and `\\n`. A label that an alert lacks is empty; regular expressions are RE2 and fit
the whole value. Names that begin with `@` are what identity made of the labels, see VIRTUAL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator

from core.errors import InputError
from core.model.incident import Episode
from core.patterns import compile_pattern

Op = Literal["=", "!=", "=~", "!~"]
OPS: tuple[Op, ...] = ("=~", "!~", "!=", "=")
ValueOf = Callable[[str], str]
_LEVELS = ("critical", "high", "warning", "info")
# Ours, beside the labels as they were sent. The level is what the severity rule makes of the alert's word.
VIRTUAL: dict[str, Callable[[Episode], str]] = {
    "@service": lambda episode: episode.entity.service,
    "@environment": lambda episode: episode.entity.environment,
    "@cluster": lambda episode: episode.entity.cluster,
    "@domain": lambda episode: episode.entity.domain,
    "@level": lambda episode: _LEVELS[min(episode.alert_rank, 3)],
}
MAX_TEXT, MAX_NAME, MAX_VALUE, MAX_MATCHERS = 10_000, 200, 1_000, 50
_REMEMBERED = 1_000
_NAME = re.compile(r"[^{}!=~,\\\"'`\s]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_OP = re.compile(r"=~|!~|!=|=")
_BARE = re.compile(r'[^,"]*')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}
_WORDS = re.compile(r"[\w -]+(?:\|[\w -]+)*")
_MEND = 'Write it like alertname="HighLatency", service=~"cart|checkout" or severity!="critical"'


class Matcher(msgspec.Struct, frozen=True):
    """One test of one label. Make it with `matcher`, which refuses what cannot be."""

    name: str
    op: Op
    value: str

    @property
    def text(self) -> str:
        """As it is written; `parse_matchers` gives the same matcher again."""
        bare = _NAME.fullmatch(self.name) is not None
        return f"{self.name if bare else _quote(self.name)}{self.op}{_quote(self.value)}"

    def test(self) -> Callable[[str], bool]:
        """What says whether a label's value fits."""
        value = self.value
        match self.op:
            case "=":
                return lambda given: given == value
            case "!=":
                return lambda given: given != value
        return _remembering(compile_pattern(value, "matcher").fullmatch, self.op == "=~")

    def holds(self, value: str) -> bool:
        return self.test()(value)

    def literals(self) -> tuple[str, ...]:
        """The values that fit, where they can be listed and are not empty; else nothing."""
        if self.op == "=" and self.value:
            return (self.value,)
        if self.op == "=~" and _WORDS.fullmatch(self.value):
            return tuple(dict.fromkeys(self.value.split("|")))
        return ()


class Matchers:
    """Several matchers that must all hold, ready to be tested often."""

    __slots__ = ("_tests", "all")

    def __init__(self, matchers: Iterable[Matcher]) -> None:
        self.all = tuple(matchers)
        self._tests = tuple((VIRTUAL.get(one.name), one.name, one.test()) for one in self.all)

    def hold(self, value_of: ValueOf) -> bool:
        return all(fits(value_of(name)) for _, name, fits in self._tests)

    def fit(self, episode: Episode) -> bool:
        """Whether they hold for an alert."""
        labels = episode.labels
        for ours, name, fits in self._tests:
            if not fits(labels.get(name, "") if ours is None else ours(episode)):
                return False
        return True

    @property
    def text(self) -> str:
        return "{" + ", ".join(one.text for one in self.all) + "}"


def label_of(episode: Episode, name: str) -> str:
    """The value of a label, or of one of VIRTUAL; empty where there is none."""
    ours = VIRTUAL.get(name)
    return ours(episode) if ours is not None else episode.labels.get(name, "")


def of_labels(labels: Mapping[str, str]) -> ValueOf:
    return lambda name: labels.get(name, "")


def matcher(name: str, op: str, value: str) -> Matcher:
    """Raises InputError for a name, a sign or a pattern that cannot be."""
    if not name or len(name) > MAX_NAME:
        raise InputError("a matcher without a label's name", where="matcher", mend=_MEND)
    if len(value) > MAX_VALUE:
        raise InputError(f"a value of {len(value)} characters", where=name, mend=f"Write {MAX_VALUE} at most")
    if any("\ud800" <= sign <= "\udfff" for sign in name + value):
        raise InputError("half a surrogate pair, which is no character", where="matcher", mend="Give Unicode")
    known = next((one for one in OPS if one == op), None)
    if known is None:
        raise InputError(f"{op!r} is no sign of a matcher", where=name, mend="Use =, !=, =~ or !~")
    if known in ("=~", "!~"):
        compile_pattern(value, f"matcher {name}")
    return Matcher(name, known, value)


def check_ours(one: Matcher) -> None:
    """Raises InputError for a name with `@` that is none of VIRTUAL, and for a level that no alert has."""
    if not one.name.startswith("@"):
        return
    if one.name not in VIRTUAL:
        raise InputError(f"no {one.name!r} is known", where=one.text, mend=f"Use {', '.join(VIRTUAL)}")
    fits = Matcher(one.name, "=~" if "~" in one.op else "=", one.value).test()
    if one.name == "@level" and not any(fits(level) for level in _LEVELS):
        raise InputError("no alert has this level", where=one.text, mend=f"Use {', '.join(_LEVELS)}")


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """A list, with or without braces. Raises InputError that says at which character it goes wrong."""
    if len(text) > MAX_TEXT:
        raise InputError("too long", where="matchers", mend=f"Write {MAX_TEXT} characters at most")
    inner = text.strip()
    braced = inner.startswith("{")
    # Of a list in braces a value that stands bare may not end in one.
    if braced != inner.endswith("}") and (braced or not _ends_in_value(inner)):
        raise InputError("a brace without its pair", where=f"matchers {text[:80]!r}", mend=_MEND)
    if braced:
        inner = inner[1:-1].strip()
    found: list[Matcher] = []
    while inner:
        one, inner = _next(inner)
        found.append(one)
        if len(found) > MAX_MATCHERS:
            raise InputError("too many matchers", where="matchers", mend=f"Write {MAX_MATCHERS} at most")
    return tuple(found)


def parse_all(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Of several texts; a word without a sign that comes first is an alert's name, as for amtool."""
    found: list[Matcher] = []
    for number, text in enumerate(texts):
        named = number == 0 and _NAME.fullmatch(text.strip())
        found += [matcher("alertname", "=", text.strip())] if named else parse_matchers(text)
    return tuple(found)


def _ends_in_value(inner: str) -> bool:
    return re.search(r"[=~][^,]*\{[^,]*\}$", inner) is not None


def _next(text: str) -> tuple[Matcher, str]:
    """The first matcher of `text`, and what follows its comma."""
    name, rest = _quoted_or(text, _NAME)
    sign = _OP.match(rest)
    if not name or sign is None:
        raise InputError(f"no label and sign at {text[:40]!r}", where="matchers", mend=_MEND)
    value, rest = _quoted_or(rest[sign.end() :].lstrip(), _BARE)
    if rest and not rest.startswith(","):
        raise InputError(f"no comma before {rest[:40]!r}", where="matchers", mend=_MEND)
    return matcher(name, sign[0], value), rest[1:].lstrip()


def _quoted_or(text: str, bare: re.Pattern[str]) -> tuple[str, str]:
    """What stands at the start, in quotes or bare, and the rest after blanks."""
    found = _QUOTED.match(text) if text.startswith('"') else bare.match(text)
    if found is None:
        return "", text
    said = found[1] if found.re is _QUOTED else found[0].rstrip()
    if "\\" in said:
        said = _ESCAPE.sub(lambda sign: _ESCAPED.get(sign[1], sign[0]), said)
    return said, text[found.end() :].lstrip()


def _remembering(fits: Callable[[str], bool], wanted: bool) -> Callable[[str], bool]:
    """Labels have few values, and a pattern takes its time for each."""
    known: dict[str, bool] = {}

    def test(given: str) -> bool:
        found = known.get(given)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            found = known[given] = fits(given) == wanted
        return found

    return test


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _written(text: str) -> str:
    try:
        for one in parse_matchers(text):
            check_ours(one)
    except InputError as problem:
        raise ValueError(str(problem)) from None
    return text


# Of a document that operators write: stays text, but is known to be right.
MatcherText = Annotated[str, AfterValidator(_written)]
