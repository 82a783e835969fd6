"""Templates of YAML (Helm, Jinja) as the YAML that they nearly are: what is written plainly can be judged.

Nothing is rendered. Each line keeps its number; what a template would put in is a value that says nothing.
Expressions of pipelines (`${{ }}`) are no templates of YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Stands for a value that nobody knows: rules take what has a `$` for one that is filled in later.
UNKNOWN = "$_"
_OPEN = re.compile(r"(?<!\$)\{\{|\{%|\{#")
_CLOSE = {"{{": "}}", "{%": "%}", "{#": "#}"}
_NO_VALUE = re.compile(
    r"[-+~\s]{0,9}(?:/\*|(?:if|else|end|with|range|define|block|break|continue)\b|\$\w{0,60}\s{0,9}:?=)"
)


def is_template(text: str) -> bool:
    return _OPEN.search(text) is not None


def plain_of(text: str) -> str:
    """The text with every expression as a value, or as nothing: those that only steer, and those that fill
    lines of their own."""
    return "\n".join(_lines("".join(_pieces(text))))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    while found := _OPEN.search(text, at):
        mark = found[0]
        end = text.find(_CLOSE[mark], found.end())
        if end < 0:
            break
        inside = text[found.end() : end]
        yield text[at : found.start()]
        yield _GONE if mark != "{{" or _NO_VALUE.match(inside) else _VALUE
        yield "\n" * inside.count("\n")
        at = end + 2
    yield text[at:]


# Neither is in a text that YAML takes.
_GONE, _VALUE = "\x01", "\x02"


def _lines(text: str) -> Iterator[str]:
    """A line of expressions alone is what another part of the template puts there."""
    for line in text.split("\n"):
        bare = line.strip(" \t\x01\x02")
        if not bare and ("\x01" in line or "\x02" in line):
            yield ""
        else:
            yield line.replace(_GONE, "").replace(_VALUE, UNKNOWN)
