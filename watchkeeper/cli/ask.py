"""Where the reading commands get their answers: a running server by HTTP, or a journal read from disk.

Both give the same documents.
"""

from __future__ import annotations

import getpass
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from core.errors import InputError, NotFound, NotYetApplied, TransitionRefused, Unreachable, WatchkeeperError
from core.model.document import Document
from core.narrative.plain import one_line
from watchkeeper.settings import load_settings


class Answers(Protocol):
    def incidents(self, status: str | None, limit: int, cursor: str = "") -> Document: ...
    def incident(self, name: str) -> Document: ...
    def explain(self, name: str, other: str = "") -> Document: ...
    def slos(self, service: str | None, limit: int) -> Document: ...


def answers(data: Path | None, url: str | None) -> Answers:
    """The journal in `data` where that is given, else the server."""
    if data is not None and url is not None:
        raise InputError("both --data and --url", where="options", mend="Give one of them")
    return FromJournal(data) if data is not None else Server(url)


class Server:
    """`option`: how the command is told its address."""

    def __init__(self, url: str | None, option: str = "--url, or --data to read a journal") -> None:
        self.url = (url or load_settings().server_url).rstrip("/")
        self._option = option

    def incidents(self, status: str | None, limit: int, cursor: str = "") -> Document:
        params: dict[str, str] = {"limit": str(limit), **({"status": status} if status else {})}
        params |= {"cursor": cursor} if cursor else {}
        return self._ask("GET", "/v1/incidents", params=params)

    def incident(self, name: str) -> Document:
        return self._ask("GET", f"/v1/incidents/{segment(name)}")

    def explain(self, name: str, other: str = "") -> Document:
        params = {"why_not": other} if other else {}
        return self._ask("GET", f"/v1/explain/{segment(name)}", params=params)

    def slos(self, service: str | None, limit: int) -> Document:
        params: dict[str, str] = {"limit": str(limit), **({"service": service} if service else {})}
        return self._ask("GET", "/v1/slos", params=params)

    def memory(self, text: str, limit: int) -> Document:
        return self._ask("GET", "/v1/memory", params={"text": text, "limit": str(limit)})

    def transition(self, name: str, to: str, actor: str, reason: str, **more: Any) -> Document:
        """`more`: `into` of a merge, `alerts` of a split."""
        body = {"to": to, "actor": actor, "reason": reason, **more}
        return self._do(name, "transitions", body)

    def comment(self, name: str, author: str, text: str) -> Document:
        body = {"author": author, "text": text}
        return self._do(name, "comments", body)

    def cause(self, name: str, change: str, actor: str, reason: str, *, caused: bool) -> Document:
        body = {"change": change, "actor": actor, "reason": reason, "caused": caused}
        return self._do(name, "cause", body)

    def _do(self, name: str, what: str, body: Document) -> Document:
        """Raises NotYetApplied where it is stored and the engine is behind."""
        path = f"/v1/incidents/{segment(name)}/{what}"
        document = self._ask("POST", path, accept=(200, 202), json=body)
        if document.get("applied") is False:
            raise NotYetApplied(str(document.get("text")), where=name)
        return document

    def risk(self, body: Document) -> Document:
        return self._ask("POST", "/v1/risk", json=body)

    def ready(self) -> Document:
        return self._ask("GET", "/readyz", accept=(200, 503))

    def _ask(self, method: str, path: str, accept: tuple[int, ...] = (200,), **request: Any) -> Document:
        import httpx

        try:
            # A proxy of the environment knows no way back to this machine.
            with httpx.Client(timeout=15.0, trust_env=not _is_here(self.url)) as client:
                answer = client.request(method, self.url + path, **request)
        except UnicodeError:
            raise InputError("not Unicode", where="options", mend="Give text") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(
                f"no Watchkeeper answers ({error})",
                where=self.url,
                mend=f"Start one with `watchkeeper serve`, or give {self._option}",
            ) from None
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            mend = f"Give another {self._option.partition(',')[0]}"
            raise Unreachable("what answers there is no Watchkeeper", where=self.url, mend=mend)
        if answer.status_code not in accept:
            raise _error(answer.status_code, document)
        return document


class FromJournal:
    def __init__(self, data: Path) -> None:
        from connectors.storage.sqlite_journal import SqliteJournal
        from watchkeeper.cli.offline import fold_journal

        self._journal = SqliteJournal(data, read_only=True)
        self._fold = fold_journal(self._journal)

    def incidents(self, status: str | None, limit: int, cursor: str = "") -> Document:
        from watchkeeper.listing import asked, in_memory, whole

        page = asked(status, cursor or None, limit)
        return whole(in_memory(self._fold, page), page, None)

    def incident(self, name: str) -> Document:
        from watchkeeper.said import Sayings
        from watchkeeper.shown import leaving, live_document, recalled, shown

        live = self._fold.engine.incident(name)
        document = live_document(self._fold, live) if live else leaving(self._fold, name)
        if document is not None:
            said = Sayings(self._journal).of(self._fold, document)
            return {**shown(recalled(self._fold, document)), "said": said}
        raise NotFound(f"no incident {name!r}", mend="`watchkeeper incidents` lists them")

    def explain(self, name: str, other: str = "") -> Document:
        from watchkeeper.service import apart, explained

        if other:
            return apart(self._fold, name, other, lambda fold, incident: self.incident(incident))
        return explained(self._fold, name, lambda fold, incident: self.incident(incident))

    def slos(self, service: str | None, limit: int) -> Document:
        from core.slo_document import slos_document

        return slos_document(self._fold.engine.world, service, limit)


def login_name() -> str:
    with suppress(KeyError, OSError, ImportError):
        return getpass.getuser()
    return "unknown"


def _is_here(url: str) -> bool:
    return url.partition("://")[2].startswith(("127.", "localhost", "[::1]"))


def segment(name: str) -> str:
    """An id as one part of an address. Raises NotFound for what no id can be."""
    from urllib.parse import quote

    if "/" in name or name in ("", ".", ".."):
        mend = "`watchkeeper incidents` lists ids, `show ID` fingerprints in brackets"
        raise NotFound(f"no incident or alert {one_line(name, 60)!r}", mend=mend)
    return quote(name, safe="", errors="replace")


def _error(status: int, document: Document) -> WatchkeeperError:
    found = document.get("error")
    error = found if isinstance(found, dict) else {"what": f"status {status}"}
    kind = {404: NotFound, 409: TransitionRefused}.get(status, InputError)
    return kind(str(error.get("what")), where=str(error.get("where", "")), mend=str(error.get("mend", "")))
