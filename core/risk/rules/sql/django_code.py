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
        self._dialect = dialect

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
