"""Silences by HTTP: Alertmanager's own addresses, so that amtool works, ours beside them, and dismissals.

Alertmanager answers an error with a text in quotes, so these addresses do too; ours have the one form of all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, ValidationError

from core.errors import InputError, NotFound, NotYetApplied, TransitionRefused, WatchkeeperError
from core.model.document import Document
from core.suppression.matchers import matcher, parse_all, parse_matchers
from core.times import parse_duration, parse_rfc3339
from watchkeeper.console.guard import foreign_form
from watchkeeper.http.faults import fault
from watchkeeper.silences import Silences, silence_from

_STATUS: tuple[tuple[type[WatchkeeperError], int], ...] = (
    (NotFound, 404),
    (TransitionRefused, 409),
    (InputError, 400),
    (NotYetApplied, 202),
)


class _ApiMatcher(BaseModel):
    name: str
    value: str
    isRegex: bool = False
    isEqual: bool = True

    @property
    def op(self) -> str:
        return {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}[
            self.isRegex, self.isEqual
        ]


class _ApiSilence(BaseModel):
    """As Alertmanager's API v2 has it."""

    id: str = ""
    matchers: list[_ApiMatcher] = Field(max_length=50)
    startsAt: str
    endsAt: str
    createdBy: str = Field(max_length=1_000)
    comment: str = Field(default="", max_length=10_000)


class SilenceBody(BaseModel):
    """A silence: `matchers` as texts, and until when: `for` (a duration from now) or `ends_at`."""

    matchers: list[str] = Field(min_length=1, max_length=50)
    lasts: str = Field(default="", alias="for", max_length=40)
    starts_at: str = Field(default="", max_length=40)
    ends_at: str = Field(default="", max_length=40)
    author: str = Field(min_length=1, max_length=200)
    comment: str = Field(min_length=1, max_length=2_000)


class DismissBody(BaseModel):
    """`until`: an RFC 3339 time, or a duration from now such as `2h`."""

    until: str = Field(min_length=1, max_length=40)
    actor: str = Field(min_length=1, max_length=200)
    reason: str = Field(default="", max_length=2_000)


def ours(request: Request) -> None:
    """Raises InputError for what a page of another site sends by somebody's browser."""
    why_not = foreign_form(request.headers)
    if why_not:
        raise InputError(f"not sent by a page of ours: {why_not}", where="request", mend="Send it yourself")


def silences_router(silences: Silences, now: Callable[[], int]) -> APIRouter:
    router = APIRouter(tags=["silences"], dependencies=[Depends(ours)])
    _alertmanager(router, silences)
    _own(router, silences, now)
    _dismissals(router, silences, now)
    return router


def _own(router: APIRouter, silences: Silences, now: Callable[[], int]) -> None:
    @router.get("/v1/silences")
    def listed(
        matchers: Annotated[list[str], Query(alias="filter", max_length=50)] = [],  # noqa: B006
    ) -> Document:
        """Active, pending and expired ones, with the alerts that each keeps from paging now."""
        found = [one for text in matchers for one in parse_matchers(text)]
        return {"silences": silences.listed(found)}

    @router.get("/v1/silences/{silence_id}")
    def one(silence_id: str) -> Document:
        """One silence, with what it was before."""
        return silences.one(silence_id)

    @router.post("/v1/silences")
    async def add(body: SilenceBody) -> Document:
        """Silence what fits. `warnings` say what may not be meant."""
        return await silences.put(_from_body(body, "", now()), "api")

    @router.put("/v1/silences/{silence_id}")
    async def change(silence_id: str, body: SilenceBody) -> Document:
        """Change a silence. With other matchers it goes on as a new one."""
        before = await run_in_threadpool(silences.one, silence_id)
        changed = _from_body(body, silence_id, now(), parse_rfc3339(before["starts_at"]))
        return await silences.put(changed, "api")

    @router.delete("/v1/silences/{silence_id}")
    async def expire(silence_id: str, actor: Annotated[str, Query(max_length=200)] = "api") -> Document:
        """End a silence now. It is still listed for some days."""
        return await silences.expire(silence_id, actor, "api")


