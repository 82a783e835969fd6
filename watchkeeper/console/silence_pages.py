"""The console's routes about silences: the page with its form, ending one, and dismissing an incident.

A refusal shows the page again with what was typed and what is wrong with it.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from core.errors import InputError, WatchkeeperError
from core.model.document import Document
from core.ports import Clock
from core.suppression.matchers import parse_matchers
from core.suppression.silences import Silence
from core.times import parse_duration
from watchkeeper.console.acting import remember, remembered
from watchkeeper.console.answers import Answers, sentence, status_and_heading
from watchkeeper.console.guard import foreign_form, read_form
from watchkeeper.console.pages import Pages, frame
from watchkeeper.console.silences_view import Form, silences_view
from watchkeeper.console.text import path_part, shorten


class Keeper(Protocol):
    """What the pages ask of the silences; each raises what watchkeeper/silences.py names."""

    def listed(self) -> list[Document]: ...

    async def put(self, silence: Silence, source: str) -> Document: ...

    async def expire(self, name: str, actor: str, source: str) -> Document: ...

    async def dismiss(self, incident: str, until: int, actor: str, reason: str, source: str) -> Document: ...

    async def undismiss(self, incident: str, actor: str, source: str) -> Document: ...


class Watch(Protocol):
    demo: bool

    def health(self) -> Document: ...


def silence_pages(watch: Watch, silences: Keeper, clock: Clock) -> APIRouter:
    answers = Answers(Pages(), watch.demo)
    pages = SilencePages(watch, silences, clock, answers)
    router = APIRouter(route_class=answers.route_class(), include_in_schema=False)

    @router.get("/silences")
    def listed(request: Request, matchers: str = "", done: str = "") -> Response:
        form = Form(matchers=matchers[:10_000], actor=remembered(request))
        notice = {"heading": "Done", "text": shorten(done, 200), "loud": False} if done else None
        return pages.page(form, notice)

    @router.post("/silences")
    async def add(request: Request) -> Response:
        return pages.not_ours(request) or await pages.add(request, await read_form(request))

    @router.post("/silences/{silence_id}/expire")
    async def expire(request: Request, silence_id: str) -> Response:
        return pages.not_ours(request) or await pages.expire(request, silence_id, await read_form(request))

    @router.post("/incidents/{incident_id}/dismissal")
    async def dismiss(request: Request, incident_id: str) -> Response:
        return pages.not_ours(request) or await pages.dismiss(request, incident_id, await read_form(request))

    return router


class SilencePages:
    def __init__(self, watch: Watch, silences: Keeper, clock: Clock, answers: Answers) -> None:
        self._watch, self._silences, self._clock, self._answers = watch, silences, clock, answers

    def not_ours(self, request: Request) -> Response | None:
        """The refusal of a form that no page of ours sent."""
        why_not = foreign_form(request.headers)
        text = f"This form was not sent by a page of Watchkeeper: {why_not}."
        mend = "Open Silences here and press the button on that page."
        return self._answers.message("Refused", text, mend, 403) if why_not else None

    def page(self, form: Form, notice: Document | None = None, status: int = 200) -> Response:
        now = self._clock.now()
        variables = {
            **frame(self._watch.health(), self._watch.demo, now),
            **silences_view(self._silences.listed(), now),
            "form": form,
            "notice": notice,
        }
        return self._answers.page("silences.html", variables, status)

    async def add(self, request: Request, fields: dict[str, str]) -> Response:
        form = Form(**{name: fields.get(name, "") for name in Form._fields})
        try:
            row = await self._silences.put(self._silence(form), "console")
        except WatchkeeperError as error:
            return await self._refused(form, error)
        said = " ".join((f"{row['id']} is in force.", *row["warnings"]))
        return self._done(request, "/silences", said, form.actor)

    async def expire(self, request: Request, name: str, fields: dict[str, str]) -> Response:
        actor = fields.get("actor", "") or remembered(request)
        try:
            await self._silences.expire(name, actor or "console", "console")
        except WatchkeeperError as error:
            return await self._refused(Form(actor=actor), error)
        return self._done(request, "/silences", f"{name} is over.", actor)

    async def dismiss(self, request: Request, incident_id: str, fields: dict[str, str]) -> Response:
        actor, lasts = fields.get("actor", "") or remembered(request), fields.get("for", "")
        if lasts == "0":
            row = await self._silences.undismiss(incident_id, actor or "console", "console")
        else:
            until = self._clock.now() + _duration(lasts)
            reason = fields.get("reason", "")
            row = await self._silences.dismiss(incident_id, until, actor, reason, "console")
        return self._done(request, f"/incidents/{path_part(row['incident'])}", "", actor)

    async def _refused(self, form: Form, error: WatchkeeperError) -> Response:
        status, _ = status_and_heading(error)
        where = f"Where: {shorten(error.where)}." if error.where else ""
        text = " ".join(filter(None, (sentence(shorten(error.what, 400)), where, error.mend)))
        notice = {"heading": "Not done", "text": text, "loud": True}
        return await run_in_threadpool(self.page, form, notice, status)

    def _silence(self, form: Form) -> Silence:
        now = self._clock.now()
        matchers = parse_matchers(form.matchers)
        return Silence("", matchers, now, now + _duration(form.lasts), form.actor, form.comment)

    def _done(self, request: Request, where: str, said: str, actor: str) -> Response:
        response = RedirectResponse(f"{where}?{urlencode({'done': said})}" if said else where, 303)
        if actor:
            remember(response, request, actor)
        return response


def _duration(text: str) -> int:
    try:
        return parse_duration(text.strip())
    except ValueError as error:
        raise InputError(str(error), where="for how long", mend="Write 30m, 2h or 1d") from None
