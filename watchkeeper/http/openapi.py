"""What /openapi.json says beyond FastAPI: the addresses of intake, and every error that is answered.

One table for each: a route that is no longer there, or is called otherwise, fails when the document is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI

from watchkeeper.http.intake import ALIASES, ANSWERS_200, PREFIX

_ERRORS = {
    400: "Wrong input: what, where, mend; nothing was stored",
    401: "The sender did not prove itself, though this source asks for it",
    403: "Sent by a page of another site",
    404: "Not found",
    405: "Another method is needed: see `Allow`",
    408: "The body did not arrive in time",
    409: "Not possible from here; `mend` says what is",
    413: "Too large",
    431: "The address is too long",
    503: "Not possible now: try again",
}
_TEXT = {"type": "string"}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["what", "where", "mend"],
            "properties": {"what": _TEXT, "where": _TEXT, "mend": _TEXT},
        }
    },
}
_ERROR_REF = {"$ref": "#/components/schemas/Error"}
_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_INTAKE = (400, 401, 408, 413, 503)
_ROUTES: dict[tuple[str, str], tuple[int, ...]] = {
    ("/v1/incidents/{incident_id}", "get"): (404,),
    ("/v1/incidents/{incident_id}/transitions", "post"): (400, 404, 409, 413, 503),
    ("/v1/incidents/{incident_id}/comments", "post"): (400, 404, 409, 413, 503),
    ("/v1/incidents/{incident_id}/report", "get"): (404,),
    ("/v1/explain/{name}", "get"): (400, 404),
    ("/v1/alerts/{line}/{index}", "get"): (404,),
    ("/v1/memory", "get"): (503,),
    ("/v1/events", "get"): (503,),
    ("/v1/dead-letters/{record}/replay", "post"): (400, 404, 413, 503),
    ("/v1/reload", "post"): (403, 409, 413, 503),
    ("/v1/risk", "post"): (400, 413, 503),
    ("/v1/risk/known", "get"): (400, 431, 503),
    ("/v1/risk/known", "post"): (400, 413, 503),
    ("/v1/incidents/{incident_id}/cause", "post"): (400, 404, 409, 413, 503),
    ("/v1/silences", "get"): (400,),
    ("/v1/silences", "post"): (400, 413, 503),
    ("/v1/silences/{silence_id}", "get"): (404,),
    ("/v1/silences/{silence_id}", "put"): (400, 404, 413, 503),
    ("/v1/silences/{silence_id}", "delete"): (400, 404, 503),
    ("/v1/incidents/{incident_id}/dismissal", "post"): (400, 404, 409, 413, 503),
    ("/v1/incidents/{incident_id}/dismissal", "delete"): (400, 404, 409, 503),
}
# Alertmanager's own addresses answer an error with a text.
_IN_WORDS: dict[tuple[str, str], tuple[int, ...]] = {
    ("/api/v2/silences", "get"): (400,),
    ("/api/v2/silences", "post"): (400, 404, 503),
    ("/api/v2/silence/{silence_id}", "get"): (404,),
    ("/api/v2/silence/{silence_id}", "delete"): (400, 404, 503),
}
# What people do, by the method; where the engine is behind it is stored and not applied yet.
_ACTS = {
    "/v1/incidents/{incident_id}/transitions": ("post",),
    "/v1/incidents/{incident_id}/comments": ("post",),
    "/v1/incidents/{incident_id}/cause": ("post",),
    "/v1/incidents/{incident_id}/dismissal": ("post", "delete"),
    "/v1/silences": ("post",),
    "/v1/silences/{silence_id}": ("put", "delete"),
}
_RECORDED = {
    "description": "Stored, and not applied yet: the engine is behind",
    "content": {"application/json": {}},
}
# It says the same as with 200.
_NOT_READY = {"description": "Intake cannot commit now, and why", "content": {"application/json": {}}}


def install_openapi(app: FastAPI, sources: Mapping[str, str]) -> None:
    """`sources` are what each source is, by its name; 422 is never answered."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        schema = build()
        schema["components"]["schemas"]["Error"] = _ERROR
        paths = schema["paths"]
        for (path, method), statuses in _ROUTES.items():
            paths[path][method]["responses"] |= _errors(statuses)
        for path, acts in _ACTS.items():
            for method in acts:
                paths[path][method]["responses"]["202"] = _RECORDED
        paths["/readyz"]["get"]["responses"]["503"] = _NOT_READY
        for methods in paths.values():
            for operation in methods.values():
                # While the engine still reads what it had decided.
                operation["responses"] = _errors((503,)) | operation["responses"]
                if operation["responses"].pop("422", None):
                    operation["responses"] |= _errors((400,))
        for (path, method), statuses in _IN_WORDS.items():
            paths[path][method]["responses"] |= _errors(statuses, _TEXT)
        schema["paths"] = {**paths, **_intake(sources)}
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _intake(sources: Mapping[str, str]) -> dict[str, Any]:
    named = {f"{PREFIX}{name}": name for name in sources}
    return {path: {"post": _ingest(path, sources[name])} for path, name in {**ALIASES, **named}.items()}


def _ingest(path: str, summary: str) -> dict[str, Any]:
    taken = {"description": "On disk: the record, and how many events it holds", "content": _OBJECT}
    domain = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}
    return {
        "summary": summary,
        "tags": ["intake"],
        "parameters": [{"name": "domain", "in": "query", "schema": domain}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "responses": {"200" if path == ANSWERS_200 else "202": taken, **_errors(_INTAKE)},
    }


def _errors(statuses: Iterable[int], schema: Mapping[str, str] = _ERROR_REF) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {str(status): {"description": _ERRORS[status], "content": content} for status in statuses}
