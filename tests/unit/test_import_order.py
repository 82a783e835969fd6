"""Any module of core may be imported first: at run time no two of them need each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "core"


def named(path: Path) -> str:
    parts = path.relative_to(CORE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def at_run_time(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """What a module imports when it is imported itself."""
    for one in body:
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield one
        elif isinstance(one, ast.If):
            yield from at_run_time(one.orelse if "TYPE_CHECKING" in ast.unparse(one.test) else one.body)


def needs(module: str, body: list[ast.stmt], known: set[str]) -> set[str]:
    """The modules that must be there first. A package runs before its own modules do, so that these need it
    only where they import what it makes."""
    found: set[str] = set()
    for one in at_run_time(body):
        if isinstance(one, ast.Import):
            names = [alias.name for alias in one.names]
        else:
            names = [f"{one.module}.{alias.name}" for alias in one.names]
        for name in names:
            within = name if name in known else name.rpartition(".")[0]
            found.add(within)
            above = within.rpartition(".")[0]
            while above:
                if not module.startswith(f"{above}."):
                    found.add(above)
                above = above.rpartition(".")[0]
    return (found & known) - {module}


def graph(sources: dict[str, str]) -> dict[str, set[str]]:
    known = set(sources)
    return {module: needs(module, ast.parse(source).body, known) for module, source in sources.items()}


def test_no_module_of_core_needs_one_that_needs_it() -> None:
    sources = {named(path): path.read_text() for path in CORE.rglob("*.py")}
    assert len(sources) > 300
    TopologicalSorter(graph(sources)).prepare()


def test_a_cycle_through_a_package_is_found() -> None:
    sources = {
        "core.state": "from core.pages.held import Held\n",
        "core.pages": "import core.pages.due\n",
        "core.pages.held": "",
        "core.pages.due": "from core.state import State\n",
    }
    with pytest.raises(CycleError):
        TopologicalSorter(graph(sources)).prepare()
    only_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core.state import State\n"
    TopologicalSorter(graph(sources | {"core.pages.due": only_types})).prepare()


@pytest.mark.parametrize("module", ["core.state", "core.correlation.regroup"])
def test_these_are_imported_first(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, timeout=60, cwd=CORE.parent)
