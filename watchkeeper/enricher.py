"""The enricher performs enrich decisions: agents look at an incident, and one record holds what they say.

It works beside everything else, on a thread with an event loop of its own, and gives way while the engine is
behind. Decision and notes are settled by one record, so a crash before it means that the agents are asked
again, and a crash after it that they are not: what was asked is answered by exactly one annotation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog

from agents.breaker import Breaker
from agents.budget import Budget
from agents.gate import Gate, Verdict
from agents.task import Explained, Task, Tools
from core.errors import NotFound
from core.journal import Draft, json_draft
from core.model.decision import Decision
from core.model.document import Document
from core.model.incident import OPEN
from core.payloads import Annotation
from core.ports import Clock, Recalled
from watchkeeper.beside import Beside
from watchkeeper.engine_loop import EngineLoop

log = structlog.get_logger("enricher")
_POLL_S = 1.0
_BESIDE_EACH_OTHER = 2
_FAR_BEHIND = 500
_A_LOOK = 16
_RESTS, _LONGEST_REST_S = 6, 1.0
_LONGEST_PAUSE_S = 30.0


class Model(NamedTuple):
    """A langchain-core chat model, or None; what it is called; how long it may take; calls an hour."""

    model: Any = None
    name: str = ""
    timeout_s: float = 20.0
    calls_per_hour: int = 240


class Counts(NamedTuple):
    """Runs of the agents, calls of the model, calls that it answered, runs that a fault of ours ended."""

    runs: int = 0
    asked: int = 0
    answered: int = 0
    faults: int = 0


class Sources(Protocol):
    """What the enricher reads: an incident's document (raises NotFound), and what is like it."""

    def facts(self, incident_id: str) -> Document: ...


