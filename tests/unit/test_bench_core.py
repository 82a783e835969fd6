"""The engine's bench by what it holds: its parts, and that a tiny one runs. Nothing here asserts a rate."""

from __future__ import annotations

import gc
import json
import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from connectors.inbound.registry import parse
from connectors.storage.sqlite_journal import SqliteJournal
from core.errors import InputError
from core.journal import Record
from core.model.events import AlertEvent
from core.ports import read_all
from core.suppression import suppressed_now
from evals.bench.alerts import Told
from evals.bench.core import __main__ as command
from evals.bench.core import beside, restart, stream, worker
from evals.bench.core.beside import Processed, fall, unprocessed
from evals.bench.core.pauses import Sizes, collecting_as_the_server_does, resident, watched
from evals.bench.core.plan import WORKLOADS, Cell, Group, GroupResult, Round, groups
from evals.bench.core.profile import profile, table
from evals.bench.core.report import PLAIN, document, figures, ratio_to_smallest, raw_rows, tables
from evals.bench.fold import START
from evals.shop import wire
from watchkeeper import files
from watchkeeper.projector import Changes

TINY = Group(100, 3, 0, 0.0)
LATER = START + 600_000


def events(records: list[Record]) -> list[AlertEvent]:
    found = [event for record in records for event in parse(record, {}).events]
    return [event for event in found if isinstance(event, AlertEvent)]


def test_workloads_tell_a_fifth_of_what_is_open_and_never_the_same() -> None:
    told = {name: stream.workload(name, 1_000, 10, LATER) for name in WORKLOADS}
    assert {len(rows) for rows in told.values()} == {200}
    assert all(row.number < 1_000 for name in ("refresh", "resolve") for row in told[name])
    assert all(row.number >= 1_000 and row.starts_at == LATER for row in told["new"])
    assert not any(row.firing for row in told["resolve"])
    numbers = [{row.number for row in told[name]} for name in ("refresh", "resolve", "mix")]
    assert sum(map(len, numbers)) == len(set.union(*numbers)) == 600
    assert len(stream.workload("mix", 1_000_000, 10, LATER)) == 20_000


def test_new_alerts_are_of_services_that_have_alerts_already() -> None:
    for opened, services in ((1_000, 10), (1_000, 1_000), (100, 10_000)):
        new = stream.workload("new", opened, services, LATER)
        assert {row.number % services for row in new} <= {number % services for number in range(opened)}
        assert len({row.number for row in new}) == opened // 5


def test_a_tenth_of_the_mix_is_new_and_a_tenth_ends() -> None:
    mix = stream.workload("mix", 1_000, 10, LATER)
    new = [row for row in mix if row.number >= 1_000]
    ended = [row for row in mix if not row.firing]
    assert (len(new), len(ended), len(mix)) == (20, 20, 200)


@pytest.mark.parametrize("total", [1, 64, 65, 100_000])
def test_however_many_are_told_it_takes_a_minute_of_event_time(total: int) -> None:
    told = (Told(number, START, START) for number in range(min(total, 200)))
    records = list(stream.records(told, 3, 7, START, total))
    assert [record.seq for record in records] == list(range(7, 7 + len(records)))
    assert len(events(records)) == min(total, 200)
    assert START <= records[0].received_at <= records[-1].received_at <= START + 60_000


def test_an_engine_is_built_with_as_many_open_alerts_as_are_said() -> None:
    fold = worker.build(stream.configured(3, 0), TINY)
    episodes = fold.engine.state.episodes.values()
    assert [episode.status for episode in episodes] == ["firing"] * 100
    assert {episode.entity.service for episode in episodes} == {
        "service-0000",
        "service-0001",
        "service-0002",
    }
    assert fold.engine.world.config.catalogue.known


def test_as_much_stays_open_through_the_workloads() -> None:
    fold = worker.build(stream.configured(3, 0), TINY)
    batches = worker.prepare(TINY, fold.engine.state.seq, fold.engine.state.clock)
    rounds = worker.one_round(fold, batches, {})
    assert [one.workload for one in rounds] == list(WORKLOADS)
    assert [one.alerts for one in rounds] == [20] * 4
    firing = [episode.status for episode in fold.engine.state.episodes.values()].count("firing")
    assert firing == 100
    assert fold.engine.state.seq == batches[-1].records[-1].seq
    changed = {one.workload: one.documents for one in rounds}
    assert changed["new"] >= 1
    assert changed["refresh"] == 0


