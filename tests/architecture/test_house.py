"""The plan of the house, held by tests: purity of core, sizes of rooms, doors that stay shut."""

from __future__ import annotations

import ast
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core import errors
from tests.guards import ModelCallRefused, NetworkRefused

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("core", "agents", "retrieval", "connectors", "watchkeeper", "evals")
LONGEST_FUNCTION = 45
# `hash` and `id` differ between runs; the rest reach outside.
IMPURE = {"open", "print", "input", "hash", "id", "eval", "exec", "compile", "__import__", "breakpoint"}


def modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("path", modules("core"), ids=str)
def test_core_calls_nothing_impure(path: Path) -> None:
    tree = ast.parse(path.read_text())
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & IMPURE
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"now", "today", "utcnow", "environ", "getenv", "random"}


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_a_module_says_what_it_is_and_stays_small(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 300, "a module this long is usually two ideas"


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_functions_stay_short(path: Path) -> None:
    long = {
        node.name: lines
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert not long, "a function this long is usually two steps"


ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}


def test_every_error_of_core_says_how_to_mend_it() -> None:
    raised = [
        (f"{path.name}:{node.lineno}", {keyword.arg for keyword in node.keywords})
        for path in modules("core")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS
    ]
    assert len(raised) > 50
    assert [place for place, given in raised if "mend" not in given] == []


def test_floats_never_enter_the_domain_types() -> None:
    for path in modules("core/model"):
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert "float" not in names, path


_STARTED = """
import sys
from pathlib import Path
from watchkeeper.app import App
from watchkeeper.settings import Settings
app = App(Settings(data=Path(sys.argv[1]), model="openai:any", model_url="http://127.0.0.1:9/v1"))
app.start()
print([m for m in MODELS if m in sys.modules])
app.stop()
"""


def test_starting_needs_nothing_heavy(tmp_path: Path) -> None:
    """`--help` and the command's module import none of these; a server that has started, with a model
    configured, has imported no model library, graph or store of vectors."""
    heavy = ["fastapi", "duckdb", "uvicorn", "httpx", "pydantic", "torch", "langgraph", "langchain_core"]
    code = f"import sys, watchkeeper.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
    models = ["torch", "langgraph", "langchain_core", "langchain_openai", "openai", "sentence_transformers"]
    code = _STARTED.replace("MODELS", repr([*models, "qdrant_edge", "sse_starlette"]))
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


def test_intake_opens_without_what_stands_behind_it() -> None:
    """Alerts are taken in within a second of the start: nothing that takes long to import is in the way."""
    late = ["fastapi", "duckdb", "jinja2", "prometheus_client", "watchkeeper.behind", "watchkeeper.enricher"]
    code = f"import sys, watchkeeper.serve; print([m for m in {late} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_network_is_shut_but_for_loopback() -> None:
    with socket.socket() as outside, pytest.raises(NetworkRefused):
        outside.connect(("192.0.2.1", 80))
    with socket.socket() as inside, pytest.raises(ConnectionRefusedError):
        inside.connect(("127.0.0.1", 1))


def test_models_are_shut() -> None:
    models = pytest.importorskip("langchain_core.language_models")
    with pytest.raises(ModelCallRefused):
        models.FakeListChatModel(responses=["hello"]).invoke("hi")
