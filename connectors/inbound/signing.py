"""How senders sign: HMACs in hex, with a prefix, a list or a timestamp, and Standard Webhooks.

Every check raises SignatureRefused and nothing else, whatever the headers hold. Signatures are compared byte
for byte (all senders write hex in lower case; upper case is refused), in constant time, and every secret is
tried without leaving early, so that the time taken tells nothing. No message repeats a secret, or the
signature that was expected.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence

from connectors.inbound.source import Request
from connectors.inbound.tokens import verify_token
from connectors.standard_webhooks import signature, signing_key
from core.errors import SignatureRefused
from core.times import MINUTE, SECOND

TOLERANCE = 5 * MINUTE
_DIGITS = re.compile(r"[0-9]{1,15}")
_MOST_SIGNATURES = 20


def hmac_hex(secret: str, *parts: str | bytes, algorithm: str = "sha256") -> str:
    """The HMAC over the parts, one after the other, in lower-case hex."""
    content = b"".join(part if isinstance(part, bytes) else _bytes(part) for part in parts)
    return hmac.digest(_bytes(secret), content, algorithm).hex()


def header(request: Request, name: str) -> str:
    """A header that has to be there. `name` is in lower case."""
    value = request.headers.get(name, "")
    if not value:
        raise refused(
            name, "the header is missing, or empty", "Set the same secret at the sender: it signs then"
        )
    return value


def refused(
    name: str,
    what: str = "the signature does not fit the body and the secret set here",
    mend: str = "Compare the secret of the sender with the one in the senders file",
) -> SignatureRefused:
    return SignatureRefused(what, where=f"header {name}", mend=mend)


def one_of(given: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether any given text is a wanted one; all pairs are compared, each in constant time."""
    others = [_bytes(text) for text in wanted]
    fits = [hmac.compare_digest(_bytes(text), other) for text in given for other in others]
    return any(fits)


def fresh(text: str, now: int, name: str) -> str:
    """`text`, when it is a Unix time in seconds no more than five minutes from `now` (ms), either way."""
    if not _DIGITS.fullmatch(text):
        raise refused(name, "the timestamp is not a number of seconds")
    if abs(now - int(text) * SECOND) > TOLERANCE:
        raise refused(
            name,
            "the timestamp is more than five minutes from now: an old message, or a wrong clock",
            "Compare the clocks of both machines, and send it anew",
        )
    return text


def verify_hex(
    request: Request, secrets: Sequence[str], name: str, prefix: str = "", algorithm: str = "sha256"
) -> None:
    """One header: `prefix` and the hex HMAC of the body."""
    given = header(request, name)
    wanted = [
        prefix + hmac_hex(secret, request.body, algorithm=algorithm) for secret in _usable(secrets, name)
    ]
    if not one_of([given], wanted):
        raise refused(name)


def verify_listed(request: Request, secrets: Sequence[str], name: str, prefix: str) -> None:
    """As `verify_hex`, for a list with commas: a sender that changes its secret signs with both."""
    given = [item.strip(" ") for item in header(request, name).split(",", _MOST_SIGNATURES)]
    wanted = [prefix + hmac_hex(secret, request.body) for secret in _usable(secrets, name)]
    if not one_of(given[:_MOST_SIGNATURES], wanted):
        raise refused(name)


def verify_timed(request: Request, secrets: Sequence[str], name: str, stamp_name: str) -> None:
    """As `verify_hex`, over the timestamp of another header, a colon, and the body."""
    given, stamp = header(request, name), fresh(header(request, stamp_name), request.now, stamp_name)
    usable = _usable(secrets, name)
    wanted = [hmac_hex(secret, stamp, ":", request.body) for secret in usable]
    if not one_of([given], wanted):
        raise refused(name)


def verify_pairs(request: Request, secrets: Sequence[str], name: str) -> None:
    """One header `t=SECONDS,v1=HEX` over `SECONDS.body`; `v1` may come more than once, `t` may not."""
    pairs = [item.strip(" ").partition("=") for item in header(request, name).split(",", _MOST_SIGNATURES)]
    stamps = [value for key, _, value in pairs if key == "t"]
    given = [value for key, _, value in pairs if key == "v1"]
    if len(stamps) != 1 or not given:
        raise refused(name, "not of the form t=SECONDS,v1=HEX")
    stamp = fresh(stamps[0], request.now, name)
    if not one_of(given, [hmac_hex(secret, stamp, ".", request.body) for secret in _usable(secrets, name)]):
        raise refused(name)


def standard_webhooks(request: Request, secrets: Sequence[str]) -> None:
    """`webhook-id`, `webhook-timestamp`, and `webhook-signature`: a list with spaces; `v1,` ones count."""
    name = "webhook-signature"
    message, stamp = header(request, "webhook-id"), header(request, "webhook-timestamp")
    fresh(stamp, request.now, "webhook-timestamp")
    given = header(request, name).split(" ", _MOST_SIGNATURES)[:_MOST_SIGNATURES]
    keys = [key for secret in _usable(secrets, name) if (key := _key(secret))]
    if not one_of(given, [signature(key, message, stamp, request.body) for key in keys]):
        raise refused(name)


def verify_signed_or_token(request: Request, secrets: Sequence[str], name: str, prefix: str = "") -> None:
    """`verify_hex` where the header is there, else a token, which proves no less: it is the secret itself."""
    if name in request.headers:
        verify_hex(request, secrets, name, prefix)
    else:
        verify_token(request, secrets)


def _usable(secrets: Sequence[str], name: str) -> list[str]:
    """An empty secret is none: anybody could sign with it."""
    usable = [secret for secret in secrets if secret]
    if not usable:
        raise refused(name, "no secret is set here, so no signature can be checked")
    return usable


def _key(secret: str) -> bytes:
    try:
        return signing_key(secret)
    except ValueError:
        return b""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
