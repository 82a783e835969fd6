"""What people do, when the engine is behind, and when it says no."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest

from core.errors import NotYetApplied, TransitionRefused
from tests.timeline import Timeline, alert
from tests.unit.test_api import Client, app, ask, sent
from tests.unit.test_console import Engine, Records
from watchkeeper.acts import Acts
from watchkeeper.app import App
from watchkeeper.service import Watch

__all__ = ["app"]


class Behind(Engine):
    """It has not come to what was told last, and does not in time."""

    @property
    def applied(self) -> int:
        return self.timeline.seq - 1

    def wait_for(self, seq: int, timeout: float) -> bool:
        return False


def watch_of(engine: Engine) -> Watch:
    records = cast(Any, Records(engine.timeline))
    return Watch(cast(Any, engine), records, records, cast(Any, None), cast(Any, None), dict)


def incident() -> tuple[Timeline, str]:
    t = Timeline()
    t.push(0, alert("payments"))
    return t, str(t.incidents()[0]["id"])


def test_what_is_not_applied_in_time_is_said_to_be_stored_and_no_more() -> None:
    t, name = incident()
    watch, before = watch_of(Behind(t)), t.seq
    for act in (
        watch.transition(name, "acknowledged", "ann", "", "api"),
        watch.annotate(name, "ann", "looking", "api"),
    ):
        with pytest.raises(NotYetApplied, match="not applied yet"):
            asyncio.run(act)
    assert t.seq == before + 2


def test_the_api_says_202_then(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    name = sent(app)
    monkeypatch.setattr(app.engine, "_apply_all", lambda records: None)
    monkeypatch.setattr(app.watch.acts, "_seconds", 0.1)

    async def talk(client: Client) -> Any:
        body = {"to": "acknowledged", "actor": "ann"}
        return await client.post(f"/v1/incidents/{name}/transitions", json=body)

    answer = ask(app, talk)
    assert (answer.status_code, answer.json()["status"], answer.json()["applied"]) == (202, "recorded", False)


def test_what_the_fold_refuses_is_refused_although_the_door_let_it_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody else was quicker: between the look and the record it was resolved."""
    t, name = incident()
    watch = watch_of(Engine(t))
    monkeypatch.setattr(watch, "_check_transition", lambda wanted: t.move(60, name, "resolved", "bob"))
    with pytest.raises(TransitionRefused, match=r"resolved since .* by bob"):
        asyncio.run(watch.transition(name, "acknowledged", "ann", "", "api"))


def test_locks_are_let_go_whatever_happens() -> None:
    t, name = incident()
    acts = Acts(cast(Any, Engine(t)), cast(Any, Records(t)))

    def refuse() -> Any:
        raise TransitionRefused("no")

    async def all_of_them() -> None:
        for _ in range(3):
            with suppress(TransitionRefused):
                await acts.do((name, "b"), refuse)
        waiting = [asyncio.create_task(acts.do((name,), refuse)) for _ in range(5)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in done].count(TransitionRefused) == 4

    asyncio.run(all_of_them())
    assert (acts._locks, acts._using) == ({}, {})
