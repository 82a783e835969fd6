"""Amazon SNS: what a message's signature covers, where its certificate may be fetched, and whether it fits.

Pure. An address is believed only when it is https, on the host of SNS in the region of a topic that is on the
list, and of the form that SNS uses: everything is checked before anything is fetched.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from connectors.inbound.fields import Object, text
from connectors.inbound.moments import instant
from core.errors import SignatureRefused
from core.times import HOUR, MINUTE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

# SNS tries again for an hour.
OLDEST, AHEAD = HOUR + 5 * MINUTE, 5 * MINUTE
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_HANDSHAKE = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _HANDSHAKE,
    "UnsubscribeConfirmation": _HANDSHAKE,
}
_TOPIC = re.compile(
    r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-[0-9]):[0-9]{4,20}:[\w.-]{1,256}", re.ASCII
)
_SUFFIXES = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")
_PLAIN = re.compile(r"[!-~]{1,2000}")


def refused(what: str, where: str) -> SignatureRefused:
    return SignatureRefused(what, where=where, mend="Only messages of Amazon SNS itself are taken here")


def string_to_sign(document: Object) -> bytes:
    """Names and values, a line each, in the order of the names; a Subject only where there is one."""
    names = _SIGNED.get(text(document, "Type"))
    if names is None:
        raise refused(f"{text(document, 'Type')!r} is no type of message", "Type")
    lines = []
    for key in names:
        value = document.get(key)
        if value is None and key == "Subject":
            continue
        if not isinstance(value, str):
            raise refused("missing, or no text", key)
        lines.append(f"{key}\n{value}\n")
    return "".join(lines).encode("utf-8", "surrogatepass")


def certificate_url(document: Object, topics: Collection[str]) -> str:
    """Where the signing certificate is. Raises SignatureRefused for every other place."""
    url = document.get("SigningCertURL", document.get("SigningCertUrl"))
    path, query = _address(url, "SigningCertURL", _host(document, topics))
    if not _CERTIFICATE.fullmatch(path) or query:
        raise refused("not where SNS keeps its certificates", "SigningCertURL")
    return str(url)


def subscribe_url(document: Object, topics: Collection[str]) -> str:
    """Where a subscription is confirmed: for this topic, and for nothing else."""
    url = document.get("SubscribeURL")
    path, query = _address(url, "SubscribeURL", _host(document, topics))
    wanted = {
        "Action": "ConfirmSubscription",
        "TopicArn": document["TopicArn"],
        "Token": document.get("Token"),
    }
    given = parse_qsl(query, keep_blank_values=True, max_num_fields=8) if query.count("&") < 8 else []
    if path not in ("", "/") or len(given) != len(wanted) or dict(given) != wanted:
        raise refused("not the confirmation of this topic", "SubscribeURL")
    return str(url)


def _host(document: Object, topics: Collection[str]) -> str:
    """The host of SNS in the topic's region. The topic must be on the list."""
    topic = document.get("TopicArn")
    found = _TOPIC.fullmatch(topic) if isinstance(topic, str) else None
    if found is None or topic not in topics:
        raise refused("topic not allowed; add it to the senders file", "TopicArn")
    return f"sns.{found[2]}.{_SUFFIXES[found[1]]}"


def _address(url: Any, where: str, host: str) -> tuple[str, str]:
    """Path and query of an https address on `host`; compared as text, so that no reading of it can differ."""
    start = f"https://{host}"
    if not isinstance(url, str) or not _PLAIN.fullmatch(url) or not url.startswith(start):
        raise refused(f"not an https address on {host}", where)
    rest = url.removeprefix(start).removeprefix(":443")
    if rest[:1] not in ("/", "?") or any(sign in rest for sign in "\\@#"):
        raise refused(f"not an https address on {host}", where)
    parts = urlsplit(f"https://host{rest}")
    return parts.path, parts.query


def check(document: Object, certificate: bytes, now: int) -> None:
    """Raises SignatureRefused unless the certificate (PEM) signed this message, lately."""
    check_before_fetch(document, now)
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    try:
        loaded = load_pem_x509_certificate(certificate)
        key = loaded.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise refused("the certificate cannot be read", "SigningCertURL") from None
    at = datetime.fromtimestamp(now / 1000, UTC)
    if not loaded.not_valid_before_utc <= at <= loaded.not_valid_after_utc:
        raise refused("the certificate is not valid now", "SigningCertURL")
    if not isinstance(key, RSAPublicKey):
        raise refused("the certificate's key is not RSA", "SigningCertURL")
    try:
        key.verify(_signature(document), string_to_sign(document), padding.PKCS1v15(), _hash(document))
    except InvalidSignature:
        raise refused("the signature does not fit the message", "Signature") from None


def check_before_fetch(document: Object, now: int) -> None:
    """All that can be refused without the certificate: age, form, version."""
    string_to_sign(document)
    if not _signature(document) or document.get("SignatureVersion") not in ("1", "2"):
        raise refused("there is no signature of version 1 or 2", "Signature")
    told = instant(document.get("Timestamp"))
    if told is None or not now - OLDEST <= told <= now + AHEAD:
        raise refused("the message is older than an hour, or from the future", "Timestamp")


def _signature(document: Object) -> bytes:
    try:
        return base64.b64decode(text(document, "Signature").encode("utf-8", "surrogatepass"), validate=True)
    except (binascii.Error, ValueError):
        raise refused("not base64", "Signature") from None


def _hash(document: Object) -> HashAlgorithm:
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    # Version 1, which SNS uses unless a topic is set to version 2, is over SHA-1.
    return SHA256() if document["SignatureVersion"] == "2" else SHA1()  # noqa: S303
