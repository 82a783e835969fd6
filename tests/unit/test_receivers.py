"""The routing file: what it gives, what it refuses and how it says so, and what must never leave it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.errors import RoutesError
from core.routing import About, parse_routes
from core.times import parse_rfc3339
from watchkeeper.receivers import HeartbeatTarget, Receiver, Receivers, no_receivers, read_receivers

WHERE = "routes.yaml"
FILE = """
receivers:
  - name: payments-oncall
    webhook: {url: "https://hooks.example/T0KEN/payments", secret_env: PAYMENTS_SECRET}
  - name: everyone
    webhook: {url: "http://127.0.0.1:9000/all"}
routes:
  - match: {team: [payments, "no", "équipe"], severity: [P0, P1], environment: [production]}
    receiver: payments-oncall
  - receiver: everyone
heartbeat: {url: "https://switch.example/T0KEN", every: 1m}
"""
ENVIRONMENT = {"PAYMENTS_SECRET": " whsec_c2VjcmV0 \n", "EMPTY": " ", "BROKEN": "whsec_??", "BARE": "whsec_"}


def read(text: str = FILE) -> Receivers:
    return read_receivers(text, WHERE, ENVIRONMENT)


def one(webhook: str) -> str:
    return f"receivers: [{{name: a, webhook: {{{webhook}}}}}]"


def test_receivers_routes_and_heartbeat_are_read() -> None:
    receivers = read()
    assert receivers.receivers == (
        Receiver("payments-oncall", "https://hooks.example/T0KEN/payments", "whsec_c2VjcmV0"),
        Receiver("everyone", "http://127.0.0.1:9000/all", ""),
    )
    assert receivers.names == {"payments-oncall", "everyone"}
    assert receivers.heartbeat == HeartbeatTarget("https://switch.example/T0KEN", 60_000)


def test_what_is_journalled_are_the_routes_and_nothing_else() -> None:
    text = read().routes_text
    routes = parse_routes(text)

    def of(team: str) -> tuple[str, ...]:
        return routes.receivers_of(About(team, "P1", "production"), 0)

    assert of("payments") == of("équipe") == of("no") == ("payments-oncall",)
    assert of("web") == ("everyone",)
    assert routes.receivers == ("payments-oncall", "everyone")
    for private in ("hooks.example", "T0KEN", "c2VjcmV0", "PAYMENTS_SECRET", "127.0.0.1", "heartbeat"):
        assert private not in text


def test_the_same_routes_give_the_same_text() -> None:
    reordered = FILE.replace(
        '{team: [payments, "no", "équipe"], severity: [P0, P1], environment: [production]}',
        "{environment: ['production'], severity: ['P0', 'P1'], team: ['payments', 'no', 'équipe']}  # why",
    )
    assert reordered != FILE
    assert read(reordered).routes_text == read().routes_text


def test_no_file_and_an_empty_list_mean_that_nobody_is_paged() -> None:
    for receivers in (no_receivers(), read("receivers: []")):
        assert receivers.names == frozenset()
        assert parse_routes(receivers.routes_text).routes == ()


def test_addresses_and_secrets_do_not_show_when_printed() -> None:
    shown = repr(read())
    assert "T0KEN" not in shown
    assert "c2VjcmV0" not in shown


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("plain words\n")
    [receiver] = read(one(f'url: "https://h.example/x", secret_file: "{path}"')).receivers
    assert isinstance(receiver, Receiver)
    assert receiver.secret == "plain words"


def test_what_works_but_is_not_safe_is_warned_of() -> None:
    with capture_logs() as logs:
        receivers = read(one('url: "http://hooks.example/T0KEN"') + "\nroutes: [{receiver: a}]\n")
    assert receivers.warnings == (
        "a: its pages are not signed; give secret_file or secret_env",
        "a: http:// sends its pages unencrypted",
    )
    assert [line["warning"] for line in logs] == list(receivers.warnings)
    assert "T0KEN" not in str(logs)
    assert read().warnings == ("everyone: its pages are not signed; give secret_file or secret_env",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FILE.replace("name: everyone", "name: payments-oncall"), "'payments-oncall' is there twice"),
        (FILE.replace("- receiver: everyone", "- receiver: evryone"), "Known receivers: everyone, pay"),
        (FILE.replace("every: 1m", "every: 1s"), "heartbeat.every: out of range; write 30s, from 5s to 1h"),
        (FILE.replace("every: 1m", "every: soon"), "heartbeat.every: 'soon' is not a duration"),
        (FILE.replace("P0, P1", "P9"), "routes.1.match.severity.1"),
        (FILE.replace("secret_env", "secret"), "receivers.1.webhook.secret: "),
        (FILE.replace("https://switch", "ftp://switch"), "heartbeat.url: not an address"),
        ("receivers: [{name: a}]", "receivers.1: give one of webhook, pagerduty, email"),
        ("receivers: [{name: 'a b', webhook: {url: 'https://x/'}}]", "receivers.1.name: a name has"),
        ("receivers: [{name: '', webhook: {url: 'https://x/'}}]", "receivers.1.name: a name has"),
        ("routes: [{receiver: a}]", "Known receivers: none"),
        ("[]", "Write a document with the keys receivers, routes, time_intervals, heartbeat"),
        ("receivers: [", "routes.yaml, line 1"),
        (one("url: 'https://'"), "receivers.1.webhook.url: not an address to send to"),
        (one("url: 'https://h.example:port/'"), "receivers.1.webhook.url: not an address to send to"),
        (one("url: 'https://h.example/a b'"), "receivers.1.webhook.url: not an address to send to"),
        (one('url: "https://h.example/\\n"'), "receivers.1.webhook.url: not an address to send to"),
        (one("url: 'https://h/', secret_env: A, secret_file: B"), "Keep secret_file or secret_env"),
        (one("url: 'https://h/', secret_env: ABSENT"), "Set ABSENT where Watchkeeper runs"),
        (one("url: 'https://h/', secret_env: EMPTY"), "the variable is not set, or empty"),
        (one("url: 'https://h/', secret_env: BROKEN"), "webhook.secret_env: no base64 after whsec_"),
        (one("url: 'https://h/', secret_env: BARE"), "webhook.secret_env: no base64 after whsec_"),
        (one("url: 'https://h/', secret_file: /absent/file"), "/absent/file cannot be read (No such file"),
        (one("url: 'https://h/', secret_file: /"), "/ cannot be read (Is a directory)"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_path_and_mend(text: str, says: str) -> None:
    with pytest.raises(RoutesError) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith(WHERE)
    assert says in message
    assert caught.value.mend
    assert "T0KEN" not in message


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe", b"x" * 5_000])
def test_a_secret_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(RoutesError, match=r"webhook\.secret_file"):
        read(one(f'url: "https://h.example/x", secret_file: "{path}"'))


def test_the_example_in_the_docs_is_read(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "paging.md").read_text()
    example = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]
    for name in ("everyone.secret", "payments.key", "smtp.password"):
        (tmp_path / name).write_text("x" * 32)
    example = example.replace("/etc/watchkeeper", str(tmp_path))
    receivers = read_receivers(example, "docs/paging.md", ENVIRONMENT)
    assert receivers.names == {"payments-oncall", "payments-mail", "everyone"}
    assert receivers.heartbeat == HeartbeatTarget("https://switch.example/watchkeeper", 30_000)
    assert not receivers.warnings
    routes = parse_routes(receivers.routes_text)
    about = About("payments", "P1", "production")
    night, noon = parse_rfc3339("2026-11-21T03:00:00Z"), parse_rfc3339("2026-11-20T11:00:00Z")
    assert routes.receivers_of(about, night) == ("payments-oncall", "everyone")
    assert routes.receivers_of(about._replace(severity="P2"), noon) == ("payments-mail",)
    assert routes.receivers_of(about._replace(severity="P2"), night) == ("everyone",)


@pytest.mark.parametrize(
    ("routes", "warned"),
    [
        ("[{receiver: hook}]", False),
        ("[{match: {environment: [production]}, receiver: hook}]", False),
        ("[{match: {severity: [P0, P1]}, receiver: hook}]", False),
        ("[{match: {environment: [staging]}, receiver: hook}]", True),
        ("[{match: {team: [payments]}, receiver: hook}]", True),
        ("[{match: {severity: [P2]}, receiver: hook}]", True),
        ("[]", True),
    ],
)
def test_a_p1_of_nobody_knows_where_that_nobody_would_get_is_warned_of(routes: str, warned: bool) -> None:
    text = (
        f"receivers: [{{name: hook, webhook: {{url: 'https://h.example', secret_env: S}}}}]\nroutes: {routes}"
    )
    found = read_receivers(text, "r.yaml", {"S": "s"}).warnings
    assert any("no route takes a P1" in one for one in found) == warned


def test_routes_that_cover_the_week_together_are_not_warned_of() -> None:
    head = "receivers: [{name: hook, webhook: {url: 'https://h.example', secret_env: S}}]\n"
    times = (
        "time_intervals:\n"
        "  - {name: day, time_intervals: [{times: [{start_time: '06:00', end_time: '22:00'}]}]}\n"
        "  - name: night\n    time_intervals:\n      - times: [{start_time: '00:00', end_time: '06:00'},"
        " {start_time: '22:00', end_time: '24:00'}]\n"
    )
    day, night = ("{match: {when: day}, receiver: hook}", "{match: {when: night}, receiver: hook}")
    now = parse_rfc3339("2026-11-21T12:00:00Z")
    assert not read_receivers(f"{head}routes: [{day}, {night}]\n{times}", "r", {"S": "s"}, now).warnings
    [warning] = read_receivers(f"{head}routes: [{day}]\n{times}", "r", {"S": "s"}, now).warnings
    assert "at times, such as 2026-11-21T22:00:00" in warning
