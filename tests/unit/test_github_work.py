"""The App's work against a GitHub on loopback: judged by the API alone, published once, whatever fails."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.outbound.github_app import GitHubApp
from connectors.storage.memory import MemoryJournal
from core.errors import InputError
from core.journal import Draft
from core.risk.known import Freeze, Known, OpenIncident, ServiceKnown
from tests.fake_github import APP_ID, BASE, HEAD, INSTALLATION, PEM, START, FakeGitHub
from watchkeeper.risk.github_judge import Knowing
from watchkeeper.risk.github_publish import MOST_ANNOTATIONS, NAME
from watchkeeper.risk.github_tasks import FILE, Left, first_record, load, save
from watchkeeper.risk.github_work import GitHubWork, Patience
from watchkeeper.risk.render_markdown import MARKER
from watchkeeper.risk.report import Report

DROP = "ALTER TABLE orders DROP COLUMN state;"
QUICK = Patience(first=0.05, most=0.2, task=20.0, poll=0.02)
OBEYED = b"mode: policy\nthresholds: {warn: medium, hold: high}\n"


def now() -> int:
    return int(time.time() * 1_000)


def row(path: str, text: str = DROP, status: str = "added", **more: Any) -> dict[str, Any]:
    lines = text.split("\n")
    patch = f"@@ -0,0 +1,{len(lines)} @@\n" + "\n".join(f"+{line}" for line in lines)
    return {
        "filename": path, "status": status, "additions": len(lines), "deletions": 0, "sha": "1" * 40,
        "patch": patch, **more,
    }  # fmt: skip


class Desk:
    """An App at work; `restart` is a crash and a start."""

    def __init__(self, github: FakeGitHub, data: Path) -> None:
        self.github, self.data, self.journal = github, data, MemoryJournal()
        self.known = Known()
        self.broken = False
        self.told: list[Report] = []
        self.merged: list[tuple[str, str, str, str]] = []
        self.patience = QUICK
        self.work = self._made()
        self._deliveries = 0

    def _made(self) -> GitHubWork:
        def known(
            services: Sequence[str], files: Sequence[str], at: int, repository: str, domain: str
        ) -> Known:
            if self.broken:
                raise ValueError("planted")
            named = [one for one in self.known.services if one.name in services]
            return Known(now=at, services=tuple(named), freezes=self.known.freezes)

        def make() -> GitHubApp:
            return GitHubApp(APP_ID, PEM, now, self.github.url, seconds=5.0)

        def merged(*told: str) -> None:
            self.merged.append((told[0], told[1], told[2], told[3]))

        knowing = Knowing(known, now, tell=lambda report, domain: self.told.append(report), merged=merged)
        return GitHubWork(self.journal, self.data, APP_ID, make, knowing, self.patience)

    def restart(self) -> None:
        self.work.stop()
        self.work = self._made()
        self.work.start()

    def deliver(self, event: str, **content: Any) -> None:
        self._deliveries += 1
        body = {
            "repository": {"full_name": self.github.repository.name},
            "installation": {"id": INSTALLATION},
            **content,
        }
        headers = {"x-github-event": event, "x-github-delivery": f"d{self._deliveries}"}
        draft = Draft("ingest", "github", json.dumps(body).encode(), headers=headers)
        self.journal.append([draft], now())
        self.work.wake()

    def opened(self, number: int = 1, action: str = "opened") -> None:
        self.deliver("pull_request", action=action, pull_request={"number": number})

    def quiet(self) -> None:
        until(
            lambda: self.work.state()["read_to"] == self.journal.head() and not self.work.state()["waiting"]
        )


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.01)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with FakeGitHub() as github:
        github.repository.pull(1, [row("db/migrations/0007_orders.sql")])
        github.repository.texts["db/migrations/0007_orders.sql", HEAD] = DROP.encode()
        desk = Desk(github, tmp_path)
        desk.work.start()
        try:
            yield desk
        finally:
            desk.work.stop()


def test_a_pull_request_gets_a_check_run_and_a_comment(desk: Desk) -> None:
    desk.opened()
    desk.quiet()
    [run] = desk.github.repository.runs
    assert (run["name"], run["head_sha"], run["status"]) == (NAME, HEAD, "completed")
    assert run["conclusion"] == "neutral"
    [mark, *_] = desk.github.repository.annotations[run["id"]]
    assert (mark["path"], mark["start_line"]) == ("db/migrations/0007_orders.sql", 1)
    [comment] = desk.github.repository.comments
    assert comment["body"].startswith(MARKER)
    assert "Clears:" in comment["body"]
    [report] = desk.told
    assert (report.repository, report.head, report.start) == ("acme/shop", HEAD, START)
    assert report.url == "https://github.com/acme/shop/pull/1"


def test_nothing_risky_says_nothing_in_public(desk: Desk) -> None:
    desk.github.repository.pull(1, [row("notes/plan.txt", "hello")])
    desk.opened()
    desk.quiet()
    assert [run["conclusion"] for run in desk.github.repository.runs] == ["success"]
    assert desk.github.repository.comments == []


def test_the_comment_is_edited_and_never_posted_again(desk: Desk) -> None:
    desk.opened()
    desk.quiet()
    desk.github.repository.pull(1, [row("notes/plan.txt", "hello")], head={"sha": "d" * 40})
    desk.opened(action="synchronize")
    desk.quiet()
    [comment] = desk.github.repository.comments
    assert "no rule matched" in comment["body"].lower()
    assert [run["head_sha"] for run in desk.github.repository.runs] == [HEAD, "d" * 40]


def test_comments_of_others_are_left_alone(desk: Desk) -> None:
    theirs = {"id": 5, "number": 1, "body": f"{MARKER}\nmine", "performed_via_github_app": {"id": 1}}
    person = {"id": 6, "number": 1, "body": f"{MARKER}\nmine", "performed_via_github_app": None}
    desk.github.repository.comments += [dict(theirs), dict(person)]
    desk.opened()
    desk.quiet()
    assert desk.github.repository.comments[:2] == [theirs, person]
    assert len(desk.github.repository.comments) == 3


def test_policy_comes_from_the_base_and_fails_what_it_holds(desk: Desk) -> None:
    repository = desk.github.repository
    repository.texts[".watchkeeper.yml", BASE] = OBEYED
    repository.texts[".watchkeeper.yml", HEAD] = b"thresholds: {warn: never, hold: never}\n"
    desk.opened()
    desk.quiet()
    assert [run["conclusion"] for run in repository.runs] == ["failure"]


def test_a_broken_policy_fails_only_where_it_asks_to_be_obeyed(desk: Desk) -> None:
    repository = desk.github.repository
    repository.texts[".watchkeeper.yml", BASE] = b"mode: policy\nnonsense: 1\n"
    desk.opened()
    desk.quiet()
    assert [run["conclusion"] for run in repository.runs] == ["failure"]
    assert "could not be judged" in repository.runs[0]["output"]["summary"]
    repository.texts[".watchkeeper.yml", BASE] = b"nonsense: 1\n"
    desk.opened()
    desk.quiet()
    assert repository.runs[-1]["conclusion"] == "neutral"
    assert "not in force" in repository.runs[-1]["output"]["summary"]


def test_many_annotations_come_fifty_at_a_time_and_once(desk: Desk) -> None:
    files = [row(f"db/migrations/{n:04d}_x.sql") for n in range(130)]
    desk.github.repository.pull(1, files)
    desk.github.fail("PATCH", "/check-runs/", "lost")
    desk.opened()
    desk.quiet()
    [run] = [one for one in desk.github.repository.runs if one["status"] == "completed"]
    marks = desk.github.repository.annotations[run["id"]]
    assert 50 < len(marks) <= MOST_ANNOTATIONS
    places = [(mark["path"], mark["start_line"], mark["title"], mark["message"]) for mark in marks]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("POST", "/check-runs"),
        ("POST", "/issues/1/comments"),
        ("GET", "/files"),
        ("POST", "/access_tokens"),
        ("GET", "/contents/"),
    ],
)
@pytest.mark.parametrize("kind", ["lost", "502", "secondary"])
def test_what_fails_is_done_again_and_ends_the_same(desk: Desk, method: str, part: str, kind: str) -> None:
    desk.github.fail(method, part, kind)
    desk.opened()
    desk.quiet()
    assert [run["status"] for run in desk.github.repository.runs] == ["completed"]
    assert len(desk.github.repository.comments) == 1


def test_the_same_delivery_again_changes_nothing(desk: Desk) -> None:
    for _ in range(3):
        desk.opened()
        desk.quiet()
    assert len(desk.github.repository.runs) == len(desk.github.repository.comments) == 1
    assert desk.github.made("PATCH", "") == 0


def test_a_crash_between_the_steps_ends_in_the_same(desk: Desk) -> None:
    """GitHub is down from the comment on; the program is started anew while it is."""
    desk.github.fail("POST", "/issues/1/comments", "503", times=3)
    desk.opened()
    until(lambda: desk.work.state()["retried"] > 0)
    desk.restart()
    left = load(desk.data / FILE)
    assert left is not None
    assert [task.number for task in left.tasks] in ([1], [])
    desk.quiet()
    assert len(desk.github.repository.runs) == len(desk.github.repository.comments) == 1


def test_what_a_crash_left_open_is_closed(desk: Desk) -> None:
    old = {
        "id": 7, "name": NAME, "head_sha": HEAD, "app": {"id": APP_ID}, "status": "in_progress",
        "external_id": "risk:1:other", "output": {"annotations_count": 50},
    }  # fmt: skip
    desk.github.repository.runs.append(old)
    desk.opened()
    desk.quiet()
    assert {run["status"] for run in desk.github.repository.runs} == {"completed"}


def test_somebody_asks_for_another_run(desk: Desk) -> None:
    desk.opened()
    desk.quiet()
    run = desk.github.repository.runs[0]
    asked = {"name": NAME, "app": {"id": APP_ID}, "external_id": run["external_id"], "head_sha": HEAD}
    desk.deliver("check_run", action="rerequested", check_run=asked)
    desk.quiet()
    assert len(desk.github.repository.runs) == 2
    desk.deliver("check_run", action="rerequested", check_run={**asked, "app": {"id": 1}})
    desk.quiet()
    assert len(desk.github.repository.runs) == 2


@pytest.mark.parametrize("action", ["closed", "labeled", "edited", "assigned"])
def test_other_actions_ask_for_nothing(desk: Desk, action: str) -> None:
    desk.opened(action=action)
    desk.quiet()
    assert desk.github.requests == []


def test_another_base_is_judged_anew(desk: Desk) -> None:
    pull = {"number": 1}
    desk.deliver("pull_request", action="edited", pull_request=pull, changes={"base": {"ref": {"from": "x"}}})
    desk.quiet()
    assert len(desk.github.repository.runs) == 1


def test_a_closed_pull_request_is_left_alone(desk: Desk) -> None:
    desk.github.repository.pulls[1]["state"] = "closed"
    desk.opened()
    desk.quiet()
    assert desk.github.repository.runs == []


def test_hostile_words_change_nothing_and_mention_nobody(desk: Desk) -> None:
    title = "::error::x $(touch /tmp/x) @everyone <img src=x onerror=1> [a](javascript:1) " + MARKER
    path = "db/migrations/$(id)_@acme_`x`_<b>_../%2e%2e_ü.sql"
    desk.github.repository.pull(
        1, [row(path, f"{DROP} -- @acme/all ``` <script>")], title=title, body=title,
        head={"sha": HEAD, "ref": "x;$(reboot)", "repo": {"fork": True}},
    )  # fmt: skip
    desk.opened()
    desk.quiet()
    [comment] = desk.github.repository.comments
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", comment["body"])
    assert comment["body"].count(MARKER) == 1
    for sign in ("@everyone", "@acme", "<img", "<script", "javascript:"):
        assert sign not in outside
    [run] = desk.github.repository.runs
    assert desk.github.repository.annotations[run["id"]][0]["path"] == path


def test_bodies_that_are_no_deliveries_do_no_harm(desk: Desk) -> None:
    for body in (b"", b"[]", b"{", b'{"action":"opened"}', b'{"pull_request":{"number":true}}', b"[" * 9_999):
        headers = {"x-github-event": "pull_request"}
        desk.journal.append([Draft("ingest", "github", body, headers=headers)], now())
    desk.deliver(
        "pull_request", action="opened", pull_request={"number": 1}, repository={"full_name": "../x"}
    )
    desk.deliver("pull_request", action="opened", pull_request={"number": -1})
    desk.opened()
    desk.quiet()
    assert len(desk.github.repository.runs) == 1


def test_large_patches_are_said(desk: Desk) -> None:
    plain = row("src/app.py", "x = 1")
    del plain["patch"]
    plain["status"] = "modified"
    desk.github.repository.pull(1, [plain], changed_files=3_200)
    desk.opened()
    desk.quiet()
    summary = desk.github.repository.runs[0]["output"]["summary"]
    assert "Too long to be read whole: src/app.py" in summary
    assert "3,199 files beyond the first 1" in summary


def test_a_new_file_whose_patch_is_too_large_is_read_itself(desk: Desk) -> None:
    path = "db/migrations/0008_large.sql"
    plain = row(path, DROP)
    del plain["patch"]
    desk.github.repository.pull(1, [plain])
    desk.github.repository.texts[path, HEAD] = DROP.encode()
    desk.opened()
    desk.quiet()
    [run] = desk.github.repository.runs
    assert "sql-drop-column" in run["output"]["summary"]
    assert "Too long" not in run["output"]["summary"]


def test_a_file_that_moves_to_where_it_runs_is_read_whole(desk: Desk) -> None:
    path = "db/migrations/0008_moved.sql"
    moved = {**row(path, ""), "status": "renamed", "previous_filename": "docs/notes.txt"}
    moved.update(additions=0, deletions=0)
    del moved["patch"]
    desk.github.repository.pull(1, [moved])
    desk.github.repository.texts[path, HEAD] = DROP.encode()
    desk.opened()
    desk.quiet()
    [run] = desk.github.repository.runs
    assert "sql-drop-column" in run["output"]["summary"]


def test_what_is_not_there_is_given_up_and_counted(desk: Desk) -> None:
    desk.opened(number=404)
    desk.quiet()
    assert desk.work.state()["given_up"] == 1
    assert "404" in desk.work.state()["last_fault"]


def test_an_outage_of_hours_is_waited_out_then_given_up(tmp_path: Path) -> None:
    with FakeGitHub() as github:
        github.fail("POST", "/access_tokens", "503", times=10_000)
        desk = Desk(github, tmp_path)
        desk.patience = QUICK._replace(give_up=0.5)
        desk.work = desk._made()
        desk.work.start()
        try:
            desk.opened()
            desk.quiet()
            state = desk.work.state()
            assert state["given_up"] == 1
            assert state["retried"] >= 1
        finally:
            desk.work.stop()


def deployment(desk: Desk, run: int = 5) -> None:
    desk.deliver(
        "deployment_protection_rule",
        action="requested",
        environment="production",
        deployment={"sha": HEAD},
        deployment_callback_url=f"https://evil.example/repos/o/r/actions/runs/{run}/deployment_protection_rule",
    )


def compared(desk: Desk, policy: bytes = b"") -> list[dict[str, Any]]:
    repository = desk.github.repository
    repository.compared = {"files": [row("db/migrations/0007_orders.sql")]}
    repository.deployments = [
        {"id": 1, "sha": HEAD, "environment": "production", "state": "in_progress"},
        {"id": 2, "sha": "e" * 40, "environment": "production", "state": "failure"},
        {"id": 3, "sha": BASE, "environment": "production", "state": "success"},
    ]
    if policy:
        repository.texts[".watchkeeper.yml", BASE] = policy
    return repository.reviews


def test_a_deployment_is_approved_with_words_when_advisory(desk: Desk) -> None:
    reviews = compared(desk)
    deployment(desk)
    deployment(desk)
    desk.quiet()
    [review] = reviews
    assert (review["run"], review["environment_name"], review["state"]) == ("5", "production", "approved")
    assert "advisory" in review["comment"]
    assert "sql" in review["comment"]


def test_a_deployment_that_the_policy_holds_is_rejected(desk: Desk) -> None:
    reviews = compared(desk, OBEYED)
    deployment(desk)
    desk.quiet()
    assert [review["state"] for review in reviews] == ["rejected"]


@pytest.mark.parametrize(("policy", "state"), [(b"", "approved"), (b"mode: policy\nx: 1\n", "rejected")])
def test_a_deployment_that_cannot_be_judged(desk: Desk, policy: bytes, state: str) -> None:
    reviews = compared(desk, policy or b"")
    if not policy:
        desk.github.fail("GET", "/compare/", "422")
    deployment(desk)
    desk.quiet()
    [review] = reviews
    assert review["state"] == state
    assert "Could not be judged" in review["comment"]


def test_a_fault_of_ours_is_said_and_costs_nothing_else(desk: Desk) -> None:
    reviews = compared(desk, OBEYED)
    desk.broken = True
    desk.opened()
    deployment(desk)
    desk.quiet()
    assert desk.work.state()["given_up"] == 2
    [run] = desk.github.repository.runs
    assert (run["conclusion"], run["output"]["title"]) == ("failure", "Could not be judged")
    assert [review["state"] for review in reviews] == ["rejected"]
    desk.broken = False
    desk.opened()
    desk.quiet()
    assert "sql" in desk.github.repository.runs[-1]["output"]["summary"]


def test_what_the_engine_knows_counts(desk: Desk) -> None:
    policy = b"services: {orders: ['db/**']}\n"
    desk.github.repository.texts[".watchkeeper.yml", BASE] = policy
    incident = OpenIncident("INC-1", "critical", "Orders are down", now())
    desk.known = Known(
        services=(ServiceKnown("orders", incidents=(incident,)),), freezes=(Freeze("Sale", "no deploys"),)
    )
    desk.opened()
    desk.quiet()
    summary = desk.github.repository.runs[0]["output"]["summary"]
    assert "INC-1" in summary
    assert "Sale" in summary


def test_as_many_files_as_github_lists_are_judged(desk: Desk) -> None:
    files = [row(f"src/part{n % 40}/file{n}.py", f"x = {n}") for n in range(3_000)]
    files[2_999] = row("db/migrations/9999_last.sql")
    desk.github.repository.pull(1, files, changed_files=3_050)
    desk.opened()
    desk.quiet()
    [run] = desk.github.repository.runs
    assert "db/migrations/9999_last.sql" in {
        mark["path"] for mark in desk.github.repository.annotations[run["id"]]
    }
    assert "50 files beyond the first 3,000" in run["output"]["summary"]


def test_at_the_first_start_the_last_ten_minutes_count() -> None:
    journal = MemoryJournal()
    for minute in (0, 1, 55, 58, 59):
        journal.append([Draft("tick", "scheduler", b"")], minute * 60_000)
    assert first_record(journal, 60 * 60_000) == 2
    assert first_record(journal, 0) == 0
    assert first_record(journal, 9_999 * 60_000) == 5
    assert first_record(MemoryJournal(), 0) == 0


def test_a_file_of_work_that_nobody_wrote_stops_the_start(desk: Desk) -> None:
    (desk.data / FILE).write_bytes(b"{")
    with pytest.raises(InputError, match="cannot be read"):
        load(desk.data / FILE)


def test_a_journal_that_was_put_back_is_followed_again(desk: Desk) -> None:
    desk.work.stop()
    save(desk.data / FILE, Left(10_000))
    desk.restart()
    desk.opened()
    desk.quiet()
    assert len(desk.github.repository.runs) == 1
