"""The console's routes: a list, an incident and its report, an alert as it was sent, what came in; and forms.

Reading runs in worker threads, since the engine may hold its lock; what a page shows is made by the view
modules. Without its script a page with something to type on it never refreshes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from core.errors import NotFound, WatchkeeperError
from core.model.document import Document
from core.model.incident import OPEN
from core.ports import Clock
from watchkeeper.clock import SystemClock
from watchkeeper.console.acting import COMMENT, Acting, acting, remember, remembered, typed_again
from watchkeeper.console.alerts import joined_words, raw_view
from watchkeeper.console.answers import Answers, attachment, sentence, status_and_heading
from watchkeeper.console.causing import causing_routes
from watchkeeper.console.guard import foreign_form, read_form
from watchkeeper.console.incident_view import incident_view
from watchkeeper.console.incident_view import said as said_of_incident
from watchkeeper.console.intake_view import IntakeWatch
from watchkeeper.console.joining import joining_routes
from watchkeeper.console.list_view import LIMIT, list_link, list_view, own_address, status_of
from watchkeeper.console.list_view import said as said_of_list
from watchkeeper.console.pages import Live, Pages, frame
from watchkeeper.console.slo_view import LIMIT as SLOS
from watchkeeper.console.slo_view import slos_view
from watchkeeper.console.text import incident_path, shorten

_KEEP = "public, max-age=31536000, immutable"
_CHECK = "public, max-age=300"


class Watch(Protocol):
    """What the console asks of the program. Each raises what its comment names."""

    demo: bool

    def incidents(self, status: str | None, cursor: str | None, limit: int) -> Document:
        """A page of summaries and `next_cursor`. Raises InputError."""

    def incident(self, incident_id: str) -> Document:
        """Its document, deliveries, annotations, and `allowed`. Another id after a merge. Raises NotFound."""

    def why(self, document: Document) -> Document:
        """Of an incident's document: why people were told, and what it nearly joined."""

    def report(self, incident_id: str) -> str:
        """The incident as a report in Markdown. Raises NotFound."""

    def raw_alert(self, line: int, index: int) -> Document:
        """`source`, `received_at`, and the `alert` as sent. Raises NotFound."""

    async def transition(
        self,
        incident_id: str,
        to: str,
        actor: str,
        reason: str,
        source: str,
        *,
        into: str = "",
        alerts: Sequence[str] = (),
    ) -> Document:
        """Move, merge or split an incident. Raises TransitionRefused, NotFound, InputError,
        JournalUnavailable."""

    async def annotate(self, incident_id: str, author: str, text: str, source: str) -> Document:
        """Say something about an incident. Raises the same."""

    async def cause(
        self, incident_id: str, change: str, actor: str, reason: str, source: str, *, caused: bool
    ) -> Document:
        """Say whether a change caused an incident. Raises the same."""

    def slos(self, service: str | None, limit: int) -> Document:
        """Where service level objectives stand."""

    def health(self) -> Document:
        """Lags, receivers, version."""


def console_router(watch: Watch, clock: Clock | None = None, intake: IntakeWatch | None = None) -> APIRouter:
    """Without `intake` there is no page of what came in."""
    pages = Pages()
    answers = Answers(pages, watch.demo)
    console = Console(watch, clock or SystemClock(), answers, intake)
    router = APIRouter(route_class=answers.route_class(), include_in_schema=False)

    @router.get("/")
    def incidents(
        request: Request, status: str = "open", cursor: str | None = None, refresh: str | None = None
    ) -> Response:
        return console.list_page(request, status, cursor, refresh)

    @router.get("/slos")
    def slos(service: str | None = None) -> Response:
        return console.slos_page(service)

    _incident_routes(router, console, watch)
    joining_routes(router, watch, clock or SystemClock(), answers)
    causing_routes(router, watch, clock or SystemClock(), answers)

    @router.get("/static/{name}")
    def static(name: str, v: str | None = None) -> Response:
        asset = pages.assets.get(name)
        if asset is None:
            raise NotFound(f"no file {shorten(name, 60)!r}")
        kept = _KEEP if v == asset.etag else _CHECK
        headers = {"Cache-Control": kept, "ETag": f'"{asset.etag}"'}
        return Response(asset.body, media_type=asset.media_type, headers=headers)

    if intake is not None:
        _intake_routes(router, console, intake)
    return router


