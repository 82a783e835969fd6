"""/v1/reload takes up changed files; /v1/config says what is in force, and what keeps files out of it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from core.model.document import Document
from watchkeeper.console.guard import foreign_form
from watchkeeper.reloading import Reloader


def reload_router(reloader: Reloader) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["configuration"])

    @router.post("/reload")
    def reload(request: Request) -> JSONResponse:
        """Take up changed files. 409 when one is not well formed: the others are in force, of it the old."""
        why_not = foreign_form(request.headers)
        if why_not:
            return JSONResponse(
                _error(f"not sent by a page of ours: {why_not}", "", "Send it from here"), 403
            )
        came, whole = reloader.reload("request")
        if whole:
            return JSONResponse(came)
        first = came["problems"][0]
        return JSONResponse({**came, **_error(first["what"], first["where"], first["mend"])}, 409)

    @router.get("/config")
    def config() -> Document:
        """The hash of each document in force, the files that are watched, and how the last reload went."""
        return reloader.documents()

    return router


def _error(what: str, where: str, mend: str) -> Document:
    return {"error": {"what": what, "where": where, "mend": mend}}