def test_only_incidents_that_changed_are_documented() -> None:
    fold = worker.build(stream.configured(10, 0), Group(100, 10, 0, 0.0))
    assert fold.engine.state.incidents
    idle = worker.look(fold, Changes(worker.versions(fold)))
    assert (idle.rest_seconds, idle.documents) == (0.0, 0)
    looked = worker.look(fold, Changes())
    assert 0 < looked.documents <= len(fold.engine.state.incidents)
    # The projector rests four times as long as it works, up to 50 ms after a few documents.
    assert 0 < looked.rest_seconds <= 4 * looked.why_seconds + 1e-9
    assert 0 < looked.why_share <= looked.why_seconds / (1 + looked.rest_seconds) + 1e-9


def test_the_plain_loop_remembers_the_last_of_each_alert() -> None:
    said = stream.records(
        [Told(1, START, START), Told(2, START, START), Told(1, START, START)], 3, 1, START, 3
    )
    memory: worker.Table = {}
    for event in events(list(said)):
        worker.remember(memory, event)
    assert len(memory) == 2
    [end] = events(list(stream.records([Told(1, START, LATER, firing=False)], 3, 2, LATER, 1)))
    worker.remember(memory, end)
    assert sorted(row[0] for row in memory.values()) == ["firing", "resolved"]


def test_inhibitions_are_put_in_place_of_the_shipped_ones() -> None:
    content = stream.with_inhibitions(files.rules_content(None), 100)
    rules = stream.configured(3, 100).rules
    assert len(rules.inhibition.inhibitions) == 100
    assert set(content["files"]) == set(files.builtin_rules())
    bare = {"bundle": "none", "files": {"000-other.yaml": "rule: other\n"}}
    with pytest.raises(InputError, match="no inhibition"):
        stream.with_inhibitions(bare, 100)


def test_inhibitions_that_are_measured_are_in_force() -> None:
    """Were they not, measuring with and without them would say nothing."""
    held = {}
    for count in (0, 100):
        fold = worker.build(stream.configured(10, count), Group(100, 10, count, 0.0))
        world, episodes = fold.engine.world, fold.engine.state.episodes.values()
        held[count] = [
            one
            for one in episodes
            if any(by.id.startswith("bench-") for by in suppressed_now(world, one, LATER))
        ]
    assert not held[0]
    assert {one.labels["severity"] for one in held[100]} == {"warning"}
    assert len(held[100]) == 60


def test_a_group_is_measured_in_rounds() -> None:
    result = worker.measure(TINY)
    assert [one.workload for one in result.rounds] == list(WORKLOADS)
    assert result.group == TINY
    assert all(one.applied_seconds > 0 and one.parsed_seconds > 0 for one in result.rounds)


def test_collections_are_counted_while_they_are_watched_and_settings_come_back() -> None:
    before = (gc.get_threshold(), list(gc.callbacks))
    with collecting_as_the_server_does():
        assert gc.get_threshold() != before[0]
        with watched() as pauses:
            gc.collect()
            gc.collect()
    assert pauses.count >= 2
    assert 0 < pauses.longest <= pauses.total
    assert (gc.get_threshold(), list(gc.callbacks)) == before
    assert gc.get_freeze_count() == 0


@contextmanager
def own_memory(size: int) -> Iterator[None]:
    """``size`` bytes of fresh pages: what earlier tests have left free would hold anything smaller."""
    with mmap.mmap(-1, size) as held:
        held.write(bytes(size))
        yield


def test_resident_memory_grows_with_what_is_held() -> None:
    before = resident()
    if not before:
        pytest.skip("resident memory is read from /proc")
    with own_memory(50_000_000):
        assert resident() - before > 40_000_000
    assert resident() - before < 10_000_000


def test_memory_is_weighed_from_the_first_half_on_and_only_of_many() -> None:
    sizes, few = Sizes(50_000), Sizes(49_999)
    if not resident():
        pytest.skip("resident memory is read from /proc")
    sizes.look(24_999)
    sizes.look(25_000)
    with own_memory(100_000_000):
        sizes.look(49_999)
        assert sizes.bytes_an_alert == 0
        sizes.look(50_000)
        assert 3_000 < sizes.bytes_an_alert < 8_000
    few.look(25_000)
    few.look(49_999)
    assert few.bytes_an_alert == 0


def test_groups_are_all_sizes_and_one_graph_with_inhibitions() -> None:
    plan = groups((1_000, 10_000), (10, 1_000), 100, 2.0)
    assert len(plan) == 6
    assert [one for one in plan if one.inhibitions] == [Group(n, 1_000, 100, 2.0) for n in (1_000, 10_000)]
    assert len(groups((1_000,), (10,), 0, 2.0)) == 1


