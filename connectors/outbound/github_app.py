"""GitHub's REST API as an App: signed in as an installation, bounded in time, bytes and requests at once.

The key and the tokens stay in memory: no message, log line or error repeats one. Limits that GitHub tells
(Retry-After, x-ratelimit-reset, secondary ones) become RemoteLater, and until then nothing else is asked of
that installation. Redirects are not followed, and every address is built here from a checked name.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from core.errors import InputError, RemoteError, RemoteLater
from core.narrative.plain import one_line
from core.times import parse_rfc3339

API = "https://api.github.com"
# Requests at once, seconds of one, bytes of an answer.
AT_ONCE, SECONDS, LONGEST = 4, 20.0, 16_000_000
# A token is made anew so long before it ends, in ms.
_BEFORE_ITS_END = 300_000
# GitHub takes at most ten minutes; both clocks may be wrong by one.
_AGO, _AHEAD = 60, 480
# When a limit is told without a time.
_SECONDARY_WAIT = 60.0
_LONGEST_WAIT = 3_600.0
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}", re.ASCII)
_VERSION = {"x-github-api-version": "2022-11-28", "user-agent": "Watchkeeper", "accept-encoding": "gzip"}
_JSON = "application/vnd.github+json"
_RAW = "application/vnd.github.raw+json"
_OUTSIDE = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError)


class _Token(NamedTuple):
    value: str
    ends_at: int


class _Asked(NamedTuple):
    method: str
    path: str
    accept: str = _JSON
    content: bytes | None = None
    limit: int = LONGEST


class GitHubApp:
    """`now` gives ms UTC. Use within one event loop; `close` at the end."""

    def __init__(
        self,
        app_id: int,
        key: bytes,
        now: Callable[[], int],
        url: str = API,
        *,
        seconds: float = SECONDS,
        at_once: int = AT_ONCE,
    ) -> None:
        self.app_id = app_id
        self._key, self._now, self._url = private_key(key), now, checked_url(url)
        self._seconds, self._places = seconds, asyncio.Semaphore(at_once)
        self._tokens: dict[int, _Token] = {}
        # Until when (ms) an installation is left alone.
        self._resting: dict[int, int] = {}
        here = self._url.partition("://")[2].startswith(("127.", "localhost", "[::1]"))
        self._client = httpx.AsyncClient(follow_redirects=False, trust_env=not here, timeout=seconds)

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, installation: int, path: str) -> Any:
        """The answer's JSON. Raises RemoteError (404 and the like), RemoteLater."""
        return _decoded(await self._ask(installation, _Asked("GET", path)))

    async def pages(self, installation: int, path: str, most: int, key: str = "") -> list[Any]:
        """Up to `most` rows of a list, page by page, or of the list under `key`."""
        rows: list[Any] = []
        joint = "&" if "?" in path else "?"
        for page in range(1, -(-most // 100) + 1):
            answer = await self.get(installation, f"{path}{joint}per_page=100&page={page}")
            found = answer.get(key) if key and isinstance(answer, dict) else answer
            if not isinstance(found, list):
                raise RemoteError("GitHub's answer is no list", where=path, mend="Try again later")
            rows += found
            if len(found) < 100:
                break
        return rows[:most]

    async def send(self, installation: int, method: str, path: str, content: Mapping[str, Any]) -> Any:
        """POST or PATCH, once: whoever repeats it looks first what became of it."""
        body = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        answer = await self._ask(installation, _Asked(method, path, content=body))
        return _decoded(answer) if answer else None

    async def text(
        self, installation: int, repository: str, path: str, revision: str, most: int
    ) -> str | None:
        """A file's text at a revision; None where there is none, or it is no text of at most `most` bytes."""
        if any(part in ("", ".", "..") for part in path.split("/")):
            return None
        address = f"{repo(repository)}/contents/{quote(path, safe='/')}?ref={quote(revision, safe='')}"
        try:
            raw = await self._ask(installation, _Asked("GET", address, _RAW, limit=most))
            return None if b"\0" in raw else raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeError:
            return None
        except RemoteLater:
            raise
        except RemoteError as error:
            if error.status in (403, 404, 413, 422, -1):
                return None
            raise

    async def _ask(self, installation: int, asked: _Asked) -> bytes:
        """With a token; one that is refused is made anew, once."""
        for last in (False, True):
            token = await self._token(installation)
            try:
                return await self._once(installation, asked, token.value)
            except RemoteError as error:
                if error.status != 401 or last:
                    raise
                self._tokens.pop(installation, None)
        raise AssertionError("unreachable")

    async def _token(self, installation: int) -> _Token:
        held = self._tokens.get(installation)
        if held is not None and held.ends_at - _BEFORE_ITS_END > self._now():
            return held
        asked = _Asked("POST", f"/app/installations/{installation:d}/access_tokens", content=b"{}")
        answer = _decoded(await self._once(installation, asked, self._signed()))
        try:
            token = _Token(str(answer["token"]), parse_rfc3339(str(answer["expires_at"])))
        except (KeyError, TypeError, ValueError):
            raise RemoteError("GitHub gave no token", where="access_tokens", mend="Try again later") from None
        self._tokens[installation] = token
        return token

    def _signed(self) -> str:
        """A JSON Web Token of the App itself (RS256)."""
        at = self._now() // 1_000
        claims = {"iat": at - _AGO, "exp": at + _AHEAD, "iss": str(self.app_id)}
        parts = [_base64(_compact(one)) for one in ({"alg": "RS256", "typ": "JWT"}, claims)]
        signature = self._key.sign(".".join(parts).encode("ascii"), PKCS1v15(), hashes.SHA256())
        return ".".join((*parts, _base64(signature)))

    async def _once(self, installation: int, asked: _Asked, token: str) -> bytes:
        left = self._resting.get(installation, 0) - self._now()
        if left > 0:
            raise _later("GitHub's limit is reached", asked.path, left / 1_000)
        async with self._places:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._exchange(installation, asked, token)
            except (TimeoutError, httpx.TimeoutException):
                raise _later(f"no answer within {self._seconds:g} s", asked.path) from None
            except _OUTSIDE as error:
                raise _later(f"no usable answer ({type(error).__name__})", asked.path) from None

    async def _exchange(self, installation: int, asked: _Asked, token: str) -> bytes:
        headers = {**_VERSION, "accept": asked.accept, "authorization": f"Bearer {token}"}
        if asked.content is not None:
            headers["content-type"] = "application/json"
        url = f"{self._url}{asked.path}"
        request = self._client.build_request(asked.method, url, headers=headers, content=asked.content)
        answer = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > asked.limit:
                    raise _refused(-1, "the answer is too long", asked.path)
            if answer.is_success:
                return bytes(body)
            self._fail(installation, answer, bytes(body[:2_000]), asked.path)
        finally:
            await answer.aclose()
        raise AssertionError("unreachable")

    def _fail(self, installation: int, answer: httpx.Response, body: bytes, path: str) -> None:
        """Raises what the answer means."""
        words = _message(body)
        status = answer.status_code
        wait = _wait(answer.headers, words, status, self._now())
        if wait is not None:
            self._resting[installation] = self._now() + int(wait * 1_000)
            raise _later(f"HTTP {status}: {words or 'a limit is reached'}", path, wait)
        if status >= 500 or status == 408:
            raise _later(f"HTTP {status}", path)
        raise _refused(status, f"HTTP {status}: {words}" if words else f"HTTP {status}", path)


def repo(name: str) -> str:
    """The path of a repository. Raises RemoteError for what is no `owner/name`."""
    if not _REPOSITORY.fullmatch(name) or any(part in (".", "..") for part in name.split("/")):
        raise RemoteError(f"{one_line(name, 80)!r} is no repository", where="GitHub", mend="Send it again")
    return f"/repos/{name}"


def private_key(pem: bytes) -> RSAPrivateKey:
    """Raises InputError, which never repeats the key."""
    mend = "Give the .pem file that GitHub made for the App"
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError("no private key in PEM form", where="GitHub App's key", mend=mend) from None
    if not isinstance(key, RSAPrivateKey):
        raise InputError("no RSA key", where="GitHub App's key", mend=mend)
    return key


def checked_url(url: str) -> str:
    """`https://github.example/api/v3`, without a slash at its end. Raises InputError."""
    scheme, _, rest = url.rstrip("/").partition("://")
    if scheme not in ("https", "http") or not rest or any(sign in rest for sign in "@?# "):
        mend = f"Write it as {API}, or https://HOST/api/v3"
        raise InputError("no address of an API", where="GitHub's address", mend=mend)
    return f"{scheme}://{rest}"


def _wait(headers: Mapping[str, str], words: str, status: int, now: int) -> float | None:
    """Seconds to leave GitHub alone; None where the answer tells no limit."""
    if status not in (403, 429, 503):
        return None
    after = headers.get("retry-after", "")
    if after.isdigit() and len(after) < 8:
        return min(_LONGEST_WAIT, float(after))
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit() and len(reset) < 13:
        return max(1.0, min(_LONGEST_WAIT, int(reset) - now / 1_000 + 1))
    if status == 429 or "rate limit" in words.lower() or "abuse" in words.lower():
        return _SECONDARY_WAIT
    return None


def _message(body: bytes) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return one_line(str(told.get("message", "")), 200) if isinstance(told, dict) else ""


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RemoteLater("GitHub's answer is no JSON", where="GitHub", mend="Try again later") from None


def _later(what: str, path: str, after: float = 0.0) -> RemoteLater:
    error = RemoteLater(what, where=f"GitHub {one_line(path, 120)}", mend="It is tried again")
    error.after = after
    return error


def _refused(status: int, what: str, path: str) -> RemoteError:
    error = RemoteError(what, where=f"GitHub {one_line(path, 120)}", mend="Look at the App's permissions")
    error.status = status
    return error


def _compact(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode("ascii")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def rows_of(answer: Any) -> Sequence[Mapping[str, Any]]:
    """The objects among the rows of a list."""
    return [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []
