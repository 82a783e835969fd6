"""The bench's pure parts, and that a tiny engine bench runs. Nothing here asserts a rate."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import orjson
import pytest

from connectors.inbound.registry import parse
from core.journal import Record
from core.model.catalogue import parse_catalogue
from core.model.events import AlertEvent
from evals.bench import __main__ as command
from evals.bench import fold
from evals.bench.alerts import Told, body, catalogue
from evals.bench.disk import Mount, mount_of
from evals.bench.intake import IntakeRow
from evals.bench.live import LiveRow
from evals.bench.load import LoadResult, LoadSpec, answer_size, requests
from evals.bench.plan import QUICK, SOURCES, WORKLOADS, EngineCell, IntakeCell, LiveCell, Source
from evals.bench.stats import percentile, ratio
from evals.bench.steady import Steady, SteadyResult, SteadySpec
from evals.bench.summary import BARE_LOOP, Report, raw_rows
from evals.bench.table import engine_table, intake_table, live_table, render
from evals.bench.targets import NOTE, SINK, WATCHKEEPER, version_name

NOW = 1_795_230_000_000
PEER = "Alertmanager 0.25 (Debian)"
TINY = QUICK._replace(alerts=8, firing=(8,), services=(3,))


def events(source: Source, told: list[Told]) -> list[AlertEvent]:
    record = Record(1, NOW, "ingest", source, body(source, told, 7))
    found = parse(record, {}).events
    return [event for event in found if isinstance(event, AlertEvent)]


@pytest.mark.parametrize("source", SOURCES)
def test_bodies_hold_distinct_alerts_that_the_parsers_read(source: Source) -> None:
    found = events(source, [Told(number, NOW - 5_000, NOW) for number in range(500)])
    assert len({tuple(sorted(event.labels.items())) for event in found}) == 500
    assert {(event.status, event.starts_at) for event in found} == {("firing", NOW - 5_000)}


@pytest.mark.parametrize("source", SOURCES)
def test_a_body_can_say_that_alerts_have_ended(source: Source) -> None:
    fires, ended = events(source, [Told(1, NOW - 9, NOW), Told(2, NOW - 9, NOW, firing=False)])
    assert (fires.status, ended.status, ended.ends_at) == ("firing", "resolved", NOW)


@pytest.mark.parametrize("services", [1, 3, 10, 25])
def test_the_catalogue_is_valid_and_its_groups_of_ten_do_not_call_each_other(services: int) -> None:
    entries = parse_catalogue(catalogue(services)).services
    assert len(entries) == services
    for number, entry in enumerate(entries):
        assert all(int(name[-4:]) // 10 == number // 10 for name in entry.depends_on)


def test_requests_cover_the_pool_once() -> None:
    spec = LoadSpec(port=9, path="/p", connections=2, alerts_a_post=4, pool=21, starts_at=NOW, seconds=1.0)
    pods = []
    for request in requests(spec):
        head, payload = request.split(b"\r\n\r\n", 1)
        assert head.startswith(b"POST /p HTTP/1.1\r\n")
        assert f"Content-Length: {len(payload)}".encode() in head
        pods += [alert["labels"]["pod"] for alert in orjson.loads(payload)]
    assert len(pods) == len(set(pods)) == 20


def test_an_answer_is_as_long_as_it_says() -> None:
    assert answer_size(b"HTTP/1.1 200 OK\r\nContent-Le") is None
    assert answer_size(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n") == 25
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nA: b\r\n\r\n"
    assert answer_size(head + b"{}") == len(head) + 12


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, 0.0),
        ([3.0], 99, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 51, 3.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 101)], 100, 100.0),
        ([1.0, 2.0], 0, 1.0),
    ],
)
def test_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_a_ratio_without_a_peer_is_zero() -> None:
    assert (ratio(3.0, 2.0), ratio(3.0, 0.0)) == (1.5, 0.0)


def test_the_peer_is_named_by_what_its_binary_says() -> None:
    said = "alertmanager, version 0.25.0 (branch: debian/sid, revision: 0.25.0-1+b4)\n  build user: x\n"
    assert version_name(said) == PEER
    assert version_name("alertmanager, version 0.27.0 (branch: HEAD, revision: 0a)\n") == (
        "Alertmanager 0.27 (not Debian's build)"
    )


def test_the_innermost_mount_holds_a_path() -> None:
    table = "/dev/vda / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/vdb /runs xfs rw 0 0\n"
    assert mount_of(Path("/run/a"), table) == Mount("/run", "tmpfs", "tmpfs")
    assert mount_of(Path("/running"), table) == Mount("/", "/dev/vda", "ext4")


def test_columns_line_up() -> None:
    assert render(("a", "long head"), [("1,000", "x"), ("2", "yy")]).splitlines() == [
        "    a  long head",
        "----------------",
        "1,000          x",
        "    2         yy",
    ]


STEADY = SteadyResult(posts=80, bad=1, p50_ms=2.0, p99_ms=9.5, max_ms=40.0)


def test_cells_at_a_fixed_rate_are_reported() -> None:
    row = LiveRow(LiveCell("sustained", 1_000, 5, 60.0), STEADY, 1.5, 0.25)
    report = Report([], [], [row])
    assert report.metrics == {
        "sustained_p50_ms": 2.0, "sustained_p99_ms": 9.5, "sustained_max_ms": 40.0, "sustained_not_2xx": 1,
        "sustained_most_behind_s": 1.5, "sustained_caught_up_after_s": 0.25,
    }  # fmt: skip
    assert "sustained" in live_table(report)
    [raw] = raw_rows(report)
    assert (raw["case_id"], raw["max_ms"]) == ("sustained", 40.0)


@pytest.mark.integration
def test_the_generator_at_a_fixed_rate_counts_every_post_from_its_scheduled_time() -> None:
    answers = iter([b"202 Accepted", b"503 Unavailable", b"", b"202 Accepted", b"202 Accepted"])

    def answer(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65_536):
                status = next(answers)
                if not status:
                    return  # In the middle of a post.
                connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            for _ in range(2):
                answer(listener.accept()[0])

        server = threading.Thread(target=accept, daemon=True)
        server.start()
        load = LoadSpec(listener.getsockname()[1], "/p", 1, 1, 3, NOW, 1.0)
        result = Steady(SteadySpec(load, rate=100.0, seconds=0.05)).run()
    assert (result.posts, result.bad) == (3, 2)
    assert 0 < result.p50_ms <= result.p99_ms <= result.max_ms


def intake_rows(*, with_peer: bool) -> list[IntakeRow]:
    cell = IntakeCell(64, 2, 10_000)
    load = LoadResult(
        posts=100, alerts=6_400, refused={503: 2}, broken=1, began=0.0, seconds=2.0,
        p50_ms=1.0, p99_ms=9.0, cpu_seconds=0.1,
    )  # fmt: skip
    rows = [IntakeRow(cell, SINK.name, load), IntakeRow(cell, WATCHKEEPER.name, load, 0.64, 4.0)]
    return [*rows, IntakeRow(cell, PEER, load)] if with_peer else rows


def test_intake_is_reported_beside_its_peer() -> None:
    report = Report(intake_rows(with_peer=True), [])
    name = "intake_64_a_post_2_connections_10000_alerts"
    assert report.metrics[f"{name}_committed_alerts_per_s"] == 3_200
    assert report.metrics[f"{name}_applied_alerts_per_s"] == 1_600
    assert report.metrics[f"{name}_caught_up_after_s"] == 2
    assert report.metrics[f"{name}_not_2xx"] == 3
    assert report.metrics[f"{name}_cpu_us_an_alert"] == 100
    assert report.metrics[f"{name}_ratio_to_alertmanager"] == 1
    assert set(report.baselines) == {PEER, SINK.name}
    text = intake_table(report)
    assert PEER in text
    assert NOTE in text


def test_without_a_peer_ours_stands_alone_and_says_so() -> None:
    report = Report(intake_rows(with_peer=False), [])
    assert set(report.baselines) == {SINK.name}
    assert not any("ratio" in name for name in report.metrics)
    assert "not installed" in intake_table(report)


def test_records_that_were_not_applied_do_not_count() -> None:
    row = intake_rows(with_peer=False)[1]._replace(waiting=25)
    assert row.applied == 75 * 64 / 4
    assert "25 records were left" in intake_table(Report([intake_rows(with_peer=False)[0], row], []))


def test_the_mix_is_a_tenth_new_and_a_tenth_resolved() -> None:
    cell = EngineCell("mix", "prometheus", 1_000, 10)
    told = fold.workload(cell, NOW)
    new = [one for one in told if one.number >= cell.firing]
    assert len(new) == len([one for one in told if not one.firing]) == 100
    assert len({one.number % 10 for one in new}) == 10


def test_a_tiny_engine_bench_runs() -> None:
    lines: list[str] = []
    rows = fold.measure_all(TINY, lines.append)
    assert [row.cell for row in rows] == TINY.engine_cells()
    assert {(row.cell.workload, row.cell.source) for row in rows} == {
        (workload, source) for workload in WORKLOADS for source in SOURCES
    }
    assert all(row.alerts == 8 for row in rows)
    assert len(lines) == len(rows)
    report = Report([], rows)
    assert report.metrics["engine_mix_prometheus_8_open_3_services_applied_alerts_per_s"] > 0
    assert set(report.baselines) == {BARE_LOOP}
    assert engine_table(report).count("\n") == 2 + len(rows)
    assert len(list(raw_rows(report))) == len(rows)


def test_the_command_prints_one_json_object(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "QUICK", TINY)
    out = tmp_path / "rows.jsonl"
    assert command.main(["--quick", "--json", "--only", "engine", "--out", str(out)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["eval", "version", "data", "n", "metrics", "baselines", "intervals"]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert document["n"] == len(rows) == 8
    assert rows[0]["case_id"] == "engine_new_prometheus_8_open_3_services"