class Enricher:
    """`append` commits a record or raises; `like` blocks and may fail."""

    def __init__(
        self,
        engine: EngineLoop,
        append: Callable[[Draft], Any],
        watch: Sources,
        like: Callable[[Document], list[Recalled]],
        clock: Clock,
        model: Callable[[], Model],
    ) -> None:
        self._engine, self._append, self._watch, self._like = engine, append, watch, like
        self._clock, self._make_model = clock, model
        self._busy: set[str] = set()
        self._written: set[str] = set()
        self._tools: tuple[Model, Gate] | None = None
        self._beside = Beside("enricher", self._work)
        self.counts = Counts()

    def start(self) -> None:
        self._beside.start()

    def stop(self) -> None:
        """What is under way is left; it is done again after the next start."""
        self._beside.stop()

    def wake(self) -> None:
        """There may be something to explain. From any thread, at any time."""
        self._beside.wake()

    async def _work(self) -> None:
        self._places = asyncio.Semaphore(_BESIDE_EACH_OTHER)
        while True:
            waiting = await self._look()
            for incident, decisions in list(waiting.items())[:_A_LOOK]:
                await self._places.acquire()
                self._busy.add(incident)
                self._beside.begin(self._explain(incident, decisions))
            if len(waiting) <= _A_LOOK:
                await self._beside.news(_POLL_S)

    async def _look(self) -> dict[str, list[str]]:
        try:
            return await asyncio.to_thread(self._waiting)
        except Exception:  # One of the outermost loops: the next look may succeed.
            log.exception("look_failed")
            return {}

    def _waiting(self) -> dict[str, list[str]]:
        """Ids of decisions to perform, by the incident's present id: those of open incidents, then the newest
        first. None while the engine is far behind."""
        if self._engine.lag(self._clock.now())[0] > _FAR_BEHIND:
            return {}
        pending = self._engine.pending("enrich")
        self._written &= {decision.id for decision in pending}
        found: dict[str, list[str]] = {}
        for _, _, incident, decision in sorted(self._by_present_id(pending)):
            if incident not in self._busy and decision not in self._written:
                found.setdefault(incident, []).append(decision)
        return found

    def _by_present_id(self, decisions: list[Decision]) -> list[tuple[bool, int, str, str]]:
        """Whether it is over, how new the question is, the incident, the decision's id."""
        if not decisions:
            return []
        with self._engine.reading() as fold:
            world = fold.engine.world
            rows = [(world.resolve_id(one.subject), one) for one in decisions]
            known = world.state.incidents
            is_open = {name for name, _ in rows if name in known and known[name].status in OPEN}
        return [(name not in is_open, -one.at, name, one.id) for name, one in rows]

    async def _explain(self, incident: str, decisions: list[str]) -> None:
        began, asked = time.monotonic(), self.counts.asked
        try:
            await self._store(incident, await self._asked(incident, decisions))
            self._written.update(decisions)
            if self.counts.asked == asked:
                # Templates are quick and many incidents may wait: intake and engine have the machine first.
                await asyncio.sleep(min(_LONGEST_REST_S, _RESTS * (time.monotonic() - began)))
        finally:
            self._busy.discard(incident)
            self._places.release()

    async def _store(self, incident: str, draft: Draft) -> None:
        """Until it is committed: what was asked and answered is not asked again."""
        pause = _POLL_S
        while True:
            try:
                await asyncio.to_thread(self._append, draft)
                return
            except Exception as error:  # noqa: BLE001 - whatever the disk does, it is tried again
                log.error("not_stored", incident=incident, error=f"{type(error).__name__}: {error}"[:300])
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE_S, 2 * pause)

    async def _asked(self, incident: str, decisions: list[str]) -> Draft:
        """The record that answers the decisions, whatever the agents do."""
        read_to = self._engine.applied
        try:
            document = await asyncio.to_thread(self._watch.facts, incident)
            explained = await self._ask_agents(document, read_to)
        except NotFound:
            return annotation_draft(Annotation(incident, decisions=tuple(decisions)))
        except Exception as error:
            # One of the outermost loops: a fault of ours costs this explanation, not the ones after it.
            self.counts = self.counts._replace(faults=self.counts.faults + 1)
            log.exception("explain_failed", incident=incident)
            said = f"The agents could not explain it: internal fault ({type(error).__name__})."
            return annotation_draft(Annotation(incident, "agents", "fault", said, tuple(decisions)))
        log.info("explained", incident=incident, **_how(explained))
        return annotation_draft(
            Annotation(incident, decisions=tuple(decisions), notes=explained.notes, read_to=read_to)
        )

    async def _ask_agents(self, document: Document, read_to: int) -> Explained:
        from agents.graph import explained as ask

        model, gate = await self._model_and_gate()
        verdict = self._verdict(gate, document)
        tools = Tools(
            document,
            recall=lambda: self._like(document),
            model=model.model,
            model_name=model.name,
            ask=verdict.ask,
            no_model_because=verdict.because,
            node_timeout_s=model.timeout_s,
        )
        explained = await ask(Task(document["id"], read_to), tools)
        if explained.asked:
            gate.record(document["id"], explained.failed, self._clock.now())
        counts = self.counts
        self.counts = Counts(
            counts.runs + 1,
            counts.asked + explained.asked,
            counts.answered + explained.answered,
            counts.faults,
        )
        return explained

    def _verdict(self, gate: Gate, document: Document) -> Verdict:
        """Nobody waits for words about what is closed: that costs nothing."""
        if document["status"] == "closed":
            return Verdict(False, "it was closed before the agents came to it")
        return gate.verdict(document["id"], self._clock.now())

    def lag_ms(self, now: int) -> int:
        """Age of the oldest question that nobody has answered, or 0. From any thread."""
        return max(0, now - min((one.at for one in self._engine.pending("enrich")), default=now))

    async def _model_and_gate(self) -> tuple[Model, Gate]:
        """Made at the first use: the package behind a model is heavy."""
        if self._tools is None:
            model = await asyncio.to_thread(self._make_model)
            budget = Budget(model.calls_per_hour)
            gate = Gate(has_model=model.model is not None, breaker=Breaker(), budget=budget)
            self._tools = model, gate
        return self._tools


def annotation_draft(annotation: Annotation) -> Draft:
    return json_draft("annotation", "agents", msgspec.to_builtins(annotation))


def _how(explained: Explained) -> dict[str, Any]:
    made_by = [note.made_by for note in explained.notes]
    return {"by_model": made_by.count("model"), "asked": explained.asked, "answered": explained.answered}
