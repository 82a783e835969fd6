"""What is known of services and files, by HTTP: for the check of a change, wherever that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from core.journal import DEFAULT_DOMAIN
from core.risk.knowledge import MOST_FILES, MOST_SERVICES, known_of
from core.risk.known import Known
from core.world import World
from watchkeeper.service import Watch

_Name = Annotated[str, Field(max_length=1_024)]
_MOST_IN_ADDRESS = 200


class KnownBody(BaseModel):
    """What a change touches. Without files every file is told of that changed before incidents."""

    services: list[_Name] = Field([], max_length=MOST_SERVICES)
    files: list[_Name] = Field([], max_length=MOST_FILES)
    repository: str = Field("", max_length=200)
    domain: str = Field(DEFAULT_DOMAIN, max_length=200)


def risk_known_router(watch: Watch, now: Callable[[], int]) -> APIRouter:
    router = APIRouter(prefix="/v1/risk", tags=["risk"])

    def answer(asked: KnownBody) -> Response:
        def known_in(world: World) -> Known:
            files = frozenset(asked.files)
            about = {"repository": asked.repository, "domain": asked.domain}
            return known_of(world, asked.services, files, now(), **about)

        known = watch.asking(known_in)
        return Response(msgspec.json.encode(known), media_type="application/json")

    @router.get("/known")
    def known(
        service: Annotated[list[_Name], Query(max_length=MOST_SERVICES)] = [],  # noqa: B006 - FastAPI's form
        file: Annotated[list[_Name], Query(max_length=_MOST_IN_ADDRESS)] = [],  # noqa: B006
        repository: Annotated[str, Query(max_length=200)] = "",
        domain: Annotated[str, Query(max_length=200)] = DEFAULT_DOMAIN,
    ) -> Response:
        """Open incidents, error budgets, tier and dependants of services; freezes; files and changes that
        caused incidents, of the repository, or of these services where none is named."""
        return answer(KnownBody(services=service, files=file, repository=repository, domain=domain))

    @router.post("/known")
    def asked(body: KnownBody) -> Response:
        """The same, for more files than fit an address."""
        return answer(body)

    return router
