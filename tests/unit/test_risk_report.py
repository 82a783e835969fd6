"""`watchkeeper risk --report`: a server is told what the check found, and changes nothing in what it says."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from connectors.inbound.registry import SOURCES, read
from core.errors import InputError, Unreachable
from core.model.events import RiskEvent
from core.times import SECOND
from tests.listener import Listener, answering, saying
from tests.repositories import Repository
from tests.timeline import START
from watchkeeper.cli import risk_do
from watchkeeper.risk.check import Asked, check
from watchkeeper.risk.reporting import tell

SQL = "ALTER TABLE payments DROP COLUMN old;\n"


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    repo = Repository(tmp_path / "checkout")
    repo.commit({"app.py": "one\n"})
    repo.branch("work")
    repo.commit({"app.py": "two\n", "db/migrations/7.sql": SQL, "tests/test_app.py": "x\n"}, "Drop\x1b it")
    return Asked(repo.path, "main", repository="acme/payments", url="https://forge.example/pull/7")


def test_what_a_check_tells_is_what_the_source_reads(asked: Asked) -> None:
    report = check(asked, START)
    with Listener(answering(202)) as there:
        tell(there.url.removesuffix("/hook"), report, "secret")
        [heard] = there.heard
    assert (heard.path, heard.headers["authorization"]) == ("/v1/ingest/risk", "Bearer secret")
    parsed = read(SOURCES["risk"], {}, heard.body, START)
    [event] = parsed.events
    assert isinstance(event, RiskEvent)
    assert (parsed.problems, event.repository, event.head, event.at) == (
        (),
        "acme/payments",
        report.head,
        START,
    )
    assert event.files == ("app.py", "db/migrations/7.sql", "tests/test_app.py")
    assert (event.verdict, event.level or None) == (report.assessment.verdict, report.assessment.level)
    assert (event.url, event.title) == ("https://forge.example/pull/7", "Drop it")
    assert {match.rule for match in event.matches} == {match.rule for match in report.assessment.matches}


def test_without_a_name_the_directory_has_one(asked: Asked) -> None:
    assert check(asked._replace(repository=""), START).repository == "checkout"


@pytest.mark.parametrize("behaviour", [answering(401, b"no\x1b[2J"), saying(b"nonsense\r\n\r\n")])
def test_a_server_that_does_not_take_it_changes_nothing(
    asked: Asked, behaviour: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with Listener(behaviour) as there:  # type: ignore[arg-type]
        risk_do.risk(asked, "json", None, False, there.url.removesuffix("/hook"))
    out, said = capsys.readouterr()
    assert orjson.loads(out)["repository"] == "acme/payments"
    assert "the check was not t" in said
    assert "\x1b" not in said


def test_what_is_no_address_is_said(asked: Asked) -> None:
    report = check(asked, START + SECOND)
    for url in ("http://127.0.0.1:1", "nonsense", "http://[", "ftp://x"):
        with pytest.raises((Unreachable, InputError)) as refused:
            tell(url, report)
        assert refused.value.what


@pytest.mark.parametrize(("status", "says"), [(400, False), (401, True), (403, True)])
def test_the_secret_is_named_where_it_is_what_is_wrong(asked: Asked, status: int, says: bool) -> None:
    with Listener(answering(status, b"no")) as there, pytest.raises(InputError) as refused:
        tell(there.url.removesuffix("/hook"), check(asked, START))
    assert ("WATCHKEEPER_RISK_TOKEN" in refused.value.mend) is says