def made(
    opened: int, applied: float, *, why: float = 0.0, rest: float = 0.0, inhibitions: int = 0
) -> GroupResult:
    one = Round(
        workload="mix", alerts=1_000, applied_seconds=applied, why_seconds=why, rest_seconds=rest,
        documents=3, why_share=why / (1 + rest), parsed_seconds=0.01, plain_seconds=0.002, collections=2,
        longest_pause_ms=1.5, paused_ms=2.0,
    )  # fmt: skip
    return GroupResult(Group(opened, 10, inhibitions, 1.0), [one], 4_000.0, 2.0)


def test_rates_are_beside_the_smallest_cell_and_beside_the_plain_loop() -> None:
    """0.1 s of applying, and 0.6 s of documents for each 1.2 s of it: 1,000 alerts in 0.15 s."""
    results = [made(1_000, 0.05), made(100_000, 0.1, why=0.6, rest=0.2), made(1_000, 0.2, inhibitions=100)]
    figure = document(results, "v")
    metrics = figure["metrics"]
    name = "core_mix_100000_open_10_services"
    assert metrics[f"{name}_alerts_per_s"] == pytest.approx(1_000 / 0.15, abs=0.01)
    assert metrics[f"{name}_without_why_alerts_per_s"] == pytest.approx(10_000)
    assert metrics[f"{name}_ratio_to_1k_open"] == pytest.approx(0.05 / 0.15, abs=1e-4)
    assert metrics[f"{name}_ratio_to_plain_dict"] == pytest.approx(0.002 / 0.15, abs=1e-4)
    assert metrics["core_100000_open_10_services_bytes_an_alert"] == 4_000
    assert metrics[f"{name}_gc_pauses"] == 2
    assert figure["baselines"][PLAIN][f"{name}_alerts_per_s"] == 500_000
    held = "core_mix_1000_open_10_services_100_inhibitions"
    assert metrics[f"{held}_ratio_to_1k_open"] == 1.0
    rows = figures([made(10_000, 0.1)])
    assert ratio_to_smallest(rows[0], rows) is None
    text = tables(results)
    assert "0.33" in text
    assert text.count("\n") > 10
    assert [row["case_id"] for row in raw_rows(results)][1] == name


def test_names_of_cells() -> None:
    assert Cell("mix", 1_000, 10, 0).name == "core_mix_1000_open_10_services"
    assert TINY.cell("new") == Cell("new", 100, 3, 0)


