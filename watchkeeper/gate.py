"""How a sender proves itself where that takes more than a secret: a certificate to fetch, a hand to shake."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import structlog

from connectors.inbound.sns_verifier import Fetch, SnsVerifier, message
from connectors.inbound.source import Request
from core.errors import SignatureRefused

log = structlog.get_logger("intake")


class Gate(Protocol):
    async def verify(self, request: Request) -> None:
        """Raises SignatureRefused."""

    async def committed(self, request: Request) -> None:
        """Called after the body was stored. Never raises for what the other side does."""


class SnsGate:
    """Amazon SNS: certificates prove messages; a subscription to an allowed topic is confirmed."""

    def __init__(self, topics: Collection[str], fetch: Fetch | None = None) -> None:
        self._verifier = SnsVerifier(topics, fetch)

    async def verify(self, request: Request) -> None:
        await self._verifier.verify(request)

    async def committed(self, request: Request) -> None:
        document = message(request.body)
        if document.get("Type") != "SubscriptionConfirmation":
            return
        try:
            await self._verifier.confirm(document)
        except SignatureRefused as error:
            log.error("subscription_not_confirmed", source="sns", error=str(error))
        else:
            log.info("subscription_confirmed", source="sns")
