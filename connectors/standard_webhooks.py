"""Standard Webhooks: the key of a secret and the signature of a message, for what we send and receive."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_VERSION = "v1,"
_PREFIX = "whsec_"


def signing_key(secret: str) -> bytes:
    """The key in `secret`: base64 after `whsec_`, else the text itself. ValueError: broken base64."""
    if not secret.startswith(_PREFIX):
        return secret.encode("utf-8")
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("what follows whsec_ is not base64") from None


def signature(key: bytes, name: str, seconds: str, content: bytes) -> str:
    """HMAC-SHA256 over `id.timestamp.body`, in base64 after `v1,`."""
    signed = f"{name}.{seconds}.".encode("utf-8", "surrogatepass") + content
    digest = hmac.digest(key, signed, hashlib.sha256)
    return _VERSION + base64.b64encode(digest).decode("ascii")
