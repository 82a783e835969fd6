"""The client of GitHub's API against a server that checks what GitHub checks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from connectors.outbound.github_app import GitHubApp, checked_url, private_key
from core.errors import InputError, RemoteError, RemoteLater
from tests.fake_github import APP_ID, HEAD, INSTALLATION, PEM, FakeGitHub

PULL = "/repos/acme/shop/pulls/1"


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        server.repository.pull(1, [])
        yield server


def now() -> int:
    return int(time.time() * 1_000)


def asked(
    github: FakeGitHub,
    act: Callable[[GitHubApp], Awaitable[Any]],
    clock: Callable[[], int] = now,
    **more: Any,
) -> Any:
    async def run() -> Any:
        api = GitHubApp(APP_ID, PEM, clock, github.url, **more)
        try:
            return await act(api)
        finally:
            await api.close()

    return asyncio.run(run())


def test_a_token_is_made_once_and_again_before_it_ends(github: FakeGitHub) -> None:
    times = [0]

    async def act(api: GitHubApp) -> None:
        for minutes in (0, 1, 54, 56):
            times[0] = minutes * 60_000
            if minutes < 56:
                await api.get(INSTALLATION, PULL)
        assert github.tokens_made == 1

    asked(github, act, lambda: now() + times[0])


def test_a_token_that_ends_soon_is_made_anew(github: FakeGitHub) -> None:
    github.token_seconds = 200

    async def act(api: GitHubApp) -> None:
        await api.get(INSTALLATION, PULL)
        await api.get(INSTALLATION, PULL)

    asked(github, act)
    assert github.tokens_made == 2


def test_a_token_that_is_refused_is_made_anew_once(github: FakeGitHub) -> None:
    async def act(api: GitHubApp) -> Any:
        await api.get(INSTALLATION, PULL)
        github.tokens.clear()
        return await api.get(INSTALLATION, PULL)

    assert asked(github, act)["number"] == 1
    github.fail("GET", PULL, "401", times=2)
    with pytest.raises(RemoteError) as refused:
        asked(github, lambda api: api.get(INSTALLATION, PULL))
    assert refused.value.status == 401


@pytest.mark.parametrize(("kind", "least"), [("limit", 29), ("secondary", 30)])
def test_limits_are_kept_without_asking_again(github: FakeGitHub, kind: str, least: int) -> None:
    github.fail("GET", PULL, kind, seconds=30)

    async def act(api: GitHubApp) -> tuple[RemoteLater, RemoteLater]:
        raised = []
        for _ in range(2):
            with pytest.raises(RemoteLater) as later:
                await api.get(INSTALLATION, PULL)
            raised.append(later.value)
        return raised[0], raised[1]

    first, second = asked(github, act)
    assert least <= first.after <= 33
    assert 0 < second.after <= 33
    assert github.made("GET", PULL) == 1


@pytest.mark.parametrize("kind", ["500", "502", "lost"])
def test_outages_are_for_later(github: FakeGitHub, kind: str) -> None:
    github.fail("GET", PULL, kind)
    with pytest.raises(RemoteLater):
        asked(github, lambda api: api.get(INSTALLATION, PULL))


def test_an_answer_that_does_not_come_is_waited_for_so_long(github: FakeGitHub) -> None:
    github.fail("GET", PULL, "hang", seconds=2)
    with pytest.raises(RemoteLater, match=r"no answer within 0\.3 s"):
        asked(github, lambda api: api.get(INSTALLATION, PULL), seconds=0.3)


def test_nobody_there_is_for_later_too(github: FakeGitHub) -> None:
    url = github.url
    github.__exit__()
    github.url = url

    with pytest.raises(RemoteLater):
        asked(github, lambda api: api.get(INSTALLATION, PULL))


def test_no_more_at_once_than_allowed(github: FakeGitHub) -> None:
    async def act(api: GitHubApp) -> None:
        await api.get(INSTALLATION, PULL)
        await asyncio.gather(*(api.get(INSTALLATION, PULL) for _ in range(30)))

    asked(github, act, at_once=3)
    assert github.most_busy <= 3


def test_pages_are_read_to_the_end_and_no_further(github: FakeGitHub) -> None:
    github.repository.files[1] = [{"filename": str(n)} for n in range(250)]
    path = f"{PULL}/files"
    assert len(asked(github, lambda api: api.pages(INSTALLATION, path, 3_000))) == 250
    assert github.made("GET", path) == 3
    assert len(asked(github, lambda api: api.pages(INSTALLATION, path, 120))) == 120


def test_texts_are_bounded_and_bent_names_are_not_asked_for(github: FakeGitHub) -> None:
    texts = github.repository.texts
    texts["dir/#1 ?x.sql", HEAD] = b"SELECT 1;\r\n"
    texts["big", HEAD] = b"x" * 5_000
    texts["raw", HEAD] = b"a\0b"
    texts["latin", HEAD] = b"\xff"

    def read(path: str) -> str | None:
        found: str | None = asked(github, lambda api: api.text(INSTALLATION, "acme/shop", path, HEAD, 1_000))
        return found

    assert read("dir/#1 ?x.sql") == "SELECT 1;\n"
    assert [read(name) for name in ("big", "raw", "latin", "missing")] == [None] * 4
    before = len(github.requests)
    assert [read(name) for name in ("../../other/repo", "a//b", "./x")] == [None] * 3
    assert len(github.requests) == before


def test_secrets_are_in_no_message(github: FakeGitHub) -> None:
    with pytest.raises(InputError) as fault:
        private_key(b"-----BEGIN RSA PRIVATE KEY-----\nTOPSECRET\n-----END RSA PRIVATE KEY-----")
    assert "TOPSECRET" not in str(fault.value)
    github.fail("GET", PULL, "500")
    with pytest.raises(RemoteLater) as later:
        asked(github, lambda api: api.get(INSTALLATION, PULL))
    assert "ghs_" not in str(later.value)


@pytest.mark.parametrize("url", ["", "ftp://x", "https://", "https://a@b", "https://h?x=1", "github.com"])
def test_addresses_are_checked(url: str) -> None:
    with pytest.raises(InputError):
        checked_url(url)
    assert checked_url("https://host/api/v3/") == "https://host/api/v3"
