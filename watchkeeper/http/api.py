"""The JSON API: incidents, transitions, explanations, refusals. Described by openapi.py at /openapi.json.

Errors have one form everywhere: `{"error": {"what", "where", "mend"}}`; wrong input is 400, never 422 or 500.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.errors import (
    InputError,
    JournalUnavailable,
    NotFound,
    NotYetApplied,
    TransitionRefused,
    WatchkeeperError,
)
from core.model.document import Document
from watchkeeper.dead_letters import DeadLetters
from watchkeeper.http.faults import fault
from watchkeeper.http.intake import Intake
from watchkeeper.remembering import Remembering
from watchkeeper.service import Watch

_STATUS: tuple[tuple[type[WatchkeeperError], int], ...] = (
    (NotFound, 404),
    (TransitionRefused, 409),
    (InputError, 400),
    (JournalUnavailable, 503),
)


class TransitionBody(BaseModel):
    """Who moves an incident where, and why. `into`: another incident, of a merge; `alerts`: episodes or
    fingerprints, of a split."""

    to: Literal["triggered", "acknowledged", "mitigated", "resolved", "closed", "merged", "split"]
    actor: str = Field(min_length=1, max_length=200)
    reason: str = Field("", max_length=2_000)
    into: str = Field("", max_length=200)
    alerts: list[Annotated[str, Field(max_length=500)]] = Field([], max_length=1_000)


class CommentBody(BaseModel):
    """What a person says about an incident: an update."""

    author: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=4_000)


class CauseBody(BaseModel):
    """A person's word on whether a change, by its id, caused an incident. The last one counts."""

    change: str = Field(min_length=1, max_length=200)
    actor: str = Field(min_length=1, max_length=200)
    reason: str = Field("", max_length=2_000)
    caused: bool = True


def api_router(
    watch: Watch, intake: Intake, remembering: Remembering, dead_letters: DeadLetters
) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["incidents"])
    _reading(router, watch)
    _acting(router, watch)
    _knowing(router, watch, remembering)
    _taken_in(router, intake, dead_letters)
    return router


def _reading(router: APIRouter, watch: Watch) -> None:
    @router.get("/incidents")
    def incidents(
        status: Annotated[str | None, Query(description="A status, or `open`")] = None,
        cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        order: Annotated[Literal["need", "newest"], Query(description="What comes first")] = "need",
    ) -> Document:
        """Summaries: what is open by severity and by who has it, then what is over; the newest first. With
        how many there are, how it stands with all that is open, and whether very many began at once."""
        return watch.incidents(status, cursor, limit, order)

    @router.get("/incidents/{incident_id}")
    def incident(incident_id: str) -> Document:
        """Everything known of an incident; an id that was merged gives the incident it went into."""
        return watch.incident(incident_id)

    @router.get("/incidents/{incident_id}/report", response_class=PlainTextResponse)
    def report(incident_id: str) -> Response:
        """The incident as a report in Markdown."""
        return Response(watch.report(incident_id), media_type="text/markdown; charset=utf-8")

    @router.get("/alerts/{line}/{index}")
    def raw_alert(line: int, index: int) -> Document:
        """An alert as it was sent."""
        return watch.raw_alert(line, index)


def _acting(router: APIRouter, watch: Watch) -> None:
    @router.post("/incidents/{incident_id}/transitions")
    async def transition(incident_id: str, body: TransitionBody) -> Document:
        """Acknowledge, mitigate, resolve, reopen or close; merge into another one, or split alerts off."""
        return await watch.transition(
            incident_id, body.to, body.actor, body.reason, "api", into=body.into, alerts=body.alerts
        )

    @router.post("/incidents/{incident_id}/comments")
    async def comment(incident_id: str, body: CommentBody) -> Document:
        """Say how it goes. It counts as an update; what it says decides nothing."""
        return await watch.annotate(incident_id, body.author, body.text, "api")

    @router.post("/incidents/{incident_id}/cause")
    async def cause(incident_id: str, body: CauseBody) -> Document:
        """Say that a change caused an incident, or did not. It decides nothing; later checks learn."""
        return await watch.cause(incident_id, body.change, body.actor, body.reason, "api", caused=body.caused)


def _knowing(router: APIRouter, watch: Watch, remembering: Remembering) -> None:
    @router.get("/memory", tags=["memory"])
    def memory(
        text: Annotated[str, Query(min_length=1, max_length=500, description="Words to look for")],
        limit: Annotated[int, Query(ge=1, le=50)] = 5,
    ) -> Document:
        """Incidents that are over, and runbooks, most alike first."""
        return remembering.search(text, limit)

    @router.get("/explain/{name}")
    def explain(
        name: str,
        why_not: Annotated[
            str, Query(max_length=500, description="Another incident or alert: why are they not one?")
        ] = "",
    ) -> Document:
        """Why people were told of an incident and why it is what it is, or why an alert (by fingerprint) is
        where it is; with `why_not`, the link between the two that failed by least."""
        return watch.explain(name, why_not)

    @router.get("/slos", tags=["objectives"])
    def slos(
        service: Annotated[
            str | None, Query(max_length=1_024, description="Of this service alone, with history")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    ) -> Document:
        """Where service level objectives stand, and their error budgets; those in trouble first."""
        return watch.slos(service, limit)


def _taken_in(router: APIRouter, intake: Intake, dead_letters: DeadLetters) -> None:
    @router.get("/refused", tags=["intake"])
    def refused() -> list[Document]:
        """The last bodies that were refused, newest first."""
        return intake.refused()

    @router.get("/dead-letters", tags=["intake"])
    def listed() -> list[Document]:
        """Bodies that were acknowledged and could not be read, newest first, with the reasons."""
        return dead_letters.listed()

    @router.post("/dead-letters/{record}/replay", tags=["intake"])
    async def replay(record: Annotated[int, Path(ge=1, lt=2**63)]) -> Document:
        """Send one in again after a fix; its number as a new record."""
        return await dead_letters.replay(record)


def install_errors(app: FastAPI) -> None:
    """One form for every error."""

    def known(request: Request, error: Exception) -> JSONResponse:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
        assert isinstance(error, WatchkeeperError)  # noqa: S101 - registered for this tree only
        if isinstance(error, NotYetApplied):
            return JSONResponse(recorded(error), 202)
        return JSONResponse(_form(error.what, error.where, error.mend), status)

    def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        form = _form(*fault(error.errors(), request.headers.get("content-type", "")))
        return JSONResponse(form, 400)

    def unknown_path(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        form = _form(str(error.detail), request.url.path, "See /openapi.json for what there is")
        return JSONResponse(form, error.status_code, headers=error.headers)

    app.add_exception_handler(HTTPException, unknown_path)
    app.add_exception_handler(WatchkeeperError, known)
    app.add_exception_handler(RequestValidationError, invalid)


def recorded(error: NotYetApplied) -> Document:
    """What is answered with 202: it is stored, and nobody knows yet what comes of it."""
    return {"status": "recorded", "applied": False, "text": f"{error.what}. {error.mend}"}


def _form(what: str, where: str, mend: str) -> Document:
    return {"error": {"what": what, "where": where, "mend": mend}}
