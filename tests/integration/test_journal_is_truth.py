"""The journal is the only truth: replay, rebuild and restart give the incidents that the server showed.

The recorded cases are sent to a server, people move their incidents, pages go out. Then the journal alone
must give the same documents, whatever the hash seed and the time zone.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from core.model.document import Document
from core.replay import digest_of
from tests.integration import export
from tests.integration.pages import ENVIRONMENT, PageReceiver
from tests.integration.recordings import CASES, CATALOGUE, send
from tests.integration.rules import quick_rules
from tests.integration.server import Server, watchkeeper, within

pytestmark = pytest.mark.integration
# What the API adds to an incident, and a replay does not know.
OUTSIDE = (
    "deliveries", "annotations", "explained", "resolves_at", "comes_back", "allowed", "budgets", "said",
    "storm",
)  # fmt: skip


class Told(NamedTuple):
    """A story told to a server that still runs: what it shows, and its exported journal."""

    server: Server
    receiver: PageReceiver
    incidents: list[Document]
    pages: int
    file: Path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("truth")
    wait = {"P0": "0s", "P1": "0s", "P2": "1s", "P3": "1s"}
    clocks = {"update_after": "2s", "clear_after": "2s", "reopen_window": "2s", "alive_gap": "1h"}
    rules = quick_rules(folder / "rules", wait=wait, explain_wait="1s", explain_again_after="2s", **clocks)
    with PageReceiver() as receiver:
        routes = receiver.write_routes(folder / "routes.yaml")
        options = ("--rules", rules, "--routes", routes, "--catalog", CATALOGUE)
        with Server(folder / "data", *options, extra=ENVIRONMENT) as server:
            tell(server)
            incidents = at_rest(server)
            file = exported(server)
            assert server.incidents() == incidents, "it was not at rest"
            yield Told(server, receiver, incidents, len(receiver.pages()), file)


def tell(server: Server) -> None:
    for case in sorted(path.parent.name for path in CASES.glob("*/events.jsonl")):
        send(server.url, case, domain=case)
    send(server.url, "dead-dependency", domain="half-way", now_at=0.5)
    fall_silent(server)
    at_rest(server)
    move(server)


def fall_silent(server: Server) -> None:
    """An alert that is said once, for two seconds: it ends because nobody repeats it."""
    ends_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    alert = {"labels": {"alertname": "Blip", "service": "mailer"}, "endsAt": ends_at}
    assert httpx.post(f"{server.url}/api/v2/alerts", json=[alert]).status_code == 200


def move(server: Server) -> None:
    """People close one incident, reopen and resolve another, and acknowledge what is open."""
    closed, reopened, *_ = [one["id"] for one in server.incidents() if one["status"] == "resolved"]
    by_api(server, closed, "closed")
    by_command(server, "reopen", reopened)
    by_command(server, "ack", reopened)
    by_api(server, reopened, "resolved")
    for one in server.incidents():
        if one["status"] == "triggered":
            by_command(server, "ack", one["id"])


def by_api(server: Server, name: str, to: str) -> None:
    body = {"to": to, "actor": "ben", "reason": "by the API"}
    answer = httpx.post(f"{server.url}/v1/incidents/{name}/transitions", json=body)
    assert answer.status_code == 200, answer.text


def by_command(server: Server, verb: str, name: str) -> None:
    options = ("--actor", "ana", "--reason", "by hand", "--url", server.url)
    done = watchkeeper(verb, name, *options, cwd=server.data.parent)
    assert done.returncode == 0, done.stderr


def at_rest(server: Server) -> list[Document]:
    """The incidents, once nothing has been written for longer than the slowest quick clock."""

    def still() -> bool:
        head = server.get("/readyz")["journal_head"]
        time.sleep(3.5)
        return bool(server.get("/readyz")["journal_head"] == head)

    assert within(60, still), "the journal does not come to rest"
    assert _explained(server), "an incident waits for the agents"
    return server.incidents()


def exported(server: Server) -> Path:
    path = server.data.parent / "export.jsonl"
    done = watchkeeper("journal", "export", path, "--data", server.data, cwd=server.data.parent)
    assert done.returncode == 0, done.stderr
    return path


def replayed(path: Path, **extra: str) -> Document:
    done = watchkeeper("replay", path, "--json", cwd=path.parent, extra=extra)
    assert done.returncode == 0, done.stderr
    document: Document = json.loads(done.stdout)
    return document


def _explained(server: Server) -> bool:
    return all(one["explained"] != "pending" for one in server.incidents())


def inside(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in OUTSIDE}


def by_id(documents: list[Document]) -> dict[str, Document]:
    return {document["id"]: document for document in documents}


def test_the_story_holds_every_kind_of_ending(told: Told) -> None:
    """Else the other tests would show less than they say."""
    statuses = {one["status"] for one in told.incidents}
    assert statuses == {"acknowledged", "resolved", "closed"}
    assert {one["domain"] for one in told.incidents} > {path.parent.name for path in CASES.glob("*/*.jsonl")}
    assert any(one["origin"] and one["changes"] for one in told.incidents)
    kinds = {line["kind"] for line in export.lines(told.file)}
    assert {"ingest", "config", "tick", "transition", "outcome", "annotation"} <= kinds
    blip = next(a for one in told.incidents for a in one["alerts"] if a["name"] == "Blip")
    assert blip["status"] == "resolved"
    assert told.pages > len(statuses)
    assert all(note["at"] for one in told.incidents for note in one["annotations"]), "a stand-in"
    assert not told.receiver.faults()


def test_a_replay_of_the_export_gives_what_the_server_showed(told: Told) -> None:
    seqs = [line["seq"] for line in export.lines(told.file)]
    assert seqs == list(range(1, len(seqs) + 1)), "a line of the export is not its record"
    document = replayed(told.file)
    shown = by_id(told.incidents)
    assert [inside(one) for one in document["incidents"]] == [
        inside(shown[one["id"]]) for one in document["incidents"]
    ]
    assert len(document["incidents"]) == len(shown)
    live = [inside(shown[one["id"]]) for one in document["incidents"]]
    findings = [{"incident": one["id"], **finding} for one in live for finding in one["findings"]]
    again = {"incidents": live, "findings": findings, "decisions": document["decisions"]}
    assert digest_of(again) == document["digest"]
    sent = {page.id for page in told.receiver.pages()}
    assert sent == {one["id"] for one in document["decisions"] if one["kind"] == "notify"}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize("seed", ["0", "1"])
def test_a_replay_is_the_same_under_any_hash_seed_and_time_zone(told: Told, seed: str, zone: str) -> None:
    assert replayed(told.file, PYTHONHASHSEED=seed, TZ=zone)["digest"] == replayed(told.file)["digest"]


def test_the_commands_read_from_the_journal_what_the_server_says(told: Told) -> None:
    folder = told.file.parent
    for incident in told.incidents:
        shown = watchkeeper("show", incident["id"], "--json", "--data", told.server.data, cwd=folder)
        assert shown.returncode == 0, shown.stderr
        from_journal = json.loads(shown.stdout)
        assert inside(from_journal) == inside(incident)
        assert from_journal.keys() == incident.keys()
    asked, read = (
        watchkeeper("incidents", "--json", *where, cwd=folder)
        for where in (("--url", told.server.url), ("--data", told.server.data))
    )
    assert json.loads(asked.stdout)["incidents"] == json.loads(read.stdout)["incidents"]


def test_every_incident_has_its_page(told: Told) -> None:
    for incident in told.incidents:
        page = httpx.get(f"{told.server.url}/incidents/{incident['id']}")
        assert page.status_code == 200
        assert incident["id"] in page.text


def test_with_nothing_left_but_the_journal_everything_comes_back(told: Told) -> None:
    server, before = told.server, told.incidents
    server.terminate()
    for path in server.data.iterdir():
        if path.name == "journal":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    rebuilt = watchkeeper("rebuild", "--data", server.data, cwd=server.data.parent)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert f"{len(before)} incidents rebuilt" in rebuilt.stdout
    server.start()
    # What had left memory is shown again once the projection has followed the engine.
    assert within(5, lambda: server.incidents() == before), "not what it was"
    time.sleep(1.5)
    assert len(told.receiver.pages()) == told.pages, "a page was sent again"
    assert server.incidents() == before
