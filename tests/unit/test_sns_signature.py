"""Amazon SNS: what is signed, what may be fetched, and that nothing else ever is. The keys are our own."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from connectors.inbound.sns_signature import certificate_url, check, string_to_sign, subscribe_url
from connectors.inbound.sns_verifier import SnsVerifier, fetch_https
from connectors.inbound.source import Request
from core.errors import SignatureRefused
from core.times import HOUR, MINUTE, format_rfc3339

NOW = 1_795_226_400_000
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
TOPICS = [TOPIC]
HOST = "https://sns.eu-west-1.amazonaws.com"
PEM = f"{HOST}/SimpleNotificationService-{'0123456789abcdef' * 2}.pem"
CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)


def certificate(key: Any = KEY, start: int = -HOUR, end: int = HOUR) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    at = datetime.fromtimestamp(NOW / 1_000, UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at + timedelta(milliseconds=start))
        .not_valid_after(at + timedelta(milliseconds=end))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


CERTIFICATE = certificate()


def notification(**changes: Any) -> dict[str, Any]:
    document = {
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": TOPIC, "Subject": "ALARM: \"x\"",
        "Message": '{"AlarmName":"x"}\nline two é', "Timestamp": format_rfc3339(NOW - 1_000),
        "SignatureVersion": "2", "SigningCertURL": PEM,
    }  # fmt: skip
    return signed({key: value for key, value in {**document, **changes}.items() if value is not None})


def handshake(kind: str = "SubscriptionConfirmation", **changes: Any) -> dict[str, Any]:
    document = {
        "Type": kind, "MessageId": "165545c9", "TopicArn": TOPIC, "Token": "2336412f37",
        "Message": "You have chosen to subscribe", "SubscribeURL": CONFIRM,
        "Timestamp": format_rfc3339(NOW - 1_000), "SignatureVersion": "2", "SigningCertURL": PEM,
    }  # fmt: skip
    return signed({**document, **changes})


def signed(document: dict[str, Any], key: Any = KEY) -> dict[str, Any]:
    """As SNS does it, written out for itself."""
    if document["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{document[name]}\n" for name in names if name in document)
    algorithm = hashes.SHA1() if document["SignatureVersion"] == "1" else hashes.SHA256()  # noqa: S303
    made = key.sign(text.encode(), padding.PKCS1v15(), algorithm)
    return {**document, "Signature": base64.b64encode(made).decode()}


class Fetched:
    """Notes every address asked for."""

    def __init__(self, answer: bytes = CERTIFICATE) -> None:
        self.urls: list[str] = []
        self.answer = answer

    async def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        return self.answer


def request(document: Any, now: int = NOW) -> Request:
    return Request({}, orjson.dumps(document), now)


def verified(document: Any, topics: list[str] = TOPICS, now: int = NOW) -> Fetched:
    fetched = Fetched()
    asyncio.run(SnsVerifier(topics, fetched).verify(request(document, now)))
    return fetched


def refuses(
    document: Any, *, fetches: int, topics: list[str] = TOPICS, answer: bytes = CERTIFICATE, now: int = NOW
) -> str:
    fetched = Fetched(answer)
    with pytest.raises(SignatureRefused) as caught:
        asyncio.run(SnsVerifier(topics, fetched).verify(request(document, now)))
    assert len(fetched.urls) == fetches
    return str(caught.value)


def test_what_is_signed_is_a_line_for_each_name_and_value() -> None:
    document = {"Type": "Notification", "MessageId": "i", "TopicArn": "t", "Message": "m", "Timestamp": "s"}
    assert (
        string_to_sign(document)
        == b"Message\nm\nMessageId\ni\nTimestamp\ns\nTopicArn\nt\nType\nNotification\n"
    )
    assert b"Subject\nhello\nTimestamp" in string_to_sign({**document, "Subject": "hello", "Other": "x"})
    assert b"Subject\n\nTimestamp" in string_to_sign({**document, "Subject": ""})
    assert string_to_sign({**document, "Subject": None}) == string_to_sign(document)
    assert string_to_sign(handshake()).startswith(
        b"Message\nYou have chosen to subscribe\nMessageId\n165545c9\nSubscribeURL\n"
    )


@pytest.mark.parametrize("version", ["1", "2"])
def test_genuine_messages_of_all_types_hold(version: str) -> None:
    for document in (
        notification(SignatureVersion=version),
        notification(SignatureVersion=version, Subject=None),
        handshake(SignatureVersion=version),
        handshake("UnsubscribeConfirmation", SignatureVersion=version),
    ):
        assert verified(document).urls == [PEM]


def test_the_regions_of_china_have_a_host_of_their_own() -> None:
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:alarms"
    url = f"https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-{'a' * 32}.pem"
    document = notification(TopicArn=topic, SigningCertURL=url)
    assert verified(document, [topic]).urls == [url]
    refuses({**document, "SigningCertURL": url.replace(".com.cn", ".com")}, topics=[topic], fetches=0)


CHANGED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "message": lambda d: {**d, "Message": d["Message"] + " "},
    "message id": lambda d: {**d, "MessageId": "other"},
    "subject": lambda d: {**d, "Subject": "OK"},
    "subject taken away": lambda d: {k: v for k, v in d.items() if k != "Subject"},
    "timestamp": lambda d: {**d, "Timestamp": format_rfc3339(NOW)},
    "another key's": lambda d: signed(d, OTHER_KEY),
    "signature of SHA-1 as version 2": lambda d: {
        **signed({**d, "SignatureVersion": "1"}),
        "SignatureVersion": "2",
    },
    "signature of SHA-256 as version 1": lambda d: {**d, "SignatureVersion": "1"},
    "half a signature": lambda d: {**d, "Signature": d["Signature"][:100]},
    "zeros": lambda d: {**d, "Signature": base64.b64encode(bytes(256)).decode()},
}
MALFORMED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no signature": lambda d: {k: v for k, v in d.items() if k != "Signature"},
    "empty signature": lambda d: {**d, "Signature": ""},
    "signature null": lambda d: {**d, "Signature": None},
    "no base64": lambda d: {**d, "Signature": "EXAMPLEw6JRN..."},
    "signature with surrogates": lambda d: {**d, "Signature": "\u00e9"},
    "version 3": lambda d: {**d, "SignatureVersion": "3"},
    "version a number": lambda d: {**d, "SignatureVersion": 2},
    "no version": lambda d: {k: v for k, v in d.items() if k != "SignatureVersion"},
    "type unknown": lambda d: {**d, "Type": "Other"},
    "no type": lambda d: {k: v for k, v in d.items() if k != "Type"},
    "message an object": lambda d: {**d, "Message": {"AlarmName": "x"}},
    "no message id": lambda d: {k: v for k, v in d.items() if k != "MessageId"},
    "no timestamp": lambda d: {k: v for k, v in d.items() if k != "Timestamp"},
    "timestamp no time": lambda d: {**d, "Timestamp": "now"},
    "an hour and six minutes old": lambda d: notification(Timestamp=format_rfc3339(NOW - HOUR - 6 * MINUTE)),
    "six minutes ahead": lambda d: notification(Timestamp=format_rfc3339(NOW + 6 * MINUTE)),
    "a list": lambda d: [d],
    "null": lambda d: None,
    "no certificate": lambda d: {k: v for k, v in d.items() if k != "SigningCertURL"},
    "certificate a number": lambda d: {**d, "SigningCertURL": 7},
    "topic not on the list": lambda d: notification(TopicArn=TOPIC + "2"),
    "topic null": lambda d: {**d, "TopicArn": None},
    "topic a list": lambda d: {**d, "TopicArn": [TOPIC]},
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGED)
def test_a_message_that_was_changed_is_refused(kind: str) -> None:
    refuses(CHANGED[kind](notification()), fetches=1)


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_can_be_refused_without_a_certificate_fetches_none(kind: str) -> None:
    refuses(MALFORMED[kind](notification()), fetches=0)


def test_an_hour_late_holds_because_sns_tries_for_so_long() -> None:
    verified(notification(), now=NOW + HOUR)


def test_without_topics_nothing_is_fetched() -> None:
    for document in (notification(), handshake()):
        assert "topic not allowed" in refuses(document, topics=[], fetches=0)


@pytest.mark.parametrize(
    "answer",
    [
        certificate(OTHER_KEY),
        certificate(start=-2 * HOUR, end=-HOUR),
        certificate(start=HOUR, end=2 * HOUR),
        certificate(ec.generate_private_key(ec.SECP256R1())),
        b"",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"\xff" * 1_000,
        b"<html>",
    ],
    ids=["another", "expired", "not yet", "no RSA", "empty", "broken", "bytes", "page"],
)
def test_a_certificate_that_does_not_do_is_refused(answer: bytes) -> None:
    refuses(notification(), answer=answer, fetches=1)


NAME = f"SimpleNotificationService-{'0123456789abcdef' * 2}.pem"
HOSTILE = [
    f"http://sns.eu-west-1.amazonaws.com/{NAME}",
    f"HTTPS://sns.eu-west-1.amazonaws.com/{NAME}",
    f"https://SNS.eu-west-1.amazonaws.com/{NAME}",
    f"https://evil.com/sns.eu-west-1.amazonaws.com/{NAME}",
    f"https://evil.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com.evil.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com.cn/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com./{NAME}",
    f"https://sns.eu-west-1.amazonaws.comevil.com/{NAME}",
    f"https://xsns.eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.us-east-1.amazonaws.com/{NAME}",
    f"https://sns.amazonaws.com/{NAME}",
    f"https://s3.eu-west-1.amazonaws.com/{NAME}",
    f"https://bucket.s3.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com@evil.com/{NAME}",
    f"https://user:secret@sns.eu-west-1.amazonaws.com/{NAME}",
    f"https://@sns.eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com:443@evil.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com\\@evil.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com\\.evil.com/{NAME}",
    f"https://evil.com\\sns.eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com:8443/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com:80/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com:/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com:4430/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com:443:443/{NAME}",
    f"https://127.0.0.1/{NAME}",
    f"https://[::1]/{NAME}",
    f"https://169.254.169.254/{NAME}",
    f"https://2130706433/{NAME}",
    f"https://localhost/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com/{NAME}?x=1",
    f"https://sns.eu-west-1.amazonaws.com/{NAME}#x",
    f"https://sns.eu-west-1.amazonaws.com?/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com#/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com/../{NAME}",
    f"https://sns.eu-west-1.amazonaws.com/x/../{NAME}",
    f"https://sns.eu-west-1.amazonaws.com//{NAME}",
    f"https://sns.eu-west-1.amazonaws.com/%2e%2e/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com/{NAME}/",
    f"https://sns.eu-west-1.amazonaws.com/{NAME}%00",
    f"https://sns.eu-west-1.amazonaws.com/{NAME};x",
    f"https://sns.eu-west-1.amazonaws.com/{NAME.replace('.pem', '.exe')}",
    f"https://sns.eu-west-1.amazonaws.com/{NAME.upper()}",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-..pem",
    "https://sns.eu-west-1.amazonaws.com/",
    "https://sns.eu-west-1.amazonaws.com",
    f"https://sns.eu-west-1.amazonaws.com/{NAME}\n",
    f" https://sns.eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com\t/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com\r\nHost: evil.com/{NAME}",
    f"https://\u0455ns.eu-west-1.amazonaws.com/{NAME}",
    f"https://sns.eu-west-1.am\u0430zonaws.com/{NAME}",
    f"https://sns.eu-west-1\u3002amazonaws.com/{NAME}",
    f"https://sns.eu-west-1.amazonaws\uff0ecom/{NAME}",
    f"https://sns.eu-west-1.amazonaws.com\uff0f{NAME}",
    f"https://xn--ns-wmc.eu-west-1.amazonaws.com/{NAME}",
    f"//sns.eu-west-1.amazonaws.com/{NAME}",
    f"https:/sns.eu-west-1.amazonaws.com/{NAME}",
    f"https:sns.eu-west-1.amazonaws.com/{NAME}",
    f"file:///{NAME}",
    f"ftp://sns.eu-west-1.amazonaws.com/{NAME}",
    "data:text/plain,x",
    "javascript:alert(1)",
    f"https://sns.eu-west-1.amazonaws.com/{NAME}" + "a" * 5_000,
    "",
    "https://[",
]


@pytest.mark.parametrize("url", HOSTILE, ids=range(len(HOSTILE)))
def test_no_other_place_is_ever_asked_for_a_certificate(url: str) -> None:
    refuses(notification(SigningCertURL=url), fetches=0)
    with pytest.raises(SignatureRefused):
        certificate_url(notification(SigningCertURL=url), TOPICS)


def test_the_port_of_https_may_be_written_out() -> None:
    url = PEM.replace(".com/", ".com:443/")
    assert certificate_url(notification(SigningCertURL=url), TOPICS) == url


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:eu-west-1.evil.com/:123456789012:alarms",
        "arn:aws:sns:evil.com#:123456789012:alarms",
        "arn:aws:sns::123456789012:alarms",
        "arn:aws:sqs:eu-west-1:123456789012:alarms",
        "arn:aws:sns:eu-west-1:123456789012:*",
        "arn:evil:sns:eu-west-1:123456789012:alarms",
        "alarms",
        "",
    ],
)
def test_a_topic_that_is_none_gives_no_host_even_when_it_is_listed(topic: str) -> None:
    refuses(notification(TopicArn=topic), topics=[topic], fetches=0)


CONFIRMATIONS = [
    CONFIRM.replace("ConfirmSubscription", "Unsubscribe"),
    CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
    CONFIRM + "&Action=DeleteTopic",
    CONFIRM.replace("?", "?Action=DeleteTopic&"),
    CONFIRM.replace("?", "?TopicArn=x&"),
    CONFIRM.replace("Action=", "action="),
    CONFIRM.replace(TOPIC, TOPIC + "2"),
    CONFIRM.replace("Token=2336412f37", "Token=other"),
    CONFIRM.replace("&Token=2336412f37", ""),
    CONFIRM.replace("/?", "/x?"),
    CONFIRM.replace("eu-west-1.amazonaws.com/", "eu-west-1.amazonaws.com.evil.com/", 1),
    CONFIRM.replace("https", "http", 1),
    CONFIRM.replace("eu-west-1.amazonaws", "us-east-1.amazonaws", 1),
    CONFIRM.replace("https://", "https://user@", 1),
    CONFIRM + "#x",
    CONFIRM + "&x=1",
    HOST + "/?" + "&".join(["Action=ConfirmSubscription"] * 100),
    PEM,
    "",
    None,
    7,
]


@pytest.mark.parametrize("url", CONFIRMATIONS, ids=range(len(CONFIRMATIONS)))
def test_a_confirmation_asks_for_nothing_but_this_subscription(url: Any) -> None:
    document = {**handshake(), "SubscribeURL": url}
    fetched = Fetched()
    with pytest.raises(SignatureRefused):
        asyncio.run(SnsVerifier(TOPICS, fetched).confirm(document))
    assert fetched.urls == []
    with pytest.raises(SignatureRefused):
        subscribe_url(document, TOPICS)


def test_the_handshake_is_answered_for_a_topic_on_the_list_alone() -> None:
    fetched = Fetched()
    asyncio.run(SnsVerifier(TOPICS, fetched).confirm(handshake()))
    assert fetched.urls == [CONFIRM]
    for verifier, document in (
        (SnsVerifier([], fetched), handshake()),
        (SnsVerifier(TOPICS, fetched), handshake("UnsubscribeConfirmation")),
        (SnsVerifier(TOPICS, fetched), notification()),
    ):
        with pytest.raises(SignatureRefused):
            asyncio.run(verifier.confirm(document))
    assert fetched.urls == [CONFIRM]


def test_a_certificate_is_fetched_once_and_only_good_ones_are_kept_a_few() -> None:
    fetched = Fetched()
    verifier = SnsVerifier(TOPICS, fetched)

    async def run() -> None:
        for _ in range(3):
            await verifier.verify(request(notification()))
        assert fetched.urls == [PEM]
        for number in range(40):
            url = f"{HOST}/SimpleNotificationService-{number:032x}.pem"
            with pytest.raises(SignatureRefused):
                await verifier.verify(request({**notification(), "Message": "x", "SigningCertURL": url}))
        assert len(verifier._certificates) == 1
        for number in range(40):
            url = f"{HOST}/SimpleNotificationService-{number:032x}.pem"
            await verifier.verify(request(notification(SigningCertURL=url)))
        assert len(verifier._certificates) == 16

    asyncio.run(run())


def test_bodies_that_are_no_message_are_refused_and_fetch_nothing() -> None:
    for body in (b"", b"{", b"\xff", b"[]", b"null", b"1", b'"x"', b"{}", b"[" * 100_000):
        fetched = Fetched()
        with pytest.raises(SignatureRefused):
            asyncio.run(SnsVerifier(TOPICS, fetched).verify(Request({}, body, NOW)))
        assert fetched.urls == []


def test_check_alone_needs_the_right_certificate() -> None:
    check(notification(), CERTIFICATE, NOW)
    with pytest.raises(SignatureRefused, match="does not fit"):
        check(notification(), certificate(OTHER_KEY), NOW)


class Answers(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:
        Answers.asked.append(self.path)
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/secret")
            self.end_headers()
            return
        self.send_response(500 if self.path == "/error" else 200)
        self.end_headers()
        self.wfile.write(b"x" * (65_537 if self.path == "/large" else 1_000))

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Answers.asked = []
    with HTTPServer(("127.0.0.1", 0), Answers) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_fetching_is_bounded_and_follows_no_redirect(server: str) -> None:
    assert asyncio.run(fetch_https(f"{server}/pem")) == b"x" * 1_000
    for path in ("/redirect", "/large", "/error"):
        with pytest.raises(SignatureRefused) as caught:
            asyncio.run(fetch_https(server + path))
        assert server not in str(caught.value)
    assert Answers.asked == ["/pem", "/redirect", "/large", "/error"]


def test_nobody_there_is_a_refusal() -> None:
    with pytest.raises(SignatureRefused, match="cannot be reached"):
        asyncio.run(fetch_https("http://127.0.0.1:1/x"))
