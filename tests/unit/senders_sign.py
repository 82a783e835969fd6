"""Every scheme by which a sender signs, as the sender would do it: the headers for a secret, a body, a time.

Written from the schemes' descriptions with the standard library alone, so that it shares nothing with what it
checks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connectors.inbound import (
    flux,
    github,
    gitlab,
    grafana,
    incident_io,
    jira,
    langfuse,
    launchdarkly,
    pagerduty,
    sentry,
    terraform,
)

Headers = dict[str, str]
Verify = Callable[..., None]
SECRET = "whsec_" + base64.b64encode(b"a key of Standard Webhooks, 32 b").decode()


class Scheme(NamedTuple):
    """`signature` names the header, `stamp` the one with the signed time, if that is a header of its own.
    `token`: without the signature the sender may send its secret instead."""

    verify: Verify
    sign: Callable[[str, bytes, int], Headers]
    signature: str
    stamp: str = ""
    prefix: str = ""
    listed: bool = False
    token: bool = False


def hexed(secret: str, content: bytes, algorithm: Any = hashlib.sha256) -> str:
    return hmac.new(secret.encode(), content, algorithm).hexdigest()


def plain(
    name: str, prefix: str = "", algorithm: Any = hashlib.sha256
) -> Callable[[str, bytes, int], Headers]:
    return lambda secret, body, seconds: {name: prefix + hexed(secret, body, algorithm)}


def timed(name: str, stamp: str) -> Callable[[str, bytes, int], Headers]:
    return lambda secret, body, seconds: {
        stamp: str(seconds),
        name: hexed(secret, f"{seconds}:".encode() + body),
    }


def paired(secret: str, body: bytes, seconds: int) -> Headers:
    return {"x-langfuse-signature": f"t={seconds},v1={hexed(secret, f'{seconds}.'.encode() + body)}"}


def standard(secret: str, body: bytes, seconds: int) -> Headers:
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(key, f"msg_1.{seconds}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": str(seconds), "webhook-signature": signature}


_GRAFANA = ("x-grafana-alerting-signature", "x-grafana-alerting-timestamp")
_STANDARD = ("webhook-signature", "webhook-timestamp", "v1,", True)
SCHEMES: Mapping[str, Scheme] = {
    "github": Scheme(
        github.verify, plain("x-hub-signature-256", "sha256="), "x-hub-signature-256", "", "sha256="
    ),
    "jira": Scheme(jira.verify, plain("x-hub-signature", "sha256="), "x-hub-signature", "", "sha256="),
    "flux": Scheme(flux.verify, plain("x-signature", "sha256="), "x-signature", "", "sha256=", token=True),
    "sentry": Scheme(sentry.verify, plain("sentry-hook-signature"), "sentry-hook-signature", token=True),
    "launchdarkly": Scheme(launchdarkly.verify, plain("x-ld-signature"), "x-ld-signature"),
    "grafana": Scheme(grafana.verify, plain(_GRAFANA[0]), _GRAFANA[0], token=True),
    "grafana_timed": Scheme(grafana.verify, timed(*_GRAFANA), *_GRAFANA, token=True),
    "terraform": Scheme(
        terraform.verify,
        plain("x-tfe-notification-signature", algorithm=hashlib.sha512),
        "x-tfe-notification-signature",
    ),
    "pagerduty": Scheme(
        pagerduty.verify, plain("x-pagerduty-signature", "v1="), "x-pagerduty-signature", "", "v1=", True
    ),
    "langfuse": Scheme(langfuse.verify, paired, "x-langfuse-signature"),
    "incident_io": Scheme(incident_io.verify, standard, *_STANDARD),
    "gitlab": Scheme(gitlab.verify, standard, *_STANDARD, token=True),
}
