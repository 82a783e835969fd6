"""What `watchkeeper sources` shows: the sources in force, a mapping file, and what a body would become.

Reads files only. A fault in the operator's files is the same error that would stop the server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from connectors.inbound.limits import bounded
from connectors.inbound.mapping import compiled
from connectors.inbound.registry import SOURCES, source
from connectors.inbound.source import Source
from core.config import Config
from core.decimals import decimal
from core.errors import BodyError, InputError, NotFound
from core.identify import Identify
from core.model.events import ChangeEvent, Event, Parsed, Problem, RiskEvent, SignalEvent
from core.model.slo import BILLION
from core.narrative.plain import one_line
from core.times import format_rfc3339, parse_rfc3339, spoken
from watchkeeper.cli.output import print_json
from watchkeeper.clock import SystemClock
from watchkeeper.files import builtin_mappings, mappings, read_text, rules_content
from watchkeeper.senders import Senders, read_senders
from watchkeeper.settings import environment, load_settings

_PLAIN_PAGES = frozenset({"alertmanager", "prometheus", "change"})
# A mapping says itself what it makes; of the sources that are modules, a person does.
MODULES_MAKE: dict[str, tuple[str, ...]] = {
    "alertmanager": ("alerts",),
    "change": ("changes",),
    "flux": ("alerts", "changes"),
    "github": ("changes",),
    "gitlab": ("changes",),
    "grafana": ("alerts",),
    "incident_io": ("alerts",),
    "jira": ("alerts",),
    "langfuse": ("changes",),
    "launchdarkly": ("changes",),
    "pagerduty": ("alerts",),
    "prometheus": ("alerts",),
    "risk": ("assessments",),
    "sentry": ("alerts",),
    "slo": ("objectives",),
    "sns": ("alerts", "changes"),
    "terraform": ("changes",),
}


class Row(NamedTuple):
    """A source in force. `origin` says whose it is, `sender` whether the senders file has its secret."""

    name: str
    makes: tuple[str, ...]
    summary: str
    address: str
    proof: str
    sender: str
    origin: str
    page: str


def listing(directory: Path | None, senders: Path | None, as_json: bool) -> None:
    """All sources by name. Raises InputError when a mapping file or the senders file is broken."""
    settings = load_settings(sources=directory, senders=senders)
    texts = mappings(settings.sources)
    found = Senders()
    if settings.senders is not None:
        content = read_text(settings.senders, "senders file")
        found = read_senders(content, str(settings.senders), environment(), {*SOURCES, *texts})
    rows = [_row(source(name, texts), texts, found) for name in sorted({*SOURCES, *texts})]
    if as_json:
        print_json({"sources": [row._asdict() for row in rows]})
        return
    for row in rows:
        typer.echo(f"{row.name:<16}  {', '.join(row.makes):<15}  {row.address}  ({row.origin})")
        typer.echo(f"    {row.summary}")
        typer.echo(f"    proof: {row.proof} [{row.sender}]; page: {row.page}")
    typer.echo(f"{len(rows)} sources in force, all well formed")


def _row(found: Source, texts: dict[str, str], senders: Senders) -> Row:
    name = found.name
    page = "README" if name in _PLAIN_PAGES else name
    return Row(
        name=name,
        makes=MODULES_MAKE[name] if name in SOURCES else compiled(texts[name], f"{name}.yaml").makes,
        summary=found.summary,
        address=f"/v1/ingest/{name}",
        proof=found.proof,
        sender="must prove itself" if senders.of(name).proves_itself else "no secret set",
        origin=_origin(name, texts),
        page=f"docs/sources/{page}.md",
    )


def _origin(name: str, texts: dict[str, str]) -> str:
    if name in SOURCES:
        return "built-in"
    shipped = builtin_mappings().get(name)
    if shipped is None:
        return "own"
    return "built-in" if shipped == texts[name] else "replaces the built-in"


def show(name: str, directory: Path | None) -> None:
    """A mapping file as it is. Raises NotFound (exit 1) for a name that is no mapping."""
    texts = mappings(load_settings(sources=directory).sources)
    if name in SOURCES:
        raise NotFound(f"{name} is read by a program, not by a mapping file", mend="Show a mapping")
    if name not in texts:
        raise NotFound(f"no mapping {name!r}", mend=f"In force are {', '.join(sorted(texts))}")
    sys.stdout.write(texts[name])


def attempt(
    mapping: str, body: Path, headers: Sequence[str], at: str | None, directory: Path | None, as_json: bool
) -> None:
    """What a body would become. Exits 1 when nothing in it is usable; InputError for wrong use."""
    reader = _reader(mapping, directory)
    given = dict(_header(text) for text in headers)
    kept = {name: value for name, value in given.items() if name in reader.kept}
    try:
        parsed = bounded(reader.parse(kept, _read(body), _moment(at)))
    except BodyError as error:
        parsed = Parsed((), (Problem(error.where, error.what, error.mend),))
    _print(parsed, reader.name, as_json)
    if not parsed.events and not parsed.ignored:
        raise typer.Exit(1)


def _reader(mapping: str, directory: Path | None) -> Source:
    """A file that is there, or that is written like one, is read as a mapping; anything else is a name."""
    path = Path(mapping)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return compiled(read_text(path, "mapping file"), str(path))
    return source(mapping, mappings(load_settings(sources=directory).sources))


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":")
    if not separator or not name.strip():
        raise InputError(f"{text!r} is no header", where="--header", mend="Write name:value")
    return name.strip().lower(), value.strip()


def _read(body: Path) -> bytes:
    if str(body) == "-":
        return sys.stdin.buffer.read()
    try:
        return body.read_bytes()
    except OSError as error:
        raise InputError(
            f"the body cannot be read ({error.strerror})", where=str(body), mend="Check the path"
        ) from None


def _moment(at: str | None) -> int:
    if at is None:
        return SystemClock().now()
    try:
        return parse_rfc3339(at)
    except ValueError:
        raise InputError(f"{at!r} is no time", where="--at", mend="Write 2026-11-21T03:00:00Z") from None


def _print(parsed: Parsed, source: str, as_json: bool) -> None:
    identify = Identify(Config({"rules": rules_content(None)}))
    events = [_described(event, identify, source) for event in parsed.events]
    if as_json:
        problems = [{"where": one.where, "what": one.what, "mend": one.mend} for one in parsed.problems]
        body = {"events": events, "ignored": parsed.ignored, "delivery": parsed.delivery}
        print_json({**body, "problems": problems})
        return
    for event in events:
        for line in _lines(event):
            typer.echo(line)
    if parsed.ignored:
        typer.echo(f"nothing is made of it: {one_line(parsed.ignored)}")
    for one in parsed.problems:
        typer.echo(f"left out: {one_line(one.where)}: {one_line(one.what)}. {one_line(one.mend)}")


def _described(event: Event, identify: Identify, source: str) -> dict[str, Any]:
    """The event as a flat object; times as RFC 3339, empty ones left out."""
    if isinstance(event, ChangeEvent):
        found: dict[str, Any] = {"event": "change", **_filled(event)}
    elif isinstance(event, RiskEvent):
        found = {"event": "risk", **_filled(event), "matches": [one._asdict() for one in event.matches]}
    elif isinstance(event, SignalEvent):
        found = {"event": "slo", **_filled(event), **_as_sent(event)}
    else:
        event = identify.taken(event, source)
        service, fingerprint = identify.service(event.labels), identify.fingerprint_of(event, source)
        found = {"event": "alert", "service": service, "fingerprint": fingerprint, **_filled(event)}
    for key in ("at", "told_at", "starts_at", "ends_at", "lease_until"):
        if key in found:
            found[key] = format_rfc3339(found[key])
    return found


def _as_sent(event: SignalEvent) -> dict[str, Any]:
    """Its numbers as people write them: percent, ratios, lengths of time."""
    found: dict[str, Any] = {
        "objective": decimal(event.objective, BILLION // 100),
        "window": spoken(event.window),
        "rates": {spoken(window): decimal(rate, BILLION) for window, rate in event.rates},
    }
    return found if event.spent is None else {**found, "spent": decimal(event.spent, BILLION)}


def _filled(event: Event) -> dict[str, Any]:
    values = ((name, getattr(event, name)) for name in event.__struct_fields__)
    return {name: value for name, value in values if value or name == "index"}


def _lines(event: dict[str, Any]) -> Iterator[str]:
    """The event for people, one line for each part; foreign text harmless."""
    labels = event.get("labels", {})
    state = event.get("status") or event.get("state") or "-"
    name = labels.get("alertname") or event.get("kind") or event.get("slo", "")
    head = (event["event"], labels.get("severity", "-"), state, event.get("service") or "-", name)
    yield f"{event['index']}  " + "  ".join(one_line(str(part)) for part in head)
    for key, value in event.items():
        if key in ("event", "index", "status", "state", "service", "kind"):
            continue
        text = ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value
        text = ", ".join(text) if isinstance(text, tuple) else text
        yield f"     {key:<14} {one_line(str(text), 2_000)}"
