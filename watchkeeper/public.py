"""The address with which links in pages and reports begin, and why it may open nothing elsewhere."""

from __future__ import annotations

import re
import socket

from watchkeeper.settings import Settings

_ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, never listened on
_OWN = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_SET = "set WATCHKEEPER_PUBLIC_URL to the console's address, such as https://watchkeeper.example"


def public_url(settings: Settings) -> str:
    """WATCHKEEPER_PUBLIC_URL, else that of the address listened on; of all addresses, the machine's name."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = socket.gethostname() if settings.host in _ANYWHERE else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def link_problem(settings: Settings) -> str:
    """Why people elsewhere may not be able to open links; empty where there is nothing to say."""
    given = settings.public_url
    if given and re.match(r"https?://[^/\s]", given) is None:
        return f"WATCHKEEPER_PUBLIC_URL {given!r} is no http address: links of pages open nothing; {_SET}"
    if given:
        return ""
    url = public_url(settings)
    if _OWN.fullmatch(settings.host):
        return f"links in pages begin with {url}, which opens on this machine alone; {_SET}"
    return f"links in pages begin with {url}, which is a guess; {_SET}"
