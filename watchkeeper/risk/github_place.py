"""A repository as the App asks GitHub for it: objects, rows, texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.outbound.github_app import GitHubApp, repo, rows_of
from core.errors import RemoteError
from watchkeeper.risk.texts import LONGEST_TEXT


class Place(NamedTuple):
    """A repository, as an installation of the App may see it."""

    api: GitHubApp
    installation: int
    repository: str

    async def get(self, path: str) -> Any:
        told = await self.api.get(self.installation, f"{repo(self.repository)}{path}")
        if not isinstance(told, dict):
            raise RemoteError("GitHub's answer is no object", where=path[:200], mend="Try again later")
        return told

    async def rows(self, path: str, most: int, key: str = "") -> list[Mapping[str, Any]]:
        found = await self.api.pages(self.installation, f"{repo(self.repository)}{path}", most, key)
        return list(rows_of(found))

    async def text(self, path: str, revision: str) -> str | None:
        return await self.api.text(self.installation, self.repository, path, revision, LONGEST_TEXT)

    async def send(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        return await self.api.send(self.installation, method, f"{repo(self.repository)}{path}", content)
