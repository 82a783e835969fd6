"""Pages by e-mail: threads, text that cannot become a header or markup, secrets, servers that misbehave."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.outbound.email import EmailNotifier, Mailbox
from core.model.document import Document
from core.ports import Delivered, Message
from core.times import parse_rfc3339
from tests.smtp_sink import DRIP, HANG, SmtpSink

AT = parse_rfc3339("2026-11-21T08:00:00Z")
INCIDENT: Document = {
    "id": "INC-20261121-ABCDEF",
    "title": "payments: HighErrorRatio",
    "severity": "P1",
    "status": "triggered",
    "url": "https://watch.example/incidents/INC-20261121-ABCDEF",
}
EVIL = "x\r\nBcc: all@victims.example\r\n\r\n<script>alert(1)</script>\ud800\x00\u2028é"


def message(
    number: int = 1, reason: str = "opened", text: str = "P1 payments\nSince eight", **more: Any
) -> Message:
    return Message(f"dec-{number}", reason, AT, {**INCIDENT, **more}, text)


def box(sink: SmtpSink, *to: str, **more: Any) -> Mailbox:
    given = {"host": "127.0.0.1", "security": "none", "sender": "watch@ours.example", **more}
    return Mailbox(port=sink.port, to=to or ("ana@ours.example",), **given)


def send(mailbox: Mailbox, *messages: Message, timeout: float = 10.0) -> list[Delivered]:
    async def all_of_them() -> list[Delivered]:
        notifier = EmailNotifier(mailbox, timeout)
        return [await notifier.send(one) for one in messages]

    return asyncio.run(all_of_them())


def test_a_mail_says_the_page_as_text_and_as_html() -> None:
    with SmtpSink() as sink:
        assert send(box(sink, "ana@ours.example", "bo@ours.example"), message()) == [
            Delivered(True, "SMTP 250: accepted")
        ]
        [mail] = sink.mails
    assert (mail.sender, mail.to) == ("watch@ours.example", ["ana@ours.example", "bo@ours.example"])
    assert mail.message["subject"] == "[P1 payments: HighErrorRatio] INC-20261121-ABCDEF: opened"
    assert mail.message["from"] == "Watchkeeper <watch@ours.example>"
    assert mail.message["to"] == "ana@ours.example, bo@ours.example"
    assert mail.message["date"] == "Sat, 21 Nov 2026 08:00:00 -0000"
    assert mail.message["auto-submitted"] == "auto-generated"
    assert mail.part("plain") == "P1 payments\nSince eight\n"
    assert '<a href="https://watch.example/incidents/INC-20261121-ABCDEF">' in mail.part("html")


def test_mails_of_one_incident_are_a_thread_and_the_same_page_is_the_same_mail() -> None:
    pages = [message(1), message(2, "severity_raised:P0"), message(3, "resolved"), message(3, "resolved")]
    with SmtpSink() as sink:
        assert all(one.ok for one in send(box(sink), *pages))
        heads = [mail.message for mail in sink.mails]
    root = "<INC-20261121-ABCDEF@ours.example>"
    assert [head["message-id"] for head in heads] == [root, *(f"<dec-{n}@ours.example>" for n in (2, 3, 3))]
    assert [(head["in-reply-to"], head["references"]) for head in heads] == [
        (None, None),
        *[(root, root)] * 3,
    ]
    assert (
        sink.mails[2].raw.split(b"\r\n\r\n")[0].split(b"boundary")[0]
        == (sink.mails[3].raw.split(b"\r\n\r\n")[0].split(b"boundary")[0])
    )


@pytest.mark.parametrize("field", ["title", "severity", "id", "url"])
def test_foreign_text_becomes_no_header_no_recipient_and_no_markup(field: str) -> None:
    with SmtpSink() as sink:
        evil: dict[str, Any] = {"text": f"{EVIL}\n.\nQUIT", field: EVIL}
        [delivered] = send(box(sink), message(**evil))
        assert delivered.ok
        [mail] = sink.mails
    assert set(mail.message.keys()) == {
        "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert mail.to == ["ana@ours.example"]
    assert "<script>" not in mail.part("html")
    assert "javascript:" not in mail.part("html")
    assert "&lt;script&gt;" in mail.part("html")
    assert mail.part("plain").endswith("\n.\nQUIT\n")
    assert mail.raw.isascii()


def test_a_reason_and_a_decision_from_a_journal_become_no_header_either() -> None:
    with SmtpSink() as sink:
        page = message(1, f"opened\r\nBcc: x@y\r\n:{EVIL}")._replace(decision=EVIL)
        assert [one.ok for one in send(box(sink), page)] == [True]
        [mail] = sink.mails
    assert mail.message["bcc"] is None
    assert mail.message["message-id"].endswith("@ours.example>")


@pytest.mark.parametrize(
    ("answers", "says", "final"),
    [
        ({"body": "550 spam"}, "SMTP 550: spam", True),
        ({"body": "451 later"}, "SMTP 451: later", False),
        ({"RCPT": "550 no ana@ours.example here"}, "SMTP 550: no recipient is accepted", True),
        ({"RCPT": "450 full"}, "SMTP 450: no recipient is accepted", False),
        ({"MAIL": "553 not you, watch@ours.example"}, "SMTP 553: not you, …", True),
        ({"MAIL": "421 busy"}, "SMTP 421: busy", False),
        ({"hello": "554 go away"}, "SMTP 554: go away", False),
        ({"DATA": "554 no"}, "SMTP 554: no", True),
        ({"hello": "HTTP/1.1 400 Bad Request"}, "no usable answer (SMTPConnectError)", False),
        ({"body": "\x00\xff nothing"}, "", False),
    ],
)
def test_a_refusal_says_why_and_whether_it_is_worth_another_try(
    answers: dict[str, Any], says: str, final: bool
) -> None:
    with SmtpSink(answers) as sink:
        [delivered] = send(box(sink), message())
        assert not sink.mails
    assert (delivered.ok, delivered.final) == (False, final)
    assert says in delivered.detail
    assert "ours.example" not in delivered.detail
    assert delivered.detail.isprintable()


def test_who_is_refused_among_others_is_counted() -> None:
    with SmtpSink({"RCPT": ["250 ok", "550 unknown"]}) as sink:
        [delivered] = send(box(sink, "ana@ours.example", "gone@ours.example"), message())
        assert sink.mails[0].to == ["ana@ours.example"]
    assert delivered == Delivered(True, "SMTP 250: 1 of 2 recipients")


@pytest.mark.parametrize("where", ["hello", "MAIL", "RCPT", "body"])
@pytest.mark.parametrize("how", [HANG, DRIP])
def test_a_server_that_hangs_or_drips_holds_nobody(where: str, how: str) -> None:
    with SmtpSink({where: how}) as sink:
        assert send(box(sink), message(), timeout=0.4) == [Delivered(False, "no answer within 0.4 s")]
        # While the server still drips: the thread that talked to it has come to an end.
        for thread in threading.enumerate():
            if thread.name == "e-mail":
                thread.join(10)
                assert not thread.is_alive()


def test_a_closed_door_is_no_fault_of_ours() -> None:
    with SmtpSink() as sink:
        closed = box(sink)
    assert send(closed, message()) == [Delivered(False, "cannot connect: refused")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1, signed by itself."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")]),
    )
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "sink.pem"
    plain = serialization.NoEncryption()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(pem, form, plain) + made.public_bytes(pem))
    return path


def secure(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_login_and_mail_go_through_a_proven_connection(certificate: Path, security: str) -> None:
    with SmtpSink({}, secure(certificate), tls_at_once=security == "tls") as sink:
        more = {"security": security, "username": "watch", "password": "geheim", "ca_file": str(certificate)}
        assert [one.ok for one in send(box(sink, **more), message())] == [True]
        [mail] = sink.mails
    assert (mail.secure, mail.login) == (True, "watch geheim")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_proves_nothing_is_refused_before_the_password(
    certificate: Path, security: str
) -> None:
    with SmtpSink({}, secure(certificate), tls_at_once=security == "tls") as sink:
        more = {"security": security, "username": "watch", "password": "geheim"}
        [delivered] = send(box(sink, **more), message())
        assert not any("AUTH" in line for line in sink.lines)
    assert delivered == Delivered(False, "no secure connection (CERTIFICATE_VERIFY_FAILED)")


def test_a_server_without_starttls_gets_neither_password_nor_mail() -> None:
    with SmtpSink() as sink:
        [delivered] = send(box(sink, security="starttls", username="watch", password="geheim"), message())
        assert not any("AUTH" in line or "MAIL" in line for line in sink.lines)
    assert (delivered.ok, delivered.final) == (False, False)


def test_a_refused_login_is_told_without_the_password_and_tried_again(certificate: Path) -> None:
    with SmtpSink({"AUTH": "535 wrong: geheim"}, secure(certificate)) as sink:
        more = {
            "security": "starttls",
            "username": "watch",
            "password": "geheim",
            "ca_file": str(certificate),
        }
        [delivered] = send(box(sink, **more), message())
    assert delivered == Delivered(False, "SMTP 535: the login is refused")
