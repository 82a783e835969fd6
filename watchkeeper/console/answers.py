"""How the console answers: pages with the guard's headers on every one, and errors as pages in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from core.errors import (
    InputError,
    JournalUnavailable,
    NotFound,
    NotYetApplied,
    TransitionRefused,
    WatchkeeperError,
)
from watchkeeper.console.guard import HEADERS
from watchkeeper.console.pages import Pages, bare_frame

_ERRORS: tuple[tuple[type[WatchkeeperError], int, str], ...] = (
    (NotFound, 404, "Not found"),
    (TransitionRefused, 409, "Not done"),
    (NotYetApplied, 202, "Stored, and not applied yet"),
    (InputError, 400, "Not understood"),
    (JournalUnavailable, 503, "Not done: it cannot be stored now"),
)
_OTHER = (503, "Not possible now")


def status_and_heading(error: WatchkeeperError) -> tuple[int, str]:
    return next((tuple(rest) for kind, *rest in _ERRORS if isinstance(error, kind)), _OTHER)  # type: ignore[return-value]


def sentence(text: str) -> str:
    """An error's words begin small, since they follow a place elsewhere. On a page they stand alone."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def attachment(text: str, name: str) -> Response:
    """A Markdown file to be saved. Of `name` only what is safe in a header and a file system is kept."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "", name)
    headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)


class Answers:
    """Renders templates into responses."""

    def __init__(self, pages: Pages, demo: bool) -> None:
        self.pages, self.demo = pages, demo

    def page(self, template: str, variables: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        return HTMLResponse(self.pages.render(template, variables), status)

    def message(self, heading: str, text: str, mend: str, status: int) -> HTMLResponse:
        said = {"heading": heading, "text": text, "mend": mend}
        return self.page("message.html", bare_frame(self.demo) | said, status)

    def error(self, error: WatchkeeperError) -> HTMLResponse:
        status, heading = status_and_heading(error)
        return self.message(heading, sentence(error.what), error.mend, status)

    def route_class(self) -> type[APIRoute]:
        """Routes that cannot forget the headers, nor answer an error in another form than a page."""
        answers = self

        class ConsoleRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()

                async def guarded(request: Request) -> Response:
                    try:
                        response = await handle(request)
                    except WatchkeeperError as error:
                        response = answers.error(error)
                    response.headers.update(HEADERS)
                    response.headers.setdefault("Cache-Control", "no-store")
                    return response

                return guarded

        return ConsoleRoute
