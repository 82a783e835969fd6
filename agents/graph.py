"""The graph of the agents: four side by side, then a join. `explain` always gives four notes, in bounded
time.

The state holds ids and JSON values alone; what the nodes need of the outside comes by the graph's context.
Nothing is kept between runs, and nothing that happens in a run is reported to anybody.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import BaseModel, ConfigDict

from agents.nodes import alone, speak
from agents.roles import ROLES, Role
from agents.task import Explained, Result, Task, Tools
from core.model.note import Note

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["Explained", "Task", "Tools", "explain", "explained"]

_SPARE_S = 3.0  # beyond the nodes' own limits, for their own work on a busy machine
_Json = dict[str, Any]


class State(BaseModel):
    """What passes between nodes. Each role has a place of its own, so none waits for or overwrites
    another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    incident: str
    seq: int
    narrative: _Json | None = None
    past: _Json | None = None
    risk: _Json | None = None
    plan: _Json | None = None
    results: tuple[_Json, ...] = ()


async def explain(task: Task, tools: Tools) -> tuple[Note, ...]:
    """The notes of narrator, retriever, risk analyst and planner, in this order. Never raises but for a
    cancellation."""
    return (await explained(task, tools)).notes


async def explained(task: Task, tools: Tools) -> Explained:
    """The same, with what it cost."""
    limit = tools.recall_timeout_s + tools.node_timeout_s + _SPARE_S
    try:
        async with asyncio.timeout(limit):
            results = await _run(task, tools)
    except Exception as error:  # noqa: BLE001 - the graph is a library; without it the templates still speak
        reason = f"the agents did not come to an end ({type(error).__name__})"
        # A model that held up the whole run counts as one that failed it, or it would be asked the next time.
        held_up = isinstance(error, TimeoutError) and not tools.why_not()
        results = tuple(Result(alone(role, tools, reason).note, asked=held_up) for role in ROLES)
    asked = sum(result.asked for result in results)
    return Explained(tuple(r.note for r in results), asked, sum(result.answered for result in results))


async def _run(task: Task, tools: Tools) -> tuple[Result, ...]:
    from langsmith import tracing_context

    start = State(incident=task.incident, seq=task.seq)
    # langchain-core would report every call to a tracing service that an environment variable names.
    with tracing_context(enabled=False):
        last = await compiled().ainvoke(start, {"callbacks": []}, context=tools)
    # What the last node returned was validated by nobody yet.
    state = State.model_validate(last)
    results = tuple(msgspec.convert(value, Result) for value in state.results)
    if [result.note.author for result in results] != [role.author for role in ROLES]:
        raise ValueError("a note is missing")
    return results


@lru_cache(maxsize=1)
def compiled() -> CompiledStateGraph[State, Tools, State, State]:
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State, context_schema=Tools)
    for role in ROLES:
        graph.add_node(role.author, _node(role))
        graph.add_edge(START, role.author)
    graph.add_node("join", _join)
    graph.add_edge([role.author for role in ROLES], "join")
    graph.add_edge("join", END)
    return graph.compile()


def _node(role: Role) -> Any:
    async def node(state: State, runtime: Any) -> _Json:
        # Caught inside: an error handler of the graph would end this branch and with it the join.
        result = await speak(role, runtime.context)
        return {role.key: msgspec.to_builtins(result)}

    return node


async def _join(state: State) -> _Json:
    found = [getattr(state, role.key) for role in ROLES]
    return {"results": tuple(each for each in found if each is not None)}
