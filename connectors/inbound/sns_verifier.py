"""The proof of messages of Amazon SNS by the certificate that signed them, and the answer to its handshake.

Nothing is fetched before the address, the topic and the message's age were checked. What is fetched is
bounded in size and time, redirects are not followed, and certificates are kept (a few).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

from connectors.inbound.fields import Object
from connectors.inbound.sns_signature import (
    certificate_url,
    check,
    check_before_fetch,
    refused,
    subscribe_url,
)
from connectors.inbound.source import Request, as_object, decode
from core.errors import BodyError

Fetch = Callable[[str], Awaitable[bytes]]
_MOST_BYTES, _SECONDS, _MOST_CERTIFICATES = 64 * 1024, 5.0, 16


class SnsVerifier:
    """For the topics of the senders file. Without topics every message is refused and nothing is fetched.

    `fetch` raises SignatureRefused for what cannot be had.
    """

    def __init__(self, topics: Collection[str], fetch: Fetch | None = None) -> None:
        self._topics = frozenset(topics)
        self._fetch = fetch or fetch_https
        self._certificates: dict[str, bytes] = {}
        self._one_at_a_time = asyncio.Lock()

    async def verify(self, request: Request) -> Object:
        """The message, proven. Raises SignatureRefused, and nothing else."""
        document = message(request.body)
        url = certificate_url(document, self._topics)
        check_before_fetch(document, request.now)
        certificate = await self._certificate(url)
        await asyncio.to_thread(check, document, certificate, request.now)
        self._keep(url, certificate)
        return document

    async def confirm(self, document: Object) -> None:
        """Subscribe, by the address in a message that was verified. Raises SignatureRefused."""
        if document.get("Type") != "SubscriptionConfirmation":
            raise refused("not a message that asks for a confirmation", "Type")
        await self._fetch(subscribe_url(document, self._topics))

    async def _certificate(self, url: str) -> bytes:
        known = self._certificates.get(url)
        if known is not None:
            return known
        async with self._one_at_a_time:
            return self._certificates.get(url) or await self._fetch(url)

    def _keep(self, url: str, certificate: bytes) -> None:
        """Only a certificate that signed something: what another one gave cannot fill the cache."""
        self._certificates[url] = certificate
        while len(self._certificates) > _MOST_CERTIFICATES:
            del self._certificates[next(iter(self._certificates))]


def message(body: bytes) -> Object:
    try:
        return as_object(decode(body), "body", "Send what SNS sends to an https subscription")
    except BodyError as error:
        raise refused(error.what, error.where) from None


async def fetch_https(url: str) -> bytes:
    """GET, bounded. Raises SignatureRefused, whose words do not repeat the address: it may hold a token."""
    import httpx

    # As it is: a compressed answer could be far larger than what was read of it.
    headers = {"accept-encoding": "identity"}
    try:
        async with (
            asyncio.timeout(_SECONDS),
            httpx.AsyncClient(trust_env=False) as client,
            client.stream("GET", url, headers=headers, follow_redirects=False) as answer,
        ):
            if not answer.is_success:
                raise refused(f"SNS answered HTTP {answer.status_code}", "fetch")
            return await _bounded(answer.aiter_raw())
    except TimeoutError:
        raise refused(f"SNS did not answer within {_SECONDS:g} s", "fetch") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise refused(f"SNS cannot be reached ({type(error).__name__})", "fetch") from None


async def _bounded(chunks: AsyncIterator[bytes]) -> bytes:
    content = b""
    async for chunk in chunks:
        content += chunk
        if len(content) > _MOST_BYTES:
            raise refused("SNS answered with more than 64 KiB", "fetch")
    return content
