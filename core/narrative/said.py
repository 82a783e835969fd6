"""What an alert itself says: the sender's summary, description and links, for people to read and follow.

They are read where somebody looks, or when a page is sent; the engine keeps none of them and decides nothing
by them. All of it is foreign text: cut, and linked only where it is a plain web address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.model.document import Document
from core.model.events import AlertEvent
from core.narrative.plain import one_line
from core.narrative.weblink import safe_url, url_host

MOST = 4
_SUMMARY, _DESCRIPTION = 300, 2_000
_SUMMARIES = ("summary", "message", "title")
_DESCRIPTIONS = ("description", "message", "details")
_LINKS = {
    "runbook": ("runbook_url", "runbookUrl", "runbookURL", "runbook"),
    "dashboard": ("dashboard_url", "dashboardUrl", "dashboardURL", "dashboard", "grafana_url"),
    "panel": ("panel_url", "panelURL"),
    "image": ("image_url", "imageURL"),
}
_STATUSES = {"firing": 0, "unknown": 1}


def leading(document: Mapping[str, Any], rank: Callable[[Mapping[str, Any]], int]) -> list[Document]:
    """Alerts of an incident's document that tell most: one of the probable origin, then the worst and the
    newest of others that fire, each name on each service once; MOST of them. `rank` (0 is worst) is of an
    alert. Those that a rule of ours raised say nothing of their own."""
    origin = (document.get("origin") or {}).get("service")
    alerts = [one for one in document.get("alerts") or () if one["index"] >= 0]

    def order(one: Document) -> tuple[int, int, str]:
        return _STATUSES.get(one["status"], 2), rank(one), one["starts_at"]

    first = sorted((one for one in alerts if origin and one["service"] == origin), key=order)[:1]
    newest = sorted(alerts, key=lambda one: str(one["starts_at"]), reverse=True)
    rest = sorted(newest, key=lambda one: order(one)[:2])
    found: dict[tuple[str, str], Document] = {}
    for one in (*first, *rest):
        found.setdefault((one["name"], one["service"]), one)
        if len(found) == MOST:
            break
    return list(found.values())


def said_json(event: AlertEvent) -> Document:
    """`summary` (one line), `description` (may hold line breaks; measured values are its last line), `links`:
    kind (graph, runbook, dashboard, panel, image), url and host; empty where the sender says nothing of
    that."""
    words = event.annotations
    summary = one_line(_first(words, _SUMMARIES), _SUMMARY)
    description = _first(words, _DESCRIPTIONS).strip()
    urls = {"graph": safe_url(event.generator_url)}
    urls |= {kind: _link(words, names) for kind, names in _LINKS.items()}
    description = "" if one_line(description, _SUMMARY) == summary else description
    values = one_line(words.get("values", ""), _SUMMARY)
    lines = [_cut(description), f"Values: {values}" if values and values not in description else ""]
    return {
        "summary": summary,
        "description": _cut("\n".join(filter(None, lines))),
        "links": [{"kind": kind, "url": url, "host": url_host(url)} for kind, url in _each_once(urls)],
    }


def _each_once(urls: Mapping[str, str]) -> list[tuple[str, str]]:
    """One address is told once, as the first kind that it is."""
    first = {url: kind for kind, url in reversed(list(urls.items())) if url}
    return [(kind, url) for kind, url in urls.items() if url and first[url] == kind]


def link_of(said: Mapping[str, Any], kind: str) -> str:
    """The address of a kind, or nothing."""
    return next((str(one["url"]) for one in said["links"] if one["kind"] == kind), "")


def _first(words: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((words[name] for name in names if words.get(name, "").strip()), "")


def _link(words: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((url for name in names if (url := safe_url(words.get(name, "")))), "")


def _cut(text: str) -> str:
    return text if len(text) <= _DESCRIPTION else f"{text[: _DESCRIPTION - 1]}…"
