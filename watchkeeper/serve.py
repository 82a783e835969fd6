"""`watchkeeper serve`: the socket, the server around the App, and the demo if one was asked for."""

from __future__ import annotations

import gc
import io
import logging
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO, cast

import structlog
import uvicorn

from core.errors import InputError
from watchkeeper.app import App
from watchkeeper.demo import demo_clock, play_demo
from watchkeeper.files import demo_cases
from watchkeeper.http.protocol import BoundedProtocol
from watchkeeper.settings import Settings

_DEMO = (
    "four recorded cases are played, 20 times as fast as they happened, as if days lay between them."
    " About a minute."
)


def serve(settings: Settings) -> None:
    """Runs until SIGINT or SIGTERM. Raises what the start raises."""
    # uvicorn raises the signal once more when it has stopped: what we opened is closed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # In a demo nobody is paged and nothing is asked of a model: its log would only hide what it says.
    set_up_logs(settings.log_format, logging.ERROR if settings.demo else logging.INFO)
    if settings.demo:
        settings = _demo_settings(settings)
    listener = listen(settings.host, settings.port)
    host, port = listener.getsockname()[:2]
    clock = demo_clock() if settings.demo else None
    app = App(settings.model_copy(update={"port": port}), clock)
    with listener:
        # Until the state has been read: most of what is made meanwhile stays.
        gc.disable()
        app.open()
        try:
            url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            if clock is not None:
                app.background = partial(play_demo, demo_cases(), url, clock)
            if not settings.demo:
                signal.signal(signal.SIGHUP, lambda *_: app.reloader.ask())
            _say(settings, url)
            server = _server(app)
            app.on_fault = partial(setattr, server, "should_exit", True)
            server.run(sockets=[listener])
        finally:
            gc.unfreeze()  # Frozen objects would be reported as leaked by extension modules.
            app.stop()
    if app.fault is not None:
        raise app.fault


def _server(app: App) -> uvicorn.Server:
    config = uvicorn.Config(
        app.asgi,
        interface="asgi3",
        http=BoundedProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises InputError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2_048)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen there ({error.strerror})",
            where=f"{host}:{port}",
            mend="Give another --host or --port",
        ) from None
    listener.set_inheritable(False)
    return listener


def set_up_logs(log_format: str, level: int = logging.INFO) -> None:
    """To standard error; JSON for machines, lines for people."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Log())),
    )


class _Log(io.TextIOBase):
    """Standard error. A line that cannot be written (its disk may be the one that is full) is lost: a thread
    that has something to say must not die of it."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def _demo_settings(settings: Settings) -> Settings:
    """A directory of its own for each run: demo data never mixes with a team's."""
    run = datetime.now(UTC).strftime("demo-%Y%m%dT%H%M%SZ")
    catalogue = settings.catalogue or demo_cases()[0] / "catalog.yaml"
    return settings.model_copy(update={"data": settings.data / run, "catalogue": catalogue})


def _say(settings: Settings, url: str) -> None:
    where = Path(settings.data)
    print(f"Watchkeeper is on {url}   (data: {where})", flush=True)  # noqa: T201 - the one line people wait for
    if settings.demo:
        print(f"DEMO: {_DEMO}", flush=True)  # noqa: T201
