"""Signatures of senders: good ones hold, and every kind of bad one is refused, by nothing but a refusal."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.inbound import grafana, incident_io
from connectors.inbound.signing import hmac_hex, standard_webhooks
from connectors.inbound.source import Request
from core.errors import SignatureRefused
from core.times import MINUTE
from tests.unit.senders_sign import SCHEMES, SECRET, Headers, Scheme

NOW = 1_795_226_400_000
SECONDS = NOW // 1_000
BODY = b'{"event": "x", "text": "caf\xc3\xa9"}'
OTHER = "whsec_b3RoZXIgc2VjcmV0LCBvZiB0aGUgc2FtZSBsZW5ndGg="
Change = Callable[[Scheme, Headers], Headers]


def refuses(scheme: Scheme, headers: Mapping[str, str], body: bytes = BODY, now: int = NOW) -> None:
    with pytest.raises(SignatureRefused) as caught:
        scheme.verify(Request(headers, body, now), [SECRET])
    assert caught.value.where
    told = str(caught.value)
    genuine = scheme.sign(SECRET, body, SECONDS)[scheme.signature]
    assert SECRET not in told
    assert genuine.removeprefix(scheme.prefix) not in told


def on_signature(change: Callable[[str], str]) -> Change:
    return lambda scheme, headers: {**headers, scheme.signature: change(headers[scheme.signature])}


def digest(scheme: Scheme, value: str) -> str:
    """The part of a signature header that is the signature itself."""
    return (
        value.rpartition("v1=")[2]
        if scheme.signature == "x-langfuse-signature"
        else value.removeprefix(scheme.prefix)
    )


def on_digest(change: Callable[[str], str]) -> Change:
    def changed(scheme: Scheme, headers: Headers) -> Headers:
        value = headers[scheme.signature]
        own = digest(scheme, value)
        return {**headers, scheme.signature: value[: len(value) - len(own)] + change(own)}

    return changed


def flipped(text: str) -> str:
    return ("b" if text[0] == "a" else "a") + text[1:]


KINDS: dict[str, Change] = {
    "empty": on_signature(lambda value: ""),
    "a space": on_signature(lambda value: " "),
    "a comma": on_signature(lambda value: ","),
    "an equals sign": on_signature(lambda value: "="),
    "prefix alone": on_digest(lambda value: ""),
    "truncated by one": on_digest(lambda value: value[:-1]),
    "truncated to half": on_digest(lambda value: value[: len(value) // 2]),
    "first sign alone": on_digest(lambda value: value[:1]),
    "longer by one": on_digest(lambda value: value + "0"),
    "twice in a row": on_digest(lambda value: value + value),
    "first digit changed": on_digest(flipped),
    "last digit changed": on_digest(
        lambda value: flipped(value[::-1])[::-1] if value[-1] != "=" else "A" + value[1:]
    ),
    "upper case": on_digest(str.upper),
    "reversed": on_digest(lambda value: value[::-1]),
    "all zeros": on_digest(lambda value: "0" * len(value)),
    "no hex at all": on_digest(lambda value: "z" * len(value)),
    "NUL within": on_digest(lambda value: value[:5] + "\x00" + value[6:]),
    "NUL behind": on_digest(lambda value: value + "\x00"),
    "quoted": on_digest(lambda value: f'"{value}"'),
    "a space before the digest": on_digest(lambda value: " " + value),
    "a space in the digest": on_digest(lambda value: value[:8] + " " + value[8:]),
    "a line break behind": on_digest(lambda value: value + "\n"),
    "a percent sign": on_digest(lambda value: "%" + value[1:]),
    "latin-1 bytes": on_digest(lambda value: "é" + value[1:]),
    "lone surrogates": on_digest(lambda value: "\udcff" + value[1:]),
    "full-width digits": on_digest(lambda value: "\uff11" + value[1:]),
    "the secret itself": on_digest(lambda value: SECRET),
    "a very long one": on_digest(lambda value: value * 2_000),
    "two thousand commas": on_signature(lambda value: "," * 2_000),
}


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_that_was_tampered_with_is_refused(name: str, kind: str) -> None:
    scheme = SCHEMES[name]
    refuses(scheme, KINDS[kind](scheme, scheme.sign(SECRET, BODY, SECONDS)))


@pytest.mark.parametrize("name", SCHEMES)
def test_a_good_one_holds_and_the_same_secret_may_stand_beside_others(name: str) -> None:
    scheme = SCHEMES[name]
    for body in (BODY, b"", b"\x00\xff", b" " * 100_000):
        headers = scheme.sign(SECRET, body, SECONDS)
        for secrets in ([SECRET], [OTHER, SECRET], [SECRET, OTHER], ["", SECRET], [SECRET, SECRET]):
            scheme.verify(Request({**headers, "x-other": "1"}, body, NOW), secrets)


@pytest.mark.parametrize("name", SCHEMES)
def test_other_bodies_secrets_and_headers_are_refused(name: str) -> None:
    scheme = SCHEMES[name]
    headers = scheme.sign(SECRET, BODY, SECONDS)
    for body in (
        BODY + b"\n",
        BODY[:-1],
        b" " + BODY,
        BODY.replace(b"x", b"y"),
        b"",
        BODY.decode().encode("latin-1"),
    ):
        refuses(scheme, headers, body)
    refuses(scheme, scheme.sign(SECRET, b"", SECONDS))
    refuses(scheme, scheme.sign(SECRET, b"{}", SECONDS))
    for wrong in (OTHER, SECRET[6:], SECRET.lower(), "x"):
        refuses(scheme, scheme.sign(wrong, BODY, SECONDS))
    refuses(scheme, {})
    refuses(scheme, {f"x-{name}": value for name, value in headers.items()})
    for missing in headers:
        refuses(scheme, {key: value for key, value in headers.items() if key != missing})


@pytest.mark.parametrize("name", SCHEMES)
def test_without_a_usable_secret_nothing_holds(name: str) -> None:
    scheme = SCHEMES[name]
    for secrets in ([], [""], ["", ""], ["whsec_not base64!"]):
        with pytest.raises(SignatureRefused):
            scheme.verify(Request(scheme.sign("x", BODY, SECONDS), BODY, NOW), secrets)
    with pytest.raises(SignatureRefused):
        scheme.verify(Request(scheme.sign("", BODY, SECONDS), BODY, NOW), [""])


@pytest.mark.parametrize("name", ["incident_io", "gitlab"])
def test_a_key_without_bytes_signs_nothing(name: str) -> None:
    scheme = SCHEMES[name]
    with pytest.raises(SignatureRefused):
        scheme.verify(Request(scheme.sign("whsec_", BODY, SECONDS), BODY, NOW), ["whsec_"])


@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if scheme.prefix])
def test_another_algorithm_or_version_is_refused(name: str) -> None:
    scheme = SCHEMES[name]
    headers = scheme.sign(SECRET, BODY, SECONDS)
    own = digest(scheme, headers[scheme.signature])
    for prefix in (
        "",
        "sha1=",
        "sha512=",
        "SHA256=",
        "md5=",
        "none=",
        "v0,",
        "v2=",
        "v1a,",
        "V1=",
        "=",
        "v1 ",
    ):
        if prefix != scheme.prefix:
            refuses(scheme, {**headers, scheme.signature: prefix + own})


@pytest.mark.parametrize(
    "name", [name for name, scheme in SCHEMES.items() if not scheme.listed and name != "langfuse"]
)
def test_two_headers_joined_by_a_comma_are_refused_where_there_is_no_list(name: str) -> None:
    scheme = SCHEMES[name]
    good = scheme.sign(SECRET, BODY, SECONDS)
    for joined in (f"{good[scheme.signature]}, {good[scheme.signature]}", f"x,{good[scheme.signature]}"):
        refuses(scheme, {**good, scheme.signature: joined})


@pytest.mark.parametrize(
    ("name", "separator"), [("pagerduty", ","), ("pagerduty", ", "), ("incident_io", " ")]
)
def test_a_list_holds_when_one_of_it_does(name: str, separator: str) -> None:
    scheme = SCHEMES[name]
    good = scheme.sign(SECRET, BODY, SECONDS)
    bad = [scheme.sign(wrong, BODY, SECONDS)[scheme.signature] for wrong in ("one", "two", "three")]
    for place in range(4):
        listed = separator.join([*bad[:place], good[scheme.signature], *bad[place:]])
        scheme.verify(Request({**good, scheme.signature: listed}, BODY, NOW), [SECRET])
    refuses(scheme, {**good, scheme.signature: separator.join(bad)})
    refuses(scheme, {**good, scheme.signature: separator.join([*bad * 20, good[scheme.signature]])})


def test_langfuse_signs_with_one_time_and_may_sign_twice() -> None:
    scheme = SCHEMES["langfuse"]
    good = scheme.sign(SECRET, BODY, SECONDS)["x-langfuse-signature"]
    bad = scheme.sign("old", BODY, SECONDS)["x-langfuse-signature"].partition(",")[2]
    scheme.verify(Request({"x-langfuse-signature": f"{good},{bad}"}, BODY, NOW), [SECRET])
    scheme.verify(Request({"x-langfuse-signature": f"{good.replace(',', f',{bad},')}"}, BODY, NOW), [SECRET])
    for wrong in (
        f"t=1,{good}",
        f"{good},t=1",
        good.replace("t=", "T="),
        good.partition(",")[2],
        good.partition(",")[0],
        good.replace("v1", "v0"),
    ):
        refuses(scheme, {"x-langfuse-signature": wrong})


STAMPS = [
    "", " ", "x", "1e9", "-1", "+1", "0", "0x10", "\uff11" * 10, "\u0663", "9" * 400,
    "1795226400.0", "1795226400 ", " 1795226400", "1795226400\n", "1_795_226_400", "1795226400, 1795226400",
    "NaN", "inf", "null", "2026-11-21T02:00:00Z",
    str(SECONDS - 301), str(SECONDS + 301), str(SECONDS - 360), str(SECONDS + 360), str(NOW), "\udcff", "é",
]  # fmt: skip
TIMED = [name for name, scheme in SCHEMES.items() if scheme.stamp or name == "langfuse"]


def stamped(scheme: Scheme, stamp: str) -> Headers:
    """As somebody who knows the secret would sign this stamp: only the time is wrong."""

    class Stamp(int):
        def __format__(self, spec: str) -> str:
            return stamp

        def __str__(self) -> str:
            return stamp

    try:
        return scheme.sign(SECRET, BODY, Stamp(0))
    except UnicodeEncodeError:
        return {
            key: value.replace(str(SECONDS), stamp)
            for key, value in scheme.sign(SECRET, BODY, SECONDS).items()
        }


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("stamp", STAMPS, ids=range(len(STAMPS)))
def test_a_time_that_is_none_or_not_now_is_refused(name: str, stamp: str) -> None:
    refuses(SCHEMES[name], stamped(SCHEMES[name], stamp))


@pytest.mark.parametrize("name", TIMED)
def test_five_minutes_either_way_hold_and_an_old_message_cannot_be_sent_again(name: str) -> None:
    scheme = SCHEMES[name]
    headers = scheme.sign(SECRET, BODY, SECONDS)
    for off in (-5 * MINUTE, 0, 5 * MINUTE):
        scheme.verify(Request(headers, BODY, NOW + off), [SECRET])
    for off in (-5 * MINUTE - 1, 5 * MINUTE + 1, 365 * 24 * 60 * MINUTE):
        refuses(scheme, headers, now=NOW + off)
    fresher = {key: value.replace(str(SECONDS), str(SECONDS + 600)) for key, value in headers.items()}
    refuses(scheme, fresher, now=NOW + 10 * MINUTE)


@pytest.mark.parametrize(
    "change",
    [
        lambda good: good.replace("=", ""),
        lambda good: good + "=",
        lambda good: good.replace("+", "-").replace("/", "_").rstrip("="),
        lambda good: "v1," + good[3:].encode().hex(),
        lambda good: good.replace("v1,", "v1, "),
        lambda good: good.replace("v1,", "v1a,"),
        lambda good: good.replace(",", "="),
        lambda good: good[:20] + "\n" + good[20:],
    ],
)  # fmt: skip
def test_base64_in_another_spelling_is_refused(change: Callable[[str], str]) -> None:
    scheme = SCHEMES["incident_io"]
    good = scheme.sign(SECRET, BODY, SECONDS)
    refuses(scheme, {**good, "webhook-signature": change(good["webhook-signature"])})


def test_the_message_id_is_signed_too() -> None:
    good = SCHEMES["incident_io"].sign(SECRET, BODY, SECONDS)
    for other in ("msg_2", "msg_1 ", "", "msg_1.1795226400"):
        refuses(SCHEMES["incident_io"], {**good, "webhook-id": other})


def test_grafanas_time_cannot_be_taken_away_or_added() -> None:
    timed = SCHEMES["grafana_timed"].sign(SECRET, BODY, SECONDS)
    refuses(SCHEMES["grafana"], {"x-grafana-alerting-signature": timed["x-grafana-alerting-signature"]})
    untimed = SCHEMES["grafana"].sign(SECRET, BODY, SECONDS)
    refuses(SCHEMES["grafana"], {**untimed, "x-grafana-alerting-timestamp": str(SECONDS)})


@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if scheme.token])
def test_senders_that_cannot_sign_may_send_their_secret(name: str) -> None:
    scheme = SCHEMES[name]
    scheme.verify(Request({"authorization": f"Bearer {SECRET}"}, BODY, NOW), [OTHER, SECRET])
    scheme.verify(Request({}, BODY, NOW, path_token=SECRET), [SECRET])
    refuses(scheme, {"authorization": f"Bearer {OTHER}"})
    # A signature that is there has to fit, whatever else is.
    refuses(scheme, {**scheme.sign(OTHER, BODY, SECONDS), "authorization": f"Bearer {SECRET}"})


def test_gitlabs_secret_token_is_compared_whole() -> None:
    verify = SCHEMES["gitlab"].verify
    verify(Request({"x-gitlab-token": SECRET}, BODY, NOW), [OTHER, SECRET])
    for wrong in ("", SECRET[:-1], SECRET + "x", SECRET.upper(), "é", "\udcff"):
        refuses(SCHEMES["gitlab"], {"x-gitlab-token": wrong})


@given(
    st.dictionaries(
        st.sampled_from([*{n for s in SCHEMES.values() for n in (s.signature, s.stamp) if n}, "webhook-id"]),
        st.text(),
    ),
    st.binary(),
)
def test_no_header_does_anything_but_get_refused(headers: dict[str, str], body: bytes) -> None:
    for scheme in SCHEMES.values():
        with pytest.raises(SignatureRefused):
            scheme.verify(Request(headers, body, NOW), [SECRET])


def test_nothing_is_fetched_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*args: Any, **options: Any) -> None:
        raise AssertionError("a request was made")

    monkeypatch.setattr(httpx.AsyncClient, "send", fetched)
    monkeypatch.setattr(httpx.Client, "send", fetched)
    for scheme in SCHEMES.values():
        refuses(scheme, {scheme.signature: "https://evil.example/"})


def test_vectors_of_our_own() -> None:
    """Worked out once with OpenSSL: `printf BODY | openssl dgst -sha256 -hmac key`."""
    assert hmac_hex("key", "The quick brown fox jumps over the lazy dog") == (
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )
    assert hmac_hex("key", "The quick brown fox ", b"jumps over the lazy dog", algorithm="sha512") == (
        "b42af09057bac1e2d41708e48a902e09b5ff7f12ab428a4fe86653c73dd248fb"
        "82f948a549f7b791a5b41915ee4d1ec3935357e4e2317250d0372afa2ebeeb3a"
    )


def vectors() -> list[dict[str, Any]]:
    folder = os.environ.get("WATCHKEEPER_EVAL_DATA", "")
    path = Path(folder) / "payloads" / "_signing_vectors" / "hmac_vectors.json"
    if not folder or not path.is_file():
        pytest.skip("WATCHKEEPER_EVAL_DATA names no directory that holds payloads/_signing_vectors/")
    found = orjson.loads(path.read_bytes())
    assert isinstance(found, list)
    # Slack is not taken.
    return [one for one in found if one["scheme"] != "slack_v0"]


VECTOR_VERIFY = {
    "standard_webhooks (incident.io, Svix senders)": standard_webhooks,
    "grafana_body_only": grafana.verify,
    "grafana_with_timestamp": grafana.verify,
    "pagerduty_v3": SCHEMES["pagerduty"].verify,
    "jira_cloud": SCHEMES["jira"].verify,
    "hcp_terraform": SCHEMES["terraform"].verify,
    "flux_generic_hmac": SCHEMES["flux"].verify,
}


def test_published_vectors_hold_and_fail_with_one_byte_more() -> None:
    held = 0
    for vector in vectors():
        scheme = vector["scheme"]
        verify = VECTOR_VERIFY.get(scheme) or SCHEMES[scheme].verify
        headers = {key.lower(): value for key, value in (vector.get("headers") or {}).items()}
        headers[vector["header"].lower()] = vector["value"]
        stamps = [value for key, value in headers.items() if "timestamp" in key] or ["1700000000"]
        now = int(stamps[0]) * 1_000
        body = vector["body"].encode()
        verify(Request(headers, body, now), [vector["secret"]])
        with pytest.raises(SignatureRefused):
            verify(Request(headers, body + b"\n", now), [vector["secret"]])
        held += 1
    assert held == 11


def test_the_incident_io_module_is_the_standard_one() -> None:
    assert incident_io.kept == ("webhook-id",)