def test_a_gauge_falls_from_when_it_last_stood_at_its_highest() -> None:
    """It rises to 9 until 2 s, and is at 0 at 5 s."""
    values = iter([3, 9, 9, 6, 2, 0])
    times = iter([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    paused: list[None] = []
    assert fall(lambda: next(values), lambda: next(times), lambda: paused.append(None), 60.0) == (3.0, 0)
    assert paused


def test_a_gauge_that_does_not_fall_to_nothing_ends_with_patience() -> None:
    values, times = iter([9, 9, 6, 5]), iter([0.0, 1.0, 2.0, 3.0])
    assert fall(lambda: next(values), lambda: next(times), lambda: None, 3.0) == (2.0, 5)


def test_what_waits_in_alertmanager_is_read_from_its_metrics() -> None:
    text = (
        'alertmanager_marked_alerts{state="unprocessed"} 7\n'
        'alertmanager_alerts{state="active"} 16112\nalertmanager_alerts{state="unprocessed"} 3.3e+04\n'
    )
    [port] = wire.free_ports(1)
    answers = [text.encode(), b"nothing 1\n"]
    server = wire.Server(
        port, {("GET", "/metrics"): lambda body: wire.Reply(200, answers.pop(0), "text/plain")}
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert unprocessed(port) == 33_000
        with pytest.raises(wire.CallFailed, match="alertmanager_alerts"):
            unprocessed(port)
    finally:
        server.shutdown()
        server.server_close()


def test_rates_of_processing_leave_out_what_was_left() -> None:
    ours = Processed("Watchkeeper", 1_000, 1.0, 2.0, 0, 0.5, 70)
    theirs = Processed("Alertmanager", 1_000, 1.0, 4.0, 600, 0.2, 70)
    found = beside.document([ours, theirs])
    assert found["metrics"] == {
        "processed_alerts_per_s": 500, "cpu_us_an_alert": 500, "open_before": 70, "left": 0,
        "ratio_to_alertmanager": 5,
    }  # fmt: skip
    assert found["baselines"] == {
        "Alertmanager": {
            "processed_alerts_per_s": 100, "cpu_us_an_alert": 500, "open_before": 70, "left": 600,
        }
    }  # fmt: skip
    assert "600" in beside.table([ours, theirs])
    assert beside.document([ours])["baselines"] == {}


def test_a_journal_is_written_with_as_many_records_and_alerts_as_are_said(tmp_path: Path) -> None:
    restart.write(tmp_path / "data", 150, 20)
    journal = SqliteJournal(tmp_path / "data", read_only=True)
    records = list(read_all(journal))
    journal.close()
    told = [record for record in records if record.kind == "ingest"]
    assert len(told) == 150
    assert len({record.payload for record in told}) == 20
    assert records[0].kind == "config"
    assert [record.received_at for record in records] == sorted(record.received_at for record in records)


def test_starts_are_reported_beside_the_whole_journal() -> None:
    rows = [
        restart.Start(restart.WHOLE, 1_000, 50, 1.5, 4.0, 0.5, 3.0, 0.2),
        restart.Start(restart.CHECKPOINT, 1_000, 50, 1.0, 2.0, 0.25, 0.75, 0.1),
    ]
    found = restart.document(rows)
    assert found["metrics"] == {
        "checkpoint_first_ack_s": 1.0, "checkpoint_caught_up_s": 2.0, "checkpoint_records_per_s": 500,
        "checkpoint_first_ack_cpu_s": 0.25, "checkpoint_caught_up_cpu_s": 0.75, "checkpoint_longest_s": 0.1,
        "open": 50,
    }  # fmt: skip
    assert found["baselines"] == {
        restart.WHOLE: {
            "first_ack_s": 1.5, "caught_up_s": 4.0, "records_per_s": 250, "first_ack_cpu_s": 0.5,
            "caught_up_cpu_s": 3.0, "longest_s": 0.2,
        }
    }  # fmt: skip
    assert restart.WHOLE in restart.table(rows)


def test_the_command_measures_and_prints_one_json_object(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "rounds.jsonl"
    options = ["--open", "100", "--services", "3", "--seconds", "0", "--inhibitions", "5", "--json"]
    assert command.main([*options, "--out", str(out)]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert list(found) == ["eval", "version", "data", "n", "metrics", "baselines", "intervals"]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert found["n"] == len(rows) == 8
    assert rows[-1]["case_id"] == "core_mix_100_open_3_services_5_inhibitions"
    assert found["metrics"]["core_mix_100_open_3_services_alerts_per_s"] > 0
    assert said.err.count("\n") == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--open", "99"],
        ["--open", "2000000"],
        ["--services", "0"],
        ["--beside", "nagios"],
        ["--inhibitions", "x"],
    ],
)
def test_wrong_options_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(options)
    assert stopped.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_a_profile_names_the_costliest_functions_first() -> None:
    costs = profile(TINY, "mix", 5, rounds=1)
    assert len(costs) == 5
    assert [cost.own_us for cost in costs] == sorted((cost.own_us for cost in costs), reverse=True)
    assert all(cost.with_callees_us >= cost.own_us for cost in costs)
    assert costs[0].function in table(costs)


@pytest.mark.integration
def test_a_server_starts_on_a_journal_and_on_a_checkpoint_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--restart", "--records", "300", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 300
    assert 0 < found["metrics"]["checkpoint_first_ack_s"] <= found["metrics"]["checkpoint_caught_up_s"]


@pytest.mark.integration
def test_ours_processes_all_that_is_posted(tmp_path: Path) -> None:
    row = beside.ours(600, 700, beside.SERVICES, tmp_path)
    assert (row.alerts, row.opened, row.left) == (600, 700, 0)
    assert row.rate > 0


def test_half_of_the_warnings_have_a_critical_alert_that_inhibits_them() -> None:
    """By the rule of the sample configuration; and what is open before is of another cluster."""
    alerts = [
        alert["labels"]
        for body in beside.bodies(beside.ALERTS, beside.SERVICES, b"west-1")
        for alert in orjson.loads(body)
    ]
    assert {alert["cluster"] for alert in alerts} == {"west-1"}
    assert beside._INHIBITION["equal"] == ["alertname", "cluster", "service"]
    same = [(one["severity"], one["alertname"], one["service"]) for one in alerts]
    critical = {row[1:] for row in same if row[0] == "critical"}
    warnings = [row[1:] for row in same if row[0] == "warning"]
    assert sum(row in critical for row in warnings) / len(warnings) == pytest.approx(0.5, abs=0.01)
