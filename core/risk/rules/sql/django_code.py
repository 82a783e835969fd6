"""What functions of `RunPython` do to the database: texts of SQL that they run, and all rows of a model."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from core.risk.rules.sql.dialect import Dialect
from core.risk.rules.sql.python import called, made, name, statements, texts, words
from core.risk.rules.sql.statements import Statement

_MANAGERS = frozenset({"objects", "_default_manager", "_base_manager", "all_objects"})
_WRITES = {"delete": "DELETE FROM {}", "_raw_delete": "DELETE FROM {}", "update": "UPDATE {} SET x = y"}
# What leaves no row out.
_ALL = frozenset({"all", "using", "order_by"})
_LONGEST = 20


class Functions:
    """Those of a module, each looked into once."""

    def __init__(self, tree: ast.Module, dialect: Dialect) -> None:
        self._left = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
        self._unwalked = dict(self._left)
        self._dialect = dialect

    def walks(self, code: ast.AST | None) -> Iterator[tuple[int, str]]:
        """Lines at which the function of that name, or one that it calls, goes through all rows of a model
        and saves or deletes each, with the model."""
        waiting = [called(code) if code is not None else ""]
        while waiting:
            function = self._unwalked.pop(waiting.pop(0), None)
            if function is None:
                continue
            models = _models(function)
            for one in ast.walk(function):
                if isinstance(one, ast.For) and (model := _walked(one, models)):
                    yield one.lineno, model
                elif isinstance(one, ast.Call) and isinstance(one.func, ast.Name):
                    waiting.append(one.func.id)

    def by(self, code: ast.AST | None) -> Iterator[Statement]:
        """Statements of the function of that name, and of those of the module that it calls."""
        waiting = [called(code) if code is not None else ""]
        while waiting:
            function = self._left.pop(waiting.pop(0), None)
            models = _models(function) if function is not None else {}
            for call in ast.walk(function) if function is not None else ():
                if isinstance(call, ast.Call):
                    yield from _call(call, models, self._dialect)
                    waiting += [call.func.id] if isinstance(call.func, ast.Name) else []


def _models(function: ast.FunctionDef) -> dict[str, str]:
    """`Order = apps.get_model("shop", "Order")`: names with the model of each."""
    return {
        target.id: model
        for one in ast.walk(function)
        if isinstance(one, ast.Assign) and (model := _model(one.value))
        for target in one.targets
        if isinstance(target, ast.Name)
    }


def _model(node: ast.AST) -> str:
    if not isinstance(node, ast.Call) or called(node) != "get_model" or not node.args:
        return ""
    return words(node.args[-1]).rpartition(".")[2].lower()


def _call(call: ast.Call, models: dict[str, str], dialect: Dialect) -> Iterator[Statement]:
    which = called(call)
    if which in ("execute", "executescript") and call.args:
        for text, node in texts(call.args[0]):
            yield from statements(text, node, dialect)
    elif which in _WRITES and (model := _whole(getattr(call.func, "value", call), models)):
        yield from made(_WRITES[which].format(name(model)), call)


def _walked(loop: ast.For, models: dict[str, str]) -> str:
    """The model all rows of which a loop writes, one after the other."""
    rows = loop.iter
    if isinstance(rows, ast.Call) and isinstance(rows.func, ast.Attribute) and rows.func.attr == "iterator":
        rows = rows.func.value
    model = _whole(rows, models)
    each = loop.target.id if isinstance(loop.target, ast.Name) else ""
    if not model or not each:
        return ""
    for one in ast.walk(loop):
        func = one.func if isinstance(one, ast.Call) else None
        written = isinstance(func, ast.Attribute) and func.attr in ("save", "delete")
        if isinstance(func, ast.Attribute) and written and called(func.value) == each:
            return model
    return ""


def _whole(node: ast.AST, models: dict[str, str]) -> str:
    """The model of `Order.objects.all()`; "" where something chooses among its rows."""
    for _ in range(_LONGEST):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ALL:
            node = node.func.value
        elif isinstance(node, ast.Attribute) and node.attr in _MANAGERS:
            return _model(node.value) or models.get(called(node.value), "") or "unknown_model"
        else:
            return ""
    return ""
