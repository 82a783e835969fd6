"""Rendering: the template engine, set up so that nothing foreign becomes markup, and the pages' frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.times import SECOND, format_rfc3339, spoken
from watchkeeper.console.clocks import absolute
from watchkeeper.console.text import harmless, path_part, plural, safe_url, shorten

_HERE = Path(__file__).parent
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
REFRESH_SECONDS = 10
_LATE_VIEW, _LATE_PAGES = 5, 60


class Asset(NamedTuple):
    body: bytes
    media_type: str
    etag: str


class Live(NamedTuple):
    """What a page needs to keep itself up to date: `page` is its incident's id, or `list`; `url` gives it
    afresh; `said` is where it stands, in the sentence that is read out when it changes."""

    page: str
    url: str
    said: str


class Notice(NamedTuple):
    """`loud` when alerts or pages may be lost on it. `link` leads to more, in the words `label`."""

    text: str
    loud: bool
    link: str = ""
    label: str = ""


def _assets() -> dict[str, Asset]:
    """The files under static/, read once: a name that is not here does not exist."""
    found = {}
    for path in sorted((_HERE / "static").iterdir()):
        if path.suffix in _TYPES:
            body = path.read_bytes()
            found[path.name] = Asset(body, _TYPES[path.suffix], sha256(body).hexdigest()[:16])
    return found


class Pages:
    """Renders templates. Every expression is cleaned, then escaped; an unknown variable is an error."""

    def __init__(self) -> None:
        self.assets = _assets()
        self._env = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            finalize=harmless,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters |= {"path_part": path_part, "safe_url": safe_url, "plural": plural}
        self._env.globals |= {"asset": self._asset_url, "refresh_seconds": REFRESH_SECONDS}

    def render(self, template: str, variables: Mapping[str, Any]) -> str:
        return self._env.get_template(template).render(variables)

    def _asset_url(self, name: str) -> str:
        """With its content's hash, so that a browser may keep it for long."""
        return f"/static/{name}?v={self.assets[name].etag}"


def frame(health: Mapping[str, Any], demo: bool, now: int, more: Sequence[Notice] = ()) -> dict[str, Any]:
    """What every page with live content shows around it; `more` are warnings of this page alone."""
    return {
        "demo": demo,
        "warnings": sorted([*_warnings(health), *more], key=lambda notice: not notice.loud),
        "receivers": health["receivers"],
        "version": health["version"],
        "journal_head": health["journal_head"],
        "made_at": {"machine": format_rfc3339(now), "shown": absolute(now, now)},
        "refresh": False,
        "refresh_link": None,
        "live": None,
    }


def bare_frame(demo: bool) -> dict[str, Any]:
    """Around a page that only says what went wrong: it asks nothing of a service that may be in trouble."""
    return {
        "demo": demo,
        "warnings": [],
        "version": None,
        "refresh": False,
        "refresh_link": None,
        "live": None,
    }


def _warnings(health: Mapping[str, Any]) -> list[Notice]:
    view, pages = health["engine_lag_seconds"], health["dispatcher_lag_seconds"]
    found = []
    if not health["ready"]:
        found.append(Notice("Alerts cannot be stored now: what fires now may be missing here.", True))
    if view >= _LATE_VIEW:
        records = plural(health["engine_lag_records"], "record")
        found.append(Notice(f"This page is {_seconds(view)} behind: {records} not read yet.", True))
    if pages >= _LATE_PAGES:
        found.append(Notice(f"Pages are late: the oldest has waited {_seconds(pages)}.", True))
    if not health["receivers"]:
        found.append(Notice("Nobody is paged: no receiver is configured.", True))
    for problem in health.get("configuration", {}).get("problems", ()):
        why = shorten(f"{problem['where']}: {problem['what']}. {problem['mend']}", 400)
        kept = f"A change of the {problem['document']} is not in force; what held before still does."
        found.append(Notice(f"{kept} {why}", True))
    for warning in health.get("configuration", {}).get("warnings", ()):
        why = shorten(f"{warning['where']} has {warning['what']}. {warning['mend']}.", 400)
        found.append(Notice(f"The shipped {warning['document']} are in force: {why}", False))
    if not health["catalogue_services"]:
        hint = "“watchkeeper catalog init” drafts a catalogue from what was received."
        found.append(Notice(f"Dependencies between services are not known. {hint}", False))
    return found


def _seconds(value: float) -> str:
    return spoken(int(value * SECOND))
