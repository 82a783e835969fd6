"""The page on which people say whether a change caused an incident: what it is, why, two buttons."""

from __future__ import annotations

from typing import Protocol

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from core.errors import NotFound, WatchkeeperError
from core.model.document import Document
from core.ports import Clock
from watchkeeper.console.acting import remember, remembered
from watchkeeper.console.answers import Answers, sentence, status_and_heading
from watchkeeper.console.guard import foreign_form, read_form
from watchkeeper.console.pages import frame
from watchkeeper.console.suspects import change_view
from watchkeeper.console.text import incident_path, path_part, shorten

_NOT_OURS = "Open the incident here and press the button on its own page."


class Watch(Protocol):
    """What this page asks of the program; see routes.py."""

    demo: bool

    def incident(self, incident_id: str) -> Document: ...
    async def cause(
        self, incident_id: str, change: str, actor: str, reason: str, source: str, *, caused: bool
    ) -> Document: ...
    def health(self) -> Document: ...


def causing_routes(router: APIRouter, watch: Watch, clock: Clock, answers: Answers) -> None:
    """Adds `/incidents/{id}/cause`."""
    causing = Causing(watch, clock, answers)

    @router.get("/incidents/{incident_id}/cause")
    def page(request: Request, incident_id: str, change: str = "") -> Response:
        return causing.page(incident_id, {"change": change, "actor": remembered(request)})

    @router.post("/incidents/{incident_id}/cause")
    async def act(request: Request, incident_id: str) -> Response:
        why_not = foreign_form(request.headers)
        if why_not:
            text = f"This form was not sent by a page of Watchkeeper: {why_not}."
            return answers.message("Refused", text, _NOT_OURS, 403)
        return await causing.act(request, incident_id, await read_form(request))


class Causing:
    """Makes the page, and does what its form says."""

    def __init__(self, watch: Watch, clock: Clock, answers: Answers) -> None:
        self._watch, self._clock, self._answers = watch, clock, answers

    def page(
        self, incident_id: str, fields: dict[str, str], error: WatchkeeperError | None = None
    ) -> Response:
        """With what was typed before, after a refusal. Raises NotFound."""
        document, change = self._watch.incident(incident_id), fields.get("change", "")
        if document["id"] != incident_id:
            return RedirectResponse(f"{incident_path(document['id'])}/cause?change={path_part(change)}", 308)
        row = next((one for one in document["changes"] if one["id"] == change), None)
        if row is None:
            raise NotFound("no such change near this incident", mend="Follow a link of its page")
        now = self._clock.now()
        status, heading = status_and_heading(error) if error else (200, "")
        variables = {
            **frame(self._watch.health(), self._watch.demo, now),
            "id": document["id"],
            "incident_title": shorten(document["title"], 300),
            "change": change_view(document, row, now),
            "actor": shorten(fields.get("actor", ""), 100),
            "reason": shorten(fields.get("reason", ""), 500),
            "notice": {"heading": heading, "text": f"{sentence(error.what)} {error.mend}"} if error else None,
        }
        return self._answers.page("incident_cause.html", variables, status)

    async def act(self, request: Request, incident_id: str, form: dict[str, str]) -> Response:
        change, actor, reason = (form.get(name, "") for name in ("change", "actor", "reason"))
        caused = form.get("caused") != "no"
        try:
            document = await self._watch.cause(incident_id, change, actor, reason, "console", caused=caused)
        except NotFound:
            raise
        except WatchkeeperError as error:
            return await run_in_threadpool(self.page, incident_id, form, error)
        response = RedirectResponse(f"{incident_path(document['id'])}#causes", 303)
        remember(response, request, actor)
        return response
