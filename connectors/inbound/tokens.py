"""The proof of senders that cannot sign: a secret that they send along.

It may come as a bearer token, as the password of basic authentication, in a header of its own, or, for
senders that can set an address and nothing else, as the last part of the path.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator, Sequence

from connectors.inbound.source import Request
from core.errors import SignatureRefused

PROOF = "a token: bearer, basic password, X-Watchkeeper-Token, or the last part of the path"
HEADER = "x-watchkeeper-token"


def verify_token(request: Request, secrets: Sequence[str], header: str = "") -> None:
    """Raises SignatureRefused unless a token that was sent is one of `secrets`. `header`: one of its own."""
    given = list(filter(None, _given(request, header)))
    if not given:
        raise SignatureRefused(
            "no token", where="headers", mend="Send it as `Authorization: Bearer TOKEN` or as the docs say"
        )
    # Every pair is compared, so that the time taken tells nothing.
    fits = [same(token, secret) for token in given for secret in filter(None, secrets)]
    if not any(fits):
        where = "address" if request.path_token in given else "headers"
        mend = "Compare the token of the sender with the one in the senders file"
        raise SignatureRefused("the token is not the one set here", where=where, mend=mend)


def same(given: str, wanted: str) -> bool:
    """In constant time. Bytes of a header come as Latin-1; those who send UTF-8 mean it."""
    as_text = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode("utf-8"))
    as_bytes = hmac.compare_digest(given.encode("latin-1", "replace"), wanted.encode("utf-8"))
    return as_text or as_bytes


def _given(request: Request, header: str) -> Iterator[str]:
    for name in (header.lower(), HEADER):
        if name and request.headers.get(name):
            yield request.headers[name].strip()
    if request.path_token:
        yield request.path_token
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        yield value.strip()
    elif scheme.lower() == "basic":
        try:
            plain = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return
        yield plain.partition(":")[2]
