"""One note on a pull request (GitHub) or a merge request (GitLab), with a token of the pipeline: found by its
marker and its author, edited, never posted again.

The token is in no message. Redirects are not followed; all is bounded in time and bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import httpx

from connectors.outbound.github_app import checked_url, repo, rows_of
from core.errors import RemoteError
from core.narrative.plain import one_line

SECONDS, _LONGEST, _MOST_PAGES = 20.0, 8_000_000, 30
# Who writes with the token that GitHub gives a workflow.
_WORKFLOWS = "github-actions[bot]"
Did = Literal["made", "edited", "left as it is", "nothing to say"]
_OUTSIDE = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError)


class Note(NamedTuple):
    """`worth_making`: also where there is none yet. `body` begins with `marker`."""

    marker: str
    body: str
    worth_making: bool


class Forge:
    """`with Forge(url, headers) as forge`. Every method raises RemoteError."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = checked_url(url)
        here = self._url.partition("://")[2].startswith(("127.", "localhost", "[::1]"))
        self._client = httpx.Client(
            headers={"user-agent": "Watchkeeper", **headers},
            timeout=SECONDS,
            follow_redirects=False,
            trust_env=not here,
        )

    def __enter__(self) -> Forge:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        try:
            with self._client.stream(method, f"{self._url}{path}", json=content) as answer:
                raw = bytearray()
                for chunk in answer.iter_bytes():
                    raw += chunk
                    if len(raw) > _LONGEST:
                        raise RemoteError("the answer is too long", where=path, mend="Try again later")
                status, ok = answer.status_code, answer.is_success
        except _OUTSIDE as error:
            what = f"no usable answer ({type(error).__name__})"
            raise RemoteError(what, where=path, mend="Look at the address, or try again later") from None
        if not ok:
            mend = "Look at what the token may do"
            raise RemoteError(f"HTTP {status}", where=one_line(path), mend=mend)
        try:
            return json.loads(bytes(raw)) if raw else None
        except (ValueError, RecursionError):
            raise RemoteError("the answer is no JSON", where=path, mend="Try again later") from None

    def rows(self, path: str) -> Iterator[Mapping[str, Any]]:
        joint = "&" if "?" in path else "?"
        for page in range(1, _MOST_PAGES + 1):
            found = self.ask("GET", f"{path}{joint}per_page=100&page={page}")
            yield from rows_of(found)
            if not isinstance(found, list) or len(found) < 100:
                return


def on_github(forge: Forge, repository: str, number: int, note: Note) -> Did:
    """With the token of a workflow, which writes as github-actions[bot]."""
    place = f"{repo(repository)}/issues"

    def ours(row: Mapping[str, Any]) -> bool:
        user = row.get("user")
        return isinstance(user, dict) and user.get("login") == _WORKFLOWS and user.get("type") == "Bot"

    return _stick(forge, note, f"{place}/{number:d}/comments", f"{place}/comments", "PATCH", ours)


def on_gitlab(forge: Forge, project: str, number: int, note: Note) -> Did:
    """With a token of the project; it writes as whoever it belongs to."""
    me = forge.ask("GET", "/user")
    name = me.get("id") if isinstance(me, dict) else None
    place = f"/projects/{quote(project, safe='')}/merge_requests/{number:d}/notes"

    def ours(row: Mapping[str, Any]) -> bool:
        author = row.get("author")
        return name is not None and isinstance(author, dict) and author.get("id") == name

    return _stick(forge, note, place, place, "PUT", ours)


def pull_of_branch(forge: Forge, repository: str, owner: str, branch: str, head: str) -> int:
    """The open pull request of a fork's branch whose newest commit is `head`; 0 for none."""
    path = f"{repo(repository)}/pulls?state=open&head={quote(f'{owner}:{branch}', safe='')}"
    for row in forge.rows(path):
        told = row.get("head")
        number = row.get("number")
        if isinstance(told, dict) and told.get("sha") == head and isinstance(number, int):
            return number
    return 0


def _stick(
    forge: Forge, note: Note, listed: str, one: str, method: str, ours: Callable[[Mapping[str, Any]], bool]
) -> Did:
    for row in forge.rows(listed):
        name, body = row.get("id"), str(row.get("body") or "")
        if isinstance(name, int) and body.startswith(note.marker) and ours(row):
            if body.strip() == note.body.strip():
                return "left as it is"
            forge.ask(method, f"{one}/{name:d}", {"body": note.body})
            return "edited"
    if not note.worth_making:
        return "nothing to say"
    forge.ask("POST", listed, {"body": note.body})
    return "made"