def _incident_routes(router: APIRouter, console: Console, watch: Watch) -> None:
    @router.get("/incidents/{incident_id}")
    def incident(request: Request, incident_id: str, refresh: str | None = None) -> Response:
        document = watch.incident(incident_id)
        if document["id"] != incident_id:
            return RedirectResponse(incident_path(document["id"]), 308)
        moving = document["status"] in OPEN
        how = acting(refresh, remembered(request), document["allowed"], moving)
        return console.incident_page(document, how, asked=refresh)

    @router.get("/incidents/{incident_id}/report.md")
    def report(incident_id: str) -> Response:
        document = watch.incident(incident_id)
        if document["id"] != incident_id:
            return RedirectResponse(f"{incident_path(document['id'])}/report.md", 308)
        return attachment(watch.report(incident_id), f"{incident_id}.md")

    @router.post("/incidents/{incident_id}/transitions")
    async def transition(request: Request, incident_id: str) -> Response:
        mend = "Open the incident here and press the button on its own page."
        refused = console.not_ours(request, mend)
        return refused or await console.move(request, incident_id, await read_form(request))

    @router.get("/incidents/{incident_id}/alerts/{line}/{index}")
    def alert(incident_id: str, line: str, index: str) -> Response:
        return console.alert_page(incident_id, _place(line), _place(index))


def _intake_routes(router: APIRouter, console: Console, intake: IntakeWatch) -> None:
    @router.get("/intake")
    def page(sent: str = "") -> Response:
        return console.intake_page(intake, intake.sent(_number(sent)))

    @router.post("/intake/dead-letters/{record}/replay")
    async def replay(request: Request, record: str) -> Response:
        refused = console.not_ours(request, "Open Intake here and press the button on that page.")
        return refused or await console.send_again(intake, _number(record))


