"""Migrations written in Python, read as a tree: nothing of them is run. Shared by their readers."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.statements import Statement, read_sql

MAX_PYTHON = 300_000
# What stands for a part of a text that only the running program knows.
_UNKNOWN = "unknown_value"


def tree_of(text: str) -> ast.Module | None:
    """The tree; None for what is no Python, or too large or deep to be read."""
    if len(text) > MAX_PYTHON:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def branches(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """What a body says, also where that depends: both ways of an `if`."""
    waiting = list(body)
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, ast.If):
            waiting[:0] = [*one.body, *one.orelse]
        else:
            yield one


def name_constants(tree: ast.Module) -> None:
    """Puts texts that the module names at its top (`TABLE = "orders"`) where calls are given their names."""
    known = {
        target.id: one.value
        for one in tree.body
        if isinstance(one, ast.Assign) and words(one.value)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree) if known else ():
        if isinstance(call, ast.Call):
            call.args = [known.get(one.id, one) if isinstance(one, ast.Name) else one for one in call.args]
            for each in call.keywords:
                if isinstance(each.value, ast.Name):
                    each.value = known.get(each.value.id, each.value)


def called(call: ast.AST) -> str:
    """The last name of what is called: `add_column` of `op.add_column(…)`; "" of anything else."""
    func = call.func if isinstance(call, ast.Call) else call
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else ""


def argument(call: ast.Call, at: int, *names: str) -> ast.expr | None:
    """The argument in that place or of one of these names."""
    for one in call.keywords:
        if one.arg in names:
            return one.value
    return call.args[at] if 0 <= at < len(call.args) else None


def constant(node: ast.AST | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def words(node: ast.AST | None) -> str:
    """A constant text, also as `op.f(…)` that takes a name as it is; "" of anything else."""
    if isinstance(node, ast.Call) and called(node) == "f" and len(node.args) == 1:
        node = node.args[0]
    value = constant(node)
    return value if isinstance(value, str) else ""


def name(text: str) -> str:
    """A name as SQL, on one line."""
    flat = "".join(sign for sign in text if sign.isprintable() and sign != '"')
    return f'"{flat[:200]}"'


def texts(node: ast.AST | None) -> Iterator[tuple[str, ast.AST]]:
    """Texts of SQL: a constant, that of `text(…)` or `dedent(…)`, one with places to fill in, a list."""
    if isinstance(node, (ast.List, ast.Tuple)):
        for one in node.elts[:1_000]:
            inner = one.elts[0] if isinstance(one, (ast.List, ast.Tuple)) and one.elts else one
            if not isinstance(inner, (ast.List, ast.Tuple)):
                yield from texts(inner)
    elif isinstance(node, ast.Call) and node.args and called(node) in ("text", "dedent", "DDL"):
        if not isinstance(node.args[0], ast.Call):
            yield from texts(node.args[0])
    elif isinstance(node, ast.JoinedStr):
        parts = [words(one) if isinstance(one, ast.Constant) else _UNKNOWN for one in node.values]
        yield "".join(parts), node
    elif words(node) and node is not None:
        yield words(node), node


def statements(text: str, node: ast.AST, dialect: Dialect, alone: bool = False) -> tuple[Statement, ...]:
    """Of a text of SQL in a program, with the lines of the program."""
    line, end = getattr(node, "lineno", 1), getattr(node, "end_lineno", None) or 1
    found = read_sql(text, dialect, line).statements
    return tuple(within(one, end)._replace(alone=alone) for one in found)


def made(sql: str, node: ast.AST, alone: bool = False) -> tuple[Statement, ...]:
    """Statements that a call stands for."""
    return statements(sql, node, "postgres", alone)


def within(one: Statement, end: int) -> Statement:
    """A text may be broken into lines that the file does not have."""
    if one.end <= end:
        return one
    tokens = tuple(token._replace(line=min(token.line, end)) for token in one.tokens)
    return one._replace(tokens=tokens, line=min(one.line, end), end=end)
