"""Whether this server works as a GitHub App, checked when it starts; what it takes is imported only then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.journal import Draft
from core.ports import Clock, Journal
from watchkeeper.senders import Senders
from watchkeeper.settings import Settings

if TYPE_CHECKING:
    from core.risk.known import Known
    from watchkeeper.engine_loop import EngineLoop
    from watchkeeper.risk.github_work import GitHubWork
    from watchkeeper.risk.report import Report
    from watchkeeper.writer import JournalWriter

_MOST_KEY = 20_000


def check_github(settings: Settings, senders: Senders) -> None:
    """Raises InputError when an App is half set up: its id alone, or webhooks that anybody could send."""
    if not settings.github_app_id:
        if settings.github_app_key_file is not None:
            mend = "Set WATCHKEEPER_GITHUB_APP_ID, the number on the App's page"
            raise InputError("a key and no id", where="WATCHKEEPER_GITHUB_APP_KEY_FILE", mend=mend)
        return
    if settings.github_app_key_file is None:
        mend = "Give the .pem file that GitHub made for the App"
        raise InputError("it is missing", where="WATCHKEEPER_GITHUB_APP_KEY_FILE", mend=mend)
    _key(settings.github_app_key_file)
    if not senders.of("github").proves_itself:
        what = "the App would do what anybody asks who reaches the address: source github has no secret"
        mend = "Set the App's webhook secret for `github` in the senders file (--senders)"
        raise InputError(what, where="WATCHKEEPER_GITHUB_APP_ID", mend=mend)


def github_work(
    settings: Settings, engine: EngineLoop, journal: Journal, writer: JournalWriter, clock: Clock
) -> GitHubWork | None:
    """The App's work; None without an App. Raises InputError for a key or an address that is none."""
    if not settings.github_app_id or settings.github_app_key_file is None or settings.demo:
        return None
    from connectors.outbound.github_app import GitHubApp, checked_url, private_key
    from core.risk.knowledge import known_of
    from watchkeeper.risk.github_judge import Knowing
    from watchkeeper.risk.github_work import GitHubWork
    from watchkeeper.risk.merged import merged_telling
    from watchkeeper.risk.render_json import render_json

    key, app_id, url = _key(settings.github_app_key_file), settings.github_app_id, settings.github_app_url
    private_key(key)
    checked_url(url)

    def known(services: Sequence[str], files: Sequence[str], now: int, repository: str, domain: str) -> Known:
        with engine.reading() as fold:
            world = fold.engine.world
            return known_of(world, services, files, now, repository=repository, domain=domain)

    def tell(report: Report, domain: str) -> None:
        writer.append_now(Draft("ingest", "risk", render_json(report).encode(), domain))

    def merged(repository: str, head: str, commit: str, domain: str) -> None:
        with engine.reading() as fold:
            payload = merged_telling(fold.engine.world, (domain, repository, head), commit, clock.now())
        if payload is not None:
            writer.append_now(Draft("ingest", "risk", payload, domain))

    knowing = Knowing(known, clock.now, lambda: engine.caught_up, tell, merged)
    return GitHubWork(journal, settings.data, app_id, lambda: GitHubApp(app_id, key, clock.now, url), knowing)


def _key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_KEY)
    except OSError as error:
        what = f"cannot be read ({error.strerror or 'no path'})"
        raise InputError(what, where="WATCHKEEPER_GITHUB_APP_KEY_FILE", mend="Give another file") from None
