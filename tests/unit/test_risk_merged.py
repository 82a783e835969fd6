"""A change that was judged and then merged: what goes out is another commit, and its risk goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.inbound.registry import SOURCES, read
from core.errors import InputError
from core.model.events import RiskEvent
from core.risk.assessments import risk_of
from tests.fake_github import HEAD, FakeGitHub
from tests.judged import HEAD as JUDGED
from tests.judged import REPOSITORY, Judging, check
from tests.listener import Listener, answering
from tests.repositories import Repository
from tests.timeline import START, change
from tests.unit.test_github_work import Desk, row
from watchkeeper.cli import risk_do
from watchkeeper.clock import SystemClock
from watchkeeper.risk.check import Asked
from watchkeeper.risk.check import check as judge
from watchkeeper.risk.merged import merged_telling

MERGE = "e1" * 20


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with FakeGitHub() as github:
        github.repository.pull(1, [row("app.py")])
        desk = Desk(github, tmp_path)
        desk.work.start()
        try:
            yield desk
        finally:
            desk.work.stop()


def merged(desk: Desk, **told: Any) -> None:
    desk.github.repository.pulls[1] |= {"state": "closed", **told}
    pull = {"number": 1, "merged": told.get("merged", False)}
    desk.deliver("pull_request", action="closed", pull_request=pull)
    desk.quiet()


def test_the_app_says_what_a_merged_pull_request_became(desk: Desk) -> None:
    merged(desk, merged=True, merge_commit_sha=MERGE)
    assert desk.merged == [("acme/shop", HEAD, MERGE, "default")]
    assert (desk.told, desk.github.repository.runs, desk.github.repository.comments) == ([], [], [])


def test_one_that_was_closed_became_nothing(desk: Desk) -> None:
    merged(desk, merged=False, merge_commit_sha=MERGE)
    merged(desk, merged=True, merge_commit_sha="no commit")
    assert desk.merged == []


def test_the_same_judgement_is_told_again_with_the_commit_it_became() -> None:
    timeline = Judging()
    timeline.judge(-500, check())
    world = timeline.fold.engine.world
    told = merged_telling(world, ("default", REPOSITORY, JUDGED), MERGE, START - 400_000)
    assert told is not None
    timeline.judge(-400, orjson.loads(told))
    [before], [after] = read(SOURCES["risk"], {}, orjson.dumps(check()), START).events, [
        one.event for one in world.state.assessments.values()
    ]  # fmt: skip
    assert isinstance(before, RiskEvent)
    assert (after.merged_as, after.matches, after.files) == (MERGE, before.matches, before.files)
    assert (after.verdict, after.level, after.probability) == ("warn", "high", 123)
    assert merged_telling(world, ("default", REPOSITORY, JUDGED), MERGE, START) is None
    assert merged_telling(world, ("default", REPOSITORY, "9" * 40), MERGE, START) is None


@pytest.mark.parametrize("order", [0, 1])
def test_a_merge_that_was_judged_itself_is_clear(order: int) -> None:
    """The pull request became the commit, and the job on the main branch judged the commit."""
    timeline = Judging()
    both = (check(merged_as=MERGE), check(head=MERGE, title="the merge"))
    timeline.judge(-500, both[order])
    timeline.judge(-400, both[1 - order])
    timeline.changed(-300, change("payments", -300, version=MERGE))
    world = timeline.fold.engine.world
    [changed] = world.state.changes.values()
    assessed = risk_of(world, changed)
    assert assessed is not None
    assert assessed.event.title == "the merge"
    assert assessed.changes == (changed.id,)
    assert [one.changes for one in world.state.assessments.values() if one is not assessed] == [()]


def test_two_pull_requests_that_became_one_commit_say_nothing() -> None:
    timeline = Judging()
    timeline.judge(-500, check(merged_as=MERGE), check(head="7" * 40, merged_as=MERGE))
    timeline.changed(-300, change("payments", -300, version=MERGE))
    world = timeline.fold.engine.world
    assert [risk_of(world, one) for one in world.state.changes.values()] == [None]


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    repo = Repository(tmp_path / "checkout")
    repo.commit({"app.py": "one\n"})
    repo.branch("work")
    repo.commit({"app.py": "two\n"})
    return Asked(repo.path, "main", repository="acme/payments")


def test_merged_as_is_told_with_the_check(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    with Listener(answering(202)) as there:
        risk_do.risk(
            asked._replace(merged_as=MERGE.upper()), "json", None, False, there.url.removesuffix("/hook")
        )
        [heard] = there.heard
    [event] = read(SOURCES["risk"], {}, heard.body, SystemClock().now()).events
    assert isinstance(event, RiskEvent)
    assert event.merged_as == MERGE
    assert "watchkeeper: told http://127.0.0.1" in capsys.readouterr().err


@pytest.mark.parametrize("commit", ["HEAD", "e1e1e1e", "$(x)" * 10, MERGE + "\n"])
def test_what_is_no_whole_commit_is_refused(asked: Asked, commit: str) -> None:
    with pytest.raises(InputError, match="no id of a commit"):
        judge(asked._replace(merged_as=commit), START)