def _dismissals(router: APIRouter, silences: Silences, now: Callable[[], int]) -> None:
    @router.post("/v1/incidents/{incident_id}/dismissal", tags=["incidents"])
    async def dismiss(incident_id: str, body: DismissBody) -> Document:
        """Page nobody about an incident until a time, or until it gets worse."""
        until = when(body.until, now(), "until")
        return await silences.dismiss(incident_id, until, body.actor, body.reason, "api")

    @router.delete("/v1/incidents/{incident_id}/dismissal", tags=["incidents"])
    async def undismiss(
        incident_id: str, actor: Annotated[str, Query(min_length=1, max_length=200)]
    ) -> Document:
        """Take a dismissal back."""
        return await silences.undismiss(incident_id, actor, "api")


def _alertmanager(router: APIRouter, silences: Silences) -> None:
    @router.get("/api/v2/silences")
    async def v2_listed(request: Request) -> Response:
        """As Alertmanager answers. `filter` are matchers of the labels that a silence names."""

        async def answer() -> Any:
            texts = request.query_params.getlist("filter")[:50]
            found = [one for text in texts for one in parse_matchers(text)]
            return [_v2(row) for row in await run_in_threadpool(silences.listed, found)]

        return await _answered(answer)

    @router.post("/api/v2/silences")
    async def v2_put(request: Request) -> Response:
        """As Alertmanager takes one: new, or with an `id` a change."""

        async def answer() -> Any:
            body = _read(await request.body(), request.headers.get("content-type", ""))
            matchers = [matcher(one.name, one.op, one.value) for one in body.matchers]
            starts, ends = _time(body.startsAt, "startsAt"), _time(body.endsAt, "endsAt")
            silence = silence_from(matchers, starts, ends, body.createdBy, body.comment, body.id)
            return {"silenceID": (await silences.put(silence, "alertmanager-api"))["id"]}

        return await _answered(answer)

    @router.get("/api/v2/silence/{silence_id}")
    async def v2_one(silence_id: str) -> Response:
        """As Alertmanager answers."""

        async def answer() -> Any:
            return _v2(await run_in_threadpool(silences.one, silence_id))

        return await _answered(answer)

    @router.delete("/api/v2/silence/{silence_id}")
    async def v2_expire(silence_id: str) -> Response:
        """End a silence now."""

        async def answer() -> Any:
            await silences.expire(silence_id, "api", "alertmanager-api")

        return await _answered(answer)


async def _answered(answer: Callable[[], Awaitable[Any]]) -> Response:
    try:
        found = await answer()
    except WatchkeeperError as error:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
        return JSONResponse(str(error), status)
    return Response(status_code=200) if found is None else JSONResponse(found)


def _read(body: bytes, kind: str) -> _ApiSilence:
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise InputError("not JSON", where="Content-Type", mend="Send application/json")
    try:
        return _ApiSilence.model_validate_json(body)
    except ValidationError as error:
        what, where, mend = fault(error.errors())
        raise InputError(what, where=where, mend=f"{mend} (Alertmanager's API v2)") from None


def _v2(row: Document) -> Document:
    return {
        "id": row["id"],
        "status": {"state": row["state"]},
        "updatedAt": row["updated_at"],
        "startsAt": row["starts_at"],
        "endsAt": row["ends_at"],
        "createdBy": row["author"],
        "comment": row["comment"],
        "matchers": [
            {
                "name": one["name"],
                "value": one["value"],
                "isRegex": "~" in one["op"],
                "isEqual": not one["op"].startswith("!"),
            }
            for one in row["matchers"]
        ],
    }


def _from_body(body: SilenceBody, name: str, now: int, started: int | None = None) -> Any:
    """`started`: when the silence that is changed began."""
    if bool(body.lasts) == bool(body.ends_at):
        raise InputError("no end, or two", where="for", mend="Give `for`, such as 2h, or `ends_at`")
    usual = now if started is None else started
    starts = _time(body.starts_at, "starts_at") if body.starts_at else usual
    begins = max(starts, now)
    given = when(body.lasts, begins, "for") if body.lasts else _time(body.ends_at, "ends_at")
    if body.lasts and given <= begins:
        what = f"{body.lasts[:40]!r} is no time at all"
        raise InputError(what, where="for", mend="Give how long, such as 30m or 2h")
    return silence_from(parse_all(body.matchers), starts, given, body.author, body.comment, name)


def when(text: str, now: int, where: str) -> int:
    """A moment in ms UTC, of a time or a duration from `now`. Raises InputError."""
    try:
        return now + parse_duration(text)
    except ValueError:
        return _time(text, where)


def _time(text: str, where: str) -> int:
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        mend = "Write 2026-11-21T03:00:00Z, or where a duration is allowed 2h or 30m"
        raise InputError(f"{text[:40]!r} is no time", where=where, mend=mend) from None
