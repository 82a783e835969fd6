"""Telling a running Watchkeeper how a change was judged, so that an incident can say so later."""

from __future__ import annotations

from core.errors import InputError, Unreachable
from core.narrative.plain import one_line
from watchkeeper.risk.render_json import render_json
from watchkeeper.risk.report import Report

SECONDS = 5.0


def tell(url: str, report: Report, token: str = "") -> None:
    """Send the check to source `risk` of the server at `url`. Raises Unreachable, or InputError with what
    the server says."""
    import httpx

    here = url.partition("://")[2].startswith(("127.", "localhost", "[::1]"))
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    place = f"{url.rstrip('/')}/v1/ingest/risk"
    try:
        with httpx.Client(timeout=SECONDS, trust_env=not here) as client:
            answer = client.post(place, content=render_json(report).encode(), headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Unreachable(f"the check was not told ({one_line(str(error))})", where=one_line(url)) from None
    if answer.status_code != 202:
        said = one_line(answer.text[:1_000], 300)
        what = f"the check was not taken: {answer.status_code}, {said}"
        refused = answer.status_code in (401, 403)
        mend = "Set its secret in WATCHKEEPER_RISK_TOKEN" if refused else "Mend what it says, or the address"
        raise InputError(what, where=one_line(url), mend=mend)
