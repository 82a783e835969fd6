"""/healthz (the process answers), /readyz (intake can commit; says how far the engine is), /metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from core.model.document import Document
from core.model.incident import OPEN, SEVERITIES
from core.storm import burst
from watchkeeper.engine_loop import EngineLoop
from watchkeeper.http.intake import Intake
from watchkeeper.suppressed_counts import SuppressedCounts


def health_router(health: Callable[[], Document], metrics: Callable[[], bytes]) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    def healthz() -> Document:
        """200 while the process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz() -> JSONResponse:
        """200 when intake can commit, 503 when it cannot."""
        state = health()
        return JSONResponse(state, 200 if state["ready"] else 503)

    @router.get("/metrics", response_class=Response)
    def metrics_text() -> Response:
        """Prometheus exposition."""
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST)

    return router


class Metrics:
    """A collector over live figures: nothing is counted twice, nothing is kept in a global registry."""

    def __init__(self, intake: Intake, engine: EngineLoop, health: Callable[[], Document]) -> None:
        self._intake, self._engine, self._health = intake, engine, health
        self._suppressed = SuppressedCounts(engine)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "watchkeeper_ingest_requests", "Requests to intake", labels=["source", "status"]
        )
        for (source, status), count in sorted(self._intake.requests.items()):
            requests.add_metric([source, str(status)], count)
        events = CounterMetricFamily("watchkeeper_ingest_events", "Events committed", labels=["source"])
        for source, count in sorted(self._intake.events.items()):
            events.add_metric([source], count)
        yield requests
        yield events
        yield from self._pages()
        yield from self._agents()
        yield from self._configuration()
        yield from self._gauges()

    def _pages(self) -> Iterator[Metric]:
        """What became of pages, since the start. One that no route took has no receiver."""
        found = self._health()["pages"]
        pages = CounterMetricFamily("watchkeeper_pages", "Pages by result", labels=["receiver", "result"])
        for name, counts in found["receivers"].items():
            for result, count in counts.items():
                pages.add_metric([name, result], count)
        pages.add_metric(["", "no_receiver"], found["no_receiver"])
        yield pages

    def _configuration(self) -> Iterator[Metric]:
        """How reloading went, since the start."""
        state = self._health()["configuration"]
        failures = "Reloads that left a changed file out of force"
        yield CounterMetricFamily("watchkeeper_config_reload_failures", failures, value=state["failures"])
        whole = "Whether all files were in force after the last reload"
        yield GaugeMetricFamily("watchkeeper_config_last_reload_ok", whole, value=int(state["ok"]))

    def _agents(self) -> Iterator[Metric]:
        """What explaining took, since the start."""
        for name, key, what in (
            ("agent_runs", "runs", "Times that the agents looked at an incident"),
            ("model_calls", "asked", "Calls of the language model"),
            ("model_answers", "answered", "Calls that it answered, with something of use or not"),
            ("agent_faults", "faults", "Runs that a fault of ours ended"),
        ):
            yield CounterMetricFamily(f"watchkeeper_{name}", what, value=self._health()["agents"][key])

    def _gauges(self) -> Iterator[Metric]:
        health = self._health()
        for name, what in (
            ("journal_head", "Last record committed"),
            ("engine_lag_records", "Records not applied yet"),
            ("engine_lag_seconds", "Age of the oldest record not applied yet"),
            ("dispatcher_lag_seconds", "Age of the oldest page not delivered yet"),
            ("agents_lag_seconds", "Age of the oldest question to the agents not answered yet"),
            ("intake_lag_seconds", "Age of the oldest body not on disk yet"),
            ("records_without_effect", "Records that could not be read"),
        ):
            yield GaugeMetricFamily(f"watchkeeper_{name}", what, value=health[name])
        if health["github"] is not None:
            waiting = "Pull requests and deployments that GitHub was not told about yet"
            yield GaugeMetricFamily("watchkeeper_github_waiting", waiting, value=health["github"]["waiting"])
            given_up = "Those that were given up since the start"
            yield CounterMetricFamily(
                "watchkeeper_github_given_up", given_up, value=health["github"]["given_up"]
            )
        # Where nothing is said, that is not the same as none.
        if self._engine.begun:
            yield from self._of_incidents()

    def _of_incidents(self) -> Iterator[Metric]:
        incidents = GaugeMetricFamily(
            "watchkeeper_open_incidents", "Open incidents", labels=["severity", "status"]
        )
        counts = {(severity, status): 0 for severity in SEVERITIES for status in sorted(OPEN)}
        with self._engine.reading() as fold:
            for incident in fold.engine.state.incidents.values():
                key = (incident.severity, incident.status)
                if key in counts:
                    counts[key] += 1
            found = burst(fold.engine.world)
        began = "Open incidents that began so close together that one cause is likelier; 0 for none"
        yield GaugeMetricFamily("watchkeeper_storm", began, value=len(found.incidents) if found else 0)
        for (severity, status), count in counts.items():
            incidents.add_metric([severity, status], count)
        yield incidents
        held = "Alerts that fire and page nobody for now, by what keeps them"
        suppressed = GaugeMetricFamily("watchkeeper_suppressed_alerts", held, labels=["kind"])
        for kind, count in self._suppressed.counts().items():
            suppressed.add_metric([kind], count)
        yield suppressed
