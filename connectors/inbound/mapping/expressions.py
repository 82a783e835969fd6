"""JMESPath expressions of mapping files: checked when a file is read, and run on bodies that may be hostile.

Beside JMESPath's own functions there are `split(text, separator)`, which gives a list of texts, and
`lower(text)`. An expression that cannot be evaluated raises ExpressionFault and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

MAX_CHARS = 1_000
MAX_DEPTH = 100
MAX_PARTS = 1_000
# What evaluating can raise beside its own errors: numbers beyond floats, values nested too deeply.
_FAULTS = (
    JMESPathError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class ExpressionFault(Exception):
    """An expression met a value that it cannot work on; the message is for people."""


class _Functions(functions.Functions):
    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_split(self, text: str, separator: str) -> list[str]:
        # At most MAX_PARTS splits: the text is the sender's, and may be nothing but separators.
        return text.split(separator, MAX_PARTS)

    @functions.signature({"types": ["string"]})
    def _func_lower(self, text: str) -> str:
        return text.lower()


_OPTIONS = jmespath.Options(custom_functions=_Functions())


def check_expression(text: str) -> str:
    """The expression itself. Raises ValueError saying what is wrong with it."""
    if len(text) > MAX_CHARS:
        raise ValueError(f"{len(text)} characters, more than {MAX_CHARS}; write it shorter")
    try:
        tree = _compiled(text).parsed
    except JMESPathError as error:
        raise ValueError(f"{text!r} is not JMESPath: {_first_line(error)}") from None
    except RecursionError:
        raise ValueError("nested too deeply; write it simpler") from None
    for node in _nodes(tree):
        if node["type"] == "function_expression":
            _check_call(node["value"], len(node["children"]))
    return text


def evaluate(text: str, document: Any) -> Any:
    """What a checked expression finds in `document`; None for nothing. Raises ExpressionFault."""
    try:
        return _compiled(text).search(document, options=_OPTIONS)
    except _FAULTS as error:
        raise ExpressionFault(_first_line(error)) from None


@lru_cache(maxsize=8_192)
def _compiled(text: str) -> ParsedResult:
    return jmespath.compile(text)


def _nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All nodes of a parsed expression. Raises ValueError where it is nested too deeply to be run safely."""
    left: list[tuple[Mapping[str, Any], int]] = [(tree, 0)]
    while left:
        node, depth = left.pop()
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply; write it simpler")
        yield node
        left += [(child, depth + 1) for child in node["children"] if isinstance(child, dict)]


def _check_call(name: str, count: int) -> None:
    known = _Functions.FUNCTION_TABLE.get(name)
    if known is None:
        raise ValueError(
            f"there is no function {name}(); known are {', '.join(sorted(_Functions.FUNCTION_TABLE))}"
        )
    wanted = known["signature"]
    variadic = bool(wanted) and bool(wanted[-1].get("variadic"))
    if count < len(wanted) or (count > len(wanted) and not variadic):
        raise ValueError(f"{name}() takes {len(wanted)} arguments, not {count}")


def _first_line(error: BaseException) -> str:
    """Errors of JMESPath may hold values of the body: one short line is enough."""
    line = next(iter(str(error).splitlines()), "") or type(error).__name__
    return line if len(line) <= 160 else f"{line[:160]}..."
