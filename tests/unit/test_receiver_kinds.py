"""Receivers of each kind in the routing file: PagerDuty, e-mail, what is refused, what stays in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors.outbound.email import Mailbox
from core.errors import RoutesError
from core.routing import parse_routes
from tests.timeline import SHOP, Timeline, alert
from watchkeeper.receivers import EmailReceiver, PagerdutyReceiver, Receivers, read_receivers

KEY = "0123456789abcdef0123456789ABCDEF"
ENVIRONMENT = {
    "KEY": f" {KEY}\n",
    "SHORT": "abc",
    "ODD": "a b\nc",
    "PASSWORD": "geh3im",
    "TWO": "a\nb",
    "WIDE": "geh€im",
}
FILE = """
receivers:
  - name: pd
    pagerduty: {routing_key_env: KEY}
  - name: eu
    pagerduty: {routing_key_env: KEY, url: "https://events.eu.pagerduty.com/v2/enqueue"}
  - name: mail
    acknowledged: true
    email:
      host: smtp.example
      from: watch@ours.example
      to: [ana@ours.example, bo+pager@ours.example]
      username: watch
      password_env: PASSWORD
routes:
  - {match: {severity: [P0], when: night}, receiver: pd, continue: true}
  - {receiver: mail}
time_intervals:
  - name: night
    time_intervals:
      - times: [{start_time: '22:00', end_time: '24:00'}]
        location: Europe/Berlin
"""


def read(text: str = FILE) -> Receivers:
    return read_receivers(text, "routes.yaml", ENVIRONMENT)


def test_each_kind_is_read_with_its_secret() -> None:
    pd, eu, mail = read().receivers
    assert pd == PagerdutyReceiver("pd", "https://events.pagerduty.com/v2/enqueue", KEY)
    assert eu == PagerdutyReceiver("eu", "https://events.eu.pagerduty.com/v2/enqueue", KEY)
    to = ("ana@ours.example", "bo+pager@ours.example")
    box = Mailbox("smtp.example", 587, "starttls", "watch@ours.example", to, "watch", "geh3im")
    assert mail == EmailReceiver("mail", box)


def test_what_is_journalled_names_receivers_and_times_and_no_address() -> None:
    text = read().routes_text
    routes = parse_routes(text)
    assert routes.receivers == ("pd", "eu", "mail")
    assert routes.acknowledged == ("pd", "eu", "mail")
    assert [one.name for one in routes.time_intervals] == ["night"]
    for private in ("ours.example", "smtp.example", KEY, "KEY", "PASSWORD", "geh", "watch", "events"):
        assert private not in text
    t = Timeline(SHOP, routes=text)
    t.push(5, alert("payments", starts=0))
    assert [one["receiver"] for one in t.decisions("notify")] == ["mail"]


def test_nothing_private_shows_when_printed() -> None:
    shown = repr(read())
    for private in (KEY, "geh3im", "ours.example", "smtp.example"):
        assert private not in shown


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_is_the_usual_one_of_the_security(security: str, port: int) -> None:
    text = email(f"security: {security}")
    assert [one.mailbox.port for one in read(text).receivers if isinstance(one, EmailReceiver)] == [port]
    text = email(f"security: {security}, port: 2525")
    assert [one.mailbox.port for one in read(text).receivers if isinstance(one, EmailReceiver)] == [2525]


def test_what_works_but_is_not_safe_is_warned_of() -> None:
    text = (
        "receivers: [{name: a, pagerduty: {routing_key_env: SHORT, url: 'http://pd.example/x'}},"
        " {name: b, email: {host: smtp.example, security: none, from: w@o.example, to: [a@o.example]}}]\n"
        "routes: [{receiver: a}]"
    )
    with capture_logs() as logs:
        warnings = read(text).warnings
    assert warnings == (
        "a: a routing key of PagerDuty has 32 characters, this one has not",
        "a: http:// sends its pages unencrypted",
        "b: security: none sends its pages unencrypted",
    )
    assert "abc" not in str(logs)
    assert read().warnings == ()


def email(more: str = "", sender: str = "w@o.example", to: str = "[a@o.example]") -> str:
    tail = f", {more}" if more else ""
    return f"receivers: [{{name: a, email: {{host: smtp.example, from: {sender}, to: {to}{tail}}}}}]"


def pagerduty(more: str) -> str:
    return f"receivers: [{{name: a, pagerduty: {{{more}}}}}]"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "receivers: [{name: a, webhook: {url: 'https://x/'}, email: {host: a, from: a@b, to: [a@b]}}]",
            "give one of",
        ),
        (pagerduty(""), "receivers.1.pagerduty: no routing key. Give routing_key_file or routing_key_env"),
        (pagerduty("routing_key: s3cret"), "receivers.1.pagerduty.routing_key: no such key"),
        (
            pagerduty("routing_key_env: ABSENT"),
            "receivers.1.pagerduty.routing_key_env: the variable is not set",
        ),
        (pagerduty("routing_key_env: ODD"), "receivers.1.pagerduty.routing_key_env: no routing key in it"),
        (pagerduty("routing_key_env: KEY, routing_key_file: x"), "Keep routing_key_file or routing_key_env"),
        (pagerduty("routing_key_file: /absent"), "pagerduty.routing_key_file: /absent cannot be read"),
        (pagerduty("routing_key_env: KEY, url: 'ftp://x/'"), "pagerduty.url: not an address"),
        (email(to="[]"), "receivers.1.email.to: the list is empty"),
        (email(to="[a@o.example, 'b, c@o.example']"), "receivers.1.email.to.2: no e-mail address"),
        (email(to='["a@o.example\\r\\nBcc: x@y"]'), "receivers.1.email.to.1: no e-mail address"),
        (email(sender="Ana"), "receivers.1.email.from: no e-mail address"),
        (email(sender="'<a@b>'"), "receivers.1.email.from: no e-mail address"),
        (email("security: ssl"), "receivers.1.email.security"),
        (email("port: 0"), "receivers.1.email.port"),
        (email("username: w"), "a login needs username and one of password_file and password_env"),
        (email("password_env: PASSWORD"), "a login needs username"),
        (email("username: w, password_env: TWO"), "email.password_env: no password that can be sent"),
        (email("username: w, password_env: WIDE"), "email.password_env: no password that can be sent"),
        (email("username: 'ü', password_env: PASSWORD"), "email.username: no name to log in with"),
        (email("username: w, password_env: PASSWORD, security: none"), "would send the password unencrypted"),
        (email("ca_file: /absent"), "receivers.1.email.ca_file: /absent is no file"),
        (email().replace("smtp.example", "'smtp example'"), "receivers.1.email.host: no name of a host"),
        (FILE.replace("when: night", "when: nacht"), "no time interval is called 'nacht'; known: night"),
        (FILE.replace("22:00", "25:00"), "time_intervals.1.time_intervals.1.times.1.start_time"),
        (FILE.replace("Europe/Berlin", "Berlin"), "no time zone 'Berlin'"),
    ],
)
def test_a_fault_is_told_with_file_path_and_mend(text: str, says: str) -> None:
    with pytest.raises(RoutesError) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith("routes.yaml")
    assert says in message
    assert caught.value.mend
    for private in (KEY, "geh3im", "s3cret"):
        assert private not in message


def test_secrets_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    [receiver] = read(pagerduty(f"routing_key_file: '{tmp_path / 'key'}'")).receivers
    assert isinstance(receiver, PagerdutyReceiver)
    assert receiver.routing_key == KEY
