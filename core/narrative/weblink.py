"""Addresses of others: which of them a page may link to, and where they lead."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

_MAX_URL = 2_048
# What no chat program or mail reads as anything but an address.
_PLAIN = re.compile(r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~!$&'()+,;=:%/?#-]*)?")


def safe_url(value: Any) -> str:
    """The URL when a link may point there: http or https, a host, no user name before it. Else nothing."""
    if not isinstance(value, str) or len(value) > _MAX_URL or not value.isprintable():
        return ""
    if any(char in value for char in ' \\<>"'):
        return ""
    try:
        parts = urlsplit(value)
        named = parts.username is not None or parts.password is not None
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.hostname and not named else ""


def url_host(value: str) -> str:
    """Where a safe URL leads, to be shown beside the link."""
    return urlsplit(value).netloc


def plain_url(value: str, limit: int) -> str:
    """A safe URL that may stand in plain text as it is: short, and of plain characters. Else nothing."""
    return value if len(value) <= limit and _PLAIN.fullmatch(value) and safe_url(value) else ""
