"""Hot reload, part by part: what is committed, what stays, what is said, when a file counts as changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.config import config_draft, json_payload
from core.errors import InputError, JournalUnavailable
from core.journal import Draft, Record
from watchkeeper.files import catalogue_content, levels_content, rules_content
from watchkeeper.reloading import Loaded, Part, Reloader, fingerprint, look

SHOP = "services:\n  - {name: web}\n"
RULE = "rule: explain\nsummary: s\nwait: 5s\n"


class Scene:
    """The journal's and the engine's side, and a catalogue and levels in files."""

    def __init__(self, folder: Path) -> None:
        self.catalogue, self.levels = folder / "shop.yaml", folder / "levels.yaml"
        self.catalogue.write_text(SHOP)
        self.levels.write_text("default: 1\n")
        self.committed: list[Draft] = []
        self.taken: list[str] = []
        self.then: list[list[str]] = []
        self.full = False
        self.late = False
        self.parts = [
            Part(
                "catalogue",
                self.catalogue,
                lambda: self._load("catalogue", catalogue_content(self.catalogue)),
            ),
            Part("levels", self.levels, lambda: self._load("levels", levels_content(self.levels))),
        ]
        start = [part.load().draft for part in self.parts]
        self.reloader = self.made(0.0, start)

    def made(self, seconds: float, start: Sequence[Draft] = ()) -> Reloader:
        then: Callable[[Sequence[str]], None] = lambda names: self.then.append(list(names))  # noqa: E731
        return Reloader(self.parts, start, self.submit, self.applied, self, seconds, then=then)

    def now(self) -> int:
        return 1_700_000_000_000

    def submit(self, drafts: Sequence[Draft]) -> list[Future[int]]:
        if self.full:
            raise JournalUnavailable("the disk is full", where="journal", mend="Make room")
        done: list[Future[int]] = []
        for draft in drafts:
            self.committed.append(draft)
            one: Future[int] = Future()
            one.set_result(len(self.committed))
            done.append(one)
        return done

    def applied(self, seq: int, seconds: float) -> bool:
        return not self.late

    def contents(self) -> list[tuple[str, str]]:
        records = (Record(1, 0, "config", one.source, one.payload) for one in self.committed)
        return [(str(one["name"]), str(one["content"])) for one in map(json_payload, records)]

    def _load(self, name: str, content: str) -> Loaded:
        return Loaded(config_draft(name, content), partial(self.taken.append, name))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_only_what_changed_is_committed(scene: Scene) -> None:
    assert scene.reloader.reload("test")[0]["changed"] == []
    scene.levels.write_text("default: 2\n")
    came, whole = scene.reloader.reload("test")
    assert (came["changed"], whole) == (["levels"], True)
    assert scene.contents() == [("levels", "default: 2\n")]
    assert scene.then == [["levels"]]
    assert scene.reloader.reload("test")[0]["changed"] == [], "it is in force now"
    assert came["changed_at"] == "2023-11-14T22:13:20.000Z"


def test_a_broken_part_keeps_what_held_and_holds_up_no_other(scene: Scene) -> None:
    scene.catalogue.write_text("services:\n  - {nme: web}\n")
    scene.levels.write_text("default: 2\n")
    with capture_logs() as logs:
        came, whole = scene.reloader.reload("test")
    assert not whole
    assert came["changed"] == ["levels"]
    [problem] = came["problems"]
    assert problem["document"] == "catalogue"
    assert problem["where"] == f"{scene.catalogue}, line 2"
    assert "did you mean `name`" in problem["mend"]
    [said] = [one for one in logs if one["event"] == "not_in_force"]
    assert (said["log_level"], said["where"]) == ("error", problem["where"])
    assert scene.reloader.state()["ok"] is False
    scene.catalogue.write_text(SHOP + "  - {name: db}\n")
    came, whole = scene.reloader.reload("test")
    assert (came["changed"], whole, came["problems"]) == (["catalogue"], True, [])
    state = scene.reloader.state()
    assert (state["ok"], state["reloads"], state["failures"]) == (True, 2, 1)


def test_a_broken_part_that_is_put_back_needs_no_record(scene: Scene) -> None:
    scene.levels.write_text("default: 9\n")
    assert scene.reloader.reload("test")[1] is False
    scene.levels.write_text("default: 1\n")
    assert scene.reloader.reload("test")[1] is True
    assert scene.committed == []


def test_what_a_record_may_not_hold_is_taken_up_before_the_commit_and_not_when_it_is_broken(
    scene: Scene,
) -> None:
    scene.taken.clear()
    scene.catalogue.write_text("[")
    scene.reloader.reload("test")
    assert scene.taken == ["levels"]


def test_what_the_engine_would_refuse_is_never_committed(scene: Scene) -> None:
    """Whatever reads the file said of it."""
    scene.parts[1] = scene.parts[1]._replace(load=lambda: Loaded(config_draft("levels", "default: 77\n")))
    reloader = Reloader(scene.parts, (), scene.submit, scene.applied, scene, 0.0)
    came, whole = reloader.reload("test")
    assert not whole
    assert [name for name, _ in scene.contents()] == ["catalogue"]
    assert came["problems"][0]["document"] == "levels"


def test_a_journal_that_takes_nothing_leaves_all_as_it_was(scene: Scene) -> None:
    scene.levels.write_text("default: 2\n")
    scene.full = True
    with pytest.raises(JournalUnavailable):
        scene.reloader.reload("test")
    assert scene.reloader.state()["failures"] == 1
    scene.full = False
    assert scene.reloader.reload("test")[0]["changed"] == ["levels"], "tried again, not forgotten"


def test_an_engine_that_is_behind_is_said(scene: Scene) -> None:
    scene.late = True
    scene.levels.write_text("default: 2\n")
    with capture_logs() as logs:
        assert scene.reloader.reload("test")[1]
    assert "reloaded_late" in [one["event"] for one in logs]


def test_a_file_that_is_gone_is_a_problem(scene: Scene) -> None:
    scene.catalogue.unlink()
    came, _ = scene.reloader.reload("test")
    assert came["problems"][0]["where"] == str(scene.catalogue)
    assert scene.committed == []


def test_hashes_tell_what_is_in_force(scene: Scene) -> None:
    before = scene.reloader.documents()
    assert before["files"] == {"catalogue": str(scene.catalogue), "levels": str(scene.levels)}
    scene.levels.write_text("default: 2\n")
    scene.reloader.reload("test")
    after = scene.reloader.documents()["documents"]
    assert after["catalogue"] == before["documents"]["catalogue"]
    assert after["levels"] != before["documents"]["levels"]


def test_reloads_come_one_after_another(scene: Scene) -> None:
    inside, most = [0], [0]

    def load() -> Loaded:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1
        return Loaded(config_draft("levels", "default: 2\n"))

    reloader = Reloader([Part("levels", scene.levels, load)], (), scene.submit, scene.applied, scene, 0.0)
    threads = [threading.Thread(target=reloader.reload, args=("test",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert len(scene.committed) == 1
    assert reloader.state()["reloads"] == 8


@pytest.fixture
def watching(scene: Scene) -> Iterator[Reloader]:
    start = [part.load().draft for part in scene.parts]
    reloader = scene.made(0.01, start)
    reloader.start()
    yield reloader
    reloader.stop()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    pause = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if holds():
            return True
        pause.wait(0.01)
    return holds()


def test_changed_files_are_taken_up_by_themselves(scene: Scene, watching: Reloader) -> None:
    scene.levels.write_text("default: 2\n")
    assert within(10, lambda: len(scene.committed) == 1)
    scene.levels.write_text("default: x\n")
    assert within(10, lambda: not watching.state()["ok"])
    failures = watching.state()["failures"]
    threading.Event().wait(0.2)
    assert watching.state()["failures"] == failures, "a file that stays broken is not read again and again"
    scene.levels.write_text("default: 1\n")
    assert within(10, lambda: bool(watching.state()["ok"]))
    assert [content for _, content in scene.contents()] == ["default: 2\n", "default: 1\n"]


def test_it_goes_on_after_a_journal_that_failed_and_a_fault_of_ours(scene: Scene, watching: Reloader) -> None:
    scene.full = True
    with capture_logs() as logs:
        scene.levels.write_text("default: 2\n")
        assert within(10, lambda: any(one["event"] == "reload_failed" for one in logs))
    scene.full = False
    watching.ask()
    assert within(10, lambda: len(scene.committed) == 1)


def test_a_change_between_reading_and_watching_is_not_missed(scene: Scene) -> None:
    """The start reads the files, and only later begins to look at them."""
    seen = look(scene.parts)
    start = [part.load().draft for part in scene.parts]
    scene.levels.write_text("default: 2\n")
    reloader = Reloader(scene.parts, start, scene.submit, scene.applied, scene, 0.01, seen)
    reloader.start()
    try:
        assert within(10, lambda: len(scene.committed) == 1)
    finally:
        reloader.stop()


def test_how_a_file_and_a_directory_look(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    assert fingerprint(folder) == ()
    folder.mkdir()
    empty = fingerprint(folder)
    (folder / "a.yaml").write_text("a")
    one = fingerprint(folder)
    (folder / "notes.txt").write_text("not a rule")
    assert fingerprint(folder) == one != empty
    (folder / "a.yaml").rename(folder / "b.yaml")
    assert fingerprint(folder) != one
    (folder / "b.yaml").unlink()
    assert fingerprint(folder) == empty
    broken = tmp_path / "link.yaml"
    broken.symlink_to(tmp_path / "nothing")
    assert fingerprint(broken) == ()


def test_a_volume_that_is_switched_by_a_link_counts_as_changed(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: the same names, another directory behind the link."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shop.yaml").write_text(SHOP)
        os.utime(tmp_path / name / "shop.yaml", (1, 1))
    (tmp_path / "data").symlink_to("old")
    before = fingerprint(tmp_path / "data" / "shop.yaml")
    (tmp_path / "other").symlink_to("new")
    (tmp_path / "other").replace(tmp_path / "data")
    assert fingerprint(tmp_path / "data" / "shop.yaml") != before


def test_a_fault_in_a_directory_of_rules_names_its_path(tmp_path: Path) -> None:
    own = tmp_path / "rules"
    own.mkdir()
    (own / "talk.yaml").write_text(RULE + "again_after: 0s\n")
    with pytest.raises(InputError) as caught:
        rules_content(own)
    assert caught.value.where == f"{own}/talk.yaml, line 4"
    (own / "talk.yaml").write_text(RULE)
    content = rules_content(own)
    assert content["bundle"].endswith("+rules")
    assert "talk.yaml" in content["files"], "the journal knows no path of this machine"


def test_the_last_file_of_a_directory_can_be_taken_out(tmp_path: Path) -> None:
    """Then what ships is in force, at a start and by a reload; a directory that is gone stays a fault."""
    own, shipped = tmp_path / "rules", rules_content(None)
    own.mkdir()
    assert rules_content(own) == shipped
    (own / "talk.yaml").write_text(RULE)
    scene = Scene(tmp_path)
    part = Part("rules", own, lambda: Loaded(config_draft("rules", rules_content(own))))
    start = [config_draft("rules", rules_content(own))]
    reloader = Reloader([part], start, scene.submit, scene.applied, scene, 0)
    assert reloader.state()["warnings"] == []
    (own / "talk.yaml").unlink()
    with capture_logs() as logs:
        told, whole = reloader.reload("test")
    assert (whole, told["changed"]) == (True, ["rules"])
    [warning] = told["warnings"]
    assert (warning["document"], warning["where"]) == ("rules", str(own))
    assert "what ships is in force" in warning["what"]
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == ["empty_directory"]
    assert json_payload(Record(1, 0, "config", "rules", scene.committed[-1].payload))["content"] == shipped
    own.rmdir()
    told, whole = reloader.reload("test")
    assert (whole, [one["what"] for one in told["problems"]]) == (False, ["not a directory"])