class Console:
    """Makes the pages."""

    def __init__(self, watch: Watch, clock: Clock, answers: Answers, intake: IntakeWatch | None) -> None:
        self._watch, self._clock, self._answers, self._intake = watch, clock, answers, intake

    def not_ours(self, request: Request, mend: str) -> Response | None:
        """The refusal of a form that no page of ours sent."""
        why_not = foreign_form(request.headers)
        text = f"This form was not sent by a page of Watchkeeper: {why_not}."
        return self._answers.message("Refused", text, mend, 403) if why_not else None

    def list_page(self, request: Request, name: str, cursor: str | None, refresh: str | None) -> Response:
        now, health = self._clock.now(), self._watch.health()
        page = self._watch.incidents(status_of(name), cursor or None, LIMIT)
        url, host = own_address(request.headers.get("host", ""), request.url.scheme)
        fresh = refresh != "off"
        view = list_view(page, name, cursor or None, now)
        more = self._intake.warnings(now) if self._intake is not None else []
        variables = {
            **frame(health, self._watch.demo, now, more),
            **view,
            "live": Live("list", list_link(name, cursor, refresh), said_of_list(view)),
            "nothing_yet": not page["incidents"] and not self._watch.incidents(None, None, 1)["incidents"],
            "own_url": url,
            "own_host": host,
            "refresh": fresh,
            "refresh_link": list_link(name, cursor, "off" if fresh else None),
        }
        return self._answers.page("list.html", variables)

    def incident_page(
        self,
        document: Document,
        how: Acting,
        error: WatchkeeperError | None = None,
        *,
        asked: str | None = None,
    ) -> Response:
        now = self._clock.now()
        status, heading = status_and_heading(error) if error else (200, "")
        moving = document["status"] in OPEN
        here = incident_path(document["id"])
        other = f"{here}?refresh={'off' if how.refresh else 'on'}"
        same = f"{here}?refresh={asked}" if asked in ("on", "off") else here
        variables = {
            **frame(self._watch.health(), self._watch.demo, now),
            **incident_view(document, now, self._watch.why(document)),
            "live": Live(document["id"], same, said_of_incident(document)),
            "acting": how,
            "notice": {"heading": heading, "text": f"{sentence(error.what)} {error.mend}"} if error else None,
            "refresh": how.refresh,
            "refresh_link": other if moving else None,
        }
        return self._answers.page("incident.html", variables, status)

    async def move(self, request: Request, incident_id: str, form: dict[str, str]) -> Response:
        """Do what the form says, then show the incident; or show it with what was refused and why."""
        to, actor, reason = (form.get(name, "") for name in ("to", "actor", "reason"))
        try:
            if to == COMMENT.to:
                document = await self._watch.annotate(incident_id, actor, reason, "console")
            else:
                document = await self._watch.transition(incident_id, to, actor, reason, "console")
        except NotFound:
            raise
        except WatchkeeperError as error:
            document = await run_in_threadpool(self._watch.incident, incident_id)
            how = typed_again(actor, reason, document["allowed"])
            return await run_in_threadpool(self.incident_page, document, how, error, asked="off")
        response = RedirectResponse(incident_path(document["id"]), 303)
        remember(response, request, actor)
        return response

    def alert_page(self, incident_id: str, line: int, index: int) -> Response:
        document = self._watch.incident(incident_id)
        if document["id"] != incident_id:
            return RedirectResponse(f"{incident_path(document['id'])}/alerts/{line}/{index}", 308)
        row = next((one for one in document["alerts"] if (one["line"], one["index"]) == (line, index)), None)
        if row is None:
            raise NotFound(f"{incident_id} has no such alert", mend="Follow a link of its page")
        now = self._clock.now()
        variables = {
            **frame(self._watch.health(), self._watch.demo, now),
            **raw_view(self._watch.raw_alert(line, index), row, now),
            "joined": joined_words(document, row),
            "id": document["id"],
            "incident_title": shorten(document["title"], 300),
            "line": line,
            "index": index,
        }
        return self._answers.page("alert.html", variables)

    def slos_page(self, service: str | None) -> Response:
        now = self._clock.now()
        found = self._watch.slos(service, SLOS)
        around = frame(self._watch.health(), self._watch.demo, now)
        return self._answers.page("slos.html", {**around, **slos_view(found, service, now)})

    def intake_page(self, intake: IntakeWatch, notice: Document | None, status: int = 200) -> Response:
        now = self._clock.now()
        around = frame(self._watch.health(), self._watch.demo, now)
        variables = {**around, **intake.view(now), "notice": notice}
        return self._answers.page("intake.html", variables, status)

    async def send_again(self, intake: IntakeWatch, record: int) -> Response:
        """Send a dead letter in again, then show what became of it, or why it still cannot be read."""
        try:
            await intake.replay(record)
        except WatchkeeperError as error:
            status, _ = status_and_heading(error)
            where = f"Where: {shorten(error.where)}." if error.where else ""
            text = " ".join(filter(None, (sentence(shorten(error.what, 400)), where, error.mend)))
            notice = {"heading": "Not sent in again", "text": text, "loud": True}
            return await run_in_threadpool(self.intake_page, intake, notice, status)
        return RedirectResponse(f"/intake?sent={record}", 303)


def _number(text: str) -> int:
    """A record's number; 0, which no record has, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _place(text: str) -> int:
    """A line's or an alert's number. Raises NotFound for what is none, however long."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("no such alert", mend="Follow a link of the incident's page")
    return int(text)
