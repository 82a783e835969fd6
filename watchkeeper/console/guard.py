"""What keeps a page safe: the headers of every answer, and the refusal of forms that other sites send.

The console has no login of its own (it stands behind the operator's), so a form is trusted by where it comes
from: `Sec-Fetch-Site`, which browsers set themselves, or `Origin` where that is missing (plain HTTP).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from fastapi import Request

from core.errors import InputError

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: under it browsers send `Origin: null` with our own forms, as a hostile page's form
    # can do too. Other sites get no referrer either way.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OUR_PAGES = frozenset({"same-origin", "none"})
_FORM = "application/x-www-form-urlencoded"
_MAX_FORM = 16_384
_MAX_FIELDS = 10
_MAX_CHOICES = 250
_PORTS = {"http": 80, "https": 443}


def foreign_form(headers: Mapping[str, str]) -> str:
    """Why a POST does not come from one of our pages; empty when it does, or when no browser sent it."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return "" if site in _OUR_PAGES else f"the browser says that it comes from elsewhere ({site})"
    origin = headers.get("origin")
    if origin is None or _same_host(origin, headers.get("host", "")):
        return ""
    return "its origin is another address than this page's"


def _same_host(origin: str, host: str) -> bool:
    try:
        theirs = urlsplit(origin)
        ours = urlsplit(f"//{host}")
        default = _PORTS.get(theirs.scheme)
        same_port = (theirs.port or default) == (ours.port or default)
    except ValueError:
        return False
    return theirs.hostname is not None and theirs.hostname == ours.hostname and same_port


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name. Raises InputError for anything but a small form."""
    found = await read_fields(request, most_bytes=_MAX_FORM, most_fields=_MAX_FIELDS)
    return {name: values[-1] for name, values in found.items()}


async def read_fields(
    request: Request, *, most_bytes: int = _MAX_CHOICES * 500, most_fields: int = _MAX_CHOICES
) -> dict[str, list[str]]:
    """The fields of a form with choices, all values of each name. Raises InputError for what is none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise InputError("not a form", where="Content-Type", mend=f"Send {_FORM}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise InputError("the form is too large", where="body", mend=f"At most {most_bytes} bytes")
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=most_fields)
    except ValueError:
        raise InputError("too many fields", where="body", mend="Send to, actor and reason") from None
