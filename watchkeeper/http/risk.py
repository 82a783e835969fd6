"""May this go out now, by HTTP: for tools that deploy. Answers within a second, or says that it could not.

It reads. Only with `report: true` is something written: what was found in the diff, as the source `risk`
tells it, so that the deployment which follows carries it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictBool

from connectors.inbound.registry import SOURCES, read
from core.errors import EngineStarting, InputError
from core.journal import DEFAULT_DOMAIN, Draft
from core.model.document import Document
from core.narrative.plain import one_line
from core.risk.rules import LEVELS
from core.world import World
from watchkeeper.http.silences import ours
from watchkeeper.risk.asking import Answer, Question, Told, ask_engine, change_of, decided, not_decided
from watchkeeper.risk.judging import paths_of
from watchkeeper.risk.render_json import render_json
from watchkeeper.senders import Sender
from watchkeeper.service import Watch
from watchkeeper.writer import JournalWriter

log = structlog.get_logger("risk")
SECONDS = 0.9
MOST_DIFF = 5_000_000
# Questions that are answered at once; one that came to nothing in time is still being worked on.
_AT_ONCE = 2
_Level = Literal["low", "medium", "high", "critical"]


class RiskBody(BaseModel):
    """What is to be deployed. `diff` is unified text, against what runs now; how `revision` was judged before
    counts beside it. With the mode `policy` what could not be judged is answered with `hold`. `repair` says
    why it goes out during an incident or a freeze: these are told of then, and hold nothing."""

    service: str = Field(min_length=1, max_length=200)
    environment: str = Field("", max_length=200)
    repository: str = Field("", max_length=200)
    revision: str = Field("", max_length=200)
    diff: str = Field("", max_length=MOST_DIFF)
    title: str = Field("", max_length=1_000)
    url: str = Field("", max_length=2_000)
    domain: str = Field(DEFAULT_DOMAIN, pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    mode: Literal["advisory", "policy"] = "advisory"
    warn: _Level = "medium"
    hold: _Level = "critical"
    report: StrictBool = False
    repair: str = Field("", max_length=1_000)


class Deciding:
    """`sender` is the source `risk`: what has to prove itself there is not told here either."""

    def __init__(
        self,
        watch: Watch,
        writer: JournalWriter,
        now: Callable[[], int],
        sender: Sender,
        seconds: float = SECONDS,
    ) -> None:
        self._watch, self._writer, self._now, self._sender = watch, writer, now, sender
        self._seconds = seconds
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._threads = ThreadPoolExecutor(_AT_ONCE, "risk")

    async def answer(self, body: RiskBody) -> Document:
        """Raises InputError for a report that cannot be taken, JournalUnavailable."""
        asked = _question(body)
        if asked.repair:
            log.info("repair", service=asked.service, revision=asked.revision, reason=asked.repair)
        if body.report:
            self._check_report(body)
        try:
            answer = await self._in_time(asked)
        except EngineStarting as error:
            return not_decided(asked, error.what)
        if isinstance(answer, str):
            return not_decided(asked, answer)
        if body.report and answer.report is not None:
            payload = render_json(answer.report).encode()
            read(SOURCES["risk"], {}, payload, self._now())
            record = await self._writer.append(Draft("ingest", "risk", payload))
            return {**answer.document, "record": record}
        return answer.document

    async def _in_time(self, asked: Question) -> Answer | str:
        """The answer, or why there is none."""
        if not self._free.acquire(blocking=False):
            return "too many questions at once; ask again"
        work = self._threads.submit(self._work, asked)
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(asyncio.wrap_future(work))
        except TimeoutError:
            return f"it takes longer than {self._seconds:g} s"

    def _work(self, asked: Question) -> Answer:
        try:
            change, now = change_of(asked), self._now()
            files = paths_of(change) if change is not None else []

            def told(world: World) -> Told:
                return ask_engine(world, asked, now, files)

            return decided(asked, self._watch.asking(told), change, now)
        finally:
            self._free.release()

    def _check_report(self, body: RiskBody) -> None:
        if self._sender.proves_itself or self._sender.refused:
            mend = (
                "Send what `watchkeeper risk --format json` prints to POST /v1/ingest/risk, with its secret"
            )
            raise InputError("the source `risk` asks for a proof here", where="report", mend=mend)
        if not (body.repository and body.diff.strip()) or len(body.revision) not in (40, 64):
            mend = "Give repository, revision (the whole id of a commit) and diff"
            raise InputError("nothing that could be told", where="report", mend=mend)
        if body.domain != DEFAULT_DOMAIN:
            mend = "Send it to POST /v1/ingest/risk?domain=..."
            raise InputError("a domain of its own", where="report", mend=mend)


def risk_router(deciding: Deciding) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["risk"], dependencies=[Depends(ours)])

    @router.post("/risk")
    async def risk(body: RiskBody) -> Document:
        """Whether a revision may go out now, and why: by how it was judged, by its diff, and by open
        incidents, error budgets and freezes. `decision` is what to do; when advisory never `hold`."""
        return await deciding.answer(body)

    return router


def _question(body: RiskBody) -> Question:
    given: dict[str, Any] = body.model_dump(exclude={"report"})
    given["repair"] = one_line(body.repair, 300)
    if LEVELS.index(body.warn) > LEVELS.index(body.hold):
        what = f"warn ({body.warn}) is above hold ({body.hold})"
        raise InputError(what, where="body, warn", mend="Let it be the same or lower")
    return Question(**given)
