"""The pages on which people merge an incident with another or split alerts off: what happens, a button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from core.errors import InputError, NotFound, TransitionRefused, WatchkeeperError
from core.model.document import Document
from core.ports import Clock
from watchkeeper.console.acting import remember, remembered
from watchkeeper.console.answers import Answers, sentence, status_and_heading
from watchkeeper.console.clocks import Stamp, stamp
from watchkeeper.console.guard import foreign_form, read_fields
from watchkeeper.console.moments import alert_name
from watchkeeper.console.pages import frame
from watchkeeper.console.text import incident_path, plural, shorten

Fields = dict[str, list[str]]
_OTHERS, _ALERTS = 100, 200
_NOT_OURS = "Open the incident here and press the button on its own page."


# The page's name, and the target of its transition.
TARGETS = {"merge": "merged", "split": "split"}


class Choice(NamedTuple):
    """What can be chosen: the form's value, what it is, and what is said beside it."""

    value: str
    label: str
    beside: str
    since: Stamp | None


class Watch(Protocol):
    """What these pages ask of the program; see routes.py."""

    demo: bool

    def incidents(self, status: str | None, cursor: str | None, limit: int) -> Document: ...
    def incident(self, incident_id: str) -> Document: ...
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
    ) -> Document: ...
    def health(self) -> Document: ...


def joining_routes(router: APIRouter, watch: Watch, clock: Clock, answers: Answers) -> None:
    """Adds `/incidents/{id}/merge` and `/incidents/{id}/split`."""
    joining = Joining(watch, clock, answers)
    for verb in TARGETS:
        _routes_of(router, joining, verb)


def _routes_of(router: APIRouter, joining: Joining, verb: str) -> None:
    path = f"/incidents/{{incident_id}}/{verb}"

    @router.get(path)
    def page(request: Request, incident_id: str) -> Response:
        return joining.page(verb, incident_id, {"actor": [remembered(request)]})

    @router.post(path)
    async def act(request: Request, incident_id: str) -> Response:
        why_not = foreign_form(request.headers)
        if why_not:
            text = f"This form was not sent by a page of Watchkeeper: {why_not}."
            return joining.answers.message("Refused", text, _NOT_OURS, 403)
        return await joining.act(request, verb, incident_id, await read_fields(request))


class Joining:
    """Makes the pages, and does what their forms say."""

    def __init__(self, watch: Watch, clock: Clock, answers: Answers) -> None:
        self._watch, self._clock, self.answers = watch, clock, answers

    def page(
        self, verb: str, incident_id: str, fields: Fields, error: WatchkeeperError | None = None
    ) -> Response:
        """With what was typed and chosen before, after a refusal. Raises NotFound, TransitionRefused."""
        document = self._watch.incident(incident_id)
        if document["id"] != incident_id:
            return RedirectResponse(f"{incident_path(document['id'])}/{verb}", 308)
        if TARGETS[verb] not in document["allowed"] and error is None:
            what = f"{incident_id} is {document['status']}, with {plural(len(document['alerts']), 'alert')}"
            raise TransitionRefused(what, mend=f"There is nothing to {verb}.")
        now = self._clock.now()
        status, heading = status_and_heading(error) if error else (200, "")
        choices = self._others(document, now) if verb == "merge" else _alerts(document, now)
        variables = {
            **frame(self._watch.health(), self._watch.demo, now),
            "id": document["id"],
            "incident_title": shorten(document["title"], 300),
            "choices": choices,
            "more": max(0, len(document["alerts"]) - _ALERTS) if verb == "split" else 0,
            "chosen": {*fields.get("into", []), *fields.get("alerts", [])},
            "actor": shorten(_last(fields, "actor"), 100),
            "reason": shorten(_last(fields, "reason"), 500),
            "notice": {"heading": heading, "text": f"{sentence(error.what)} {error.mend}"} if error else None,
        }
        return self.answers.page(f"incident_{verb}.html", variables, status)

    async def act(self, request: Request, verb: str, incident_id: str, fields: Fields) -> Response:
        actor, reason = _last(fields, "actor"), _last(fields, "reason")
        try:
            if verb == "merge" and not _last(fields, "into"):
                raise InputError("no other incident chosen", where="into", mend="Choose one")
            document = await self._watch.transition(
                incident_id,
                TARGETS[verb],
                actor,
                reason,
                "console",
                into=_last(fields, "into"),
                alerts=fields.get("alerts", []),
            )
        except NotFound:
            raise
        except WatchkeeperError as error:
            return await run_in_threadpool(self.page, verb, incident_id, fields, error)
        split_off = document.get("split_into") or [document["id"]]
        response = RedirectResponse(incident_path(split_off[-1] if verb == "split" else document["id"]), 303)
        remember(response, request, actor)
        return response

    def _others(self, document: Document, now: int) -> list[Choice]:
        """Incidents that it may be the same as: those that are not closed, open ones first."""
        found: list[Choice] = []
        for status in ("open", "resolved"):
            rows = self._watch.incidents(status, None, _OTHERS)["incidents"]
            found += [_other(row, now) for row in rows if row["id"] != document["id"]]
        return found[:_OTHERS]


def _other(row: Document, now: int) -> Choice:
    words = f"{row['severity']} {row['status']}: {shorten(row['title'], 200)}"
    return Choice(row["id"], words, row["id"], stamp(row["started_at"], now))


def _alerts(document: Document, now: int) -> list[Choice]:
    return [
        Choice(row["episode"], alert_name(row), row["status"], stamp(row["starts_at"], now))
        for row in document["alerts"][:_ALERTS]
    ]


def _last(fields: Fields, name: str) -> str:
    return (fields.get(name) or [""])[-1]
