"""Secrets leave a text before it goes to a model, what is no secret stays, and no text makes it slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.redaction import PATTERNS, redacted, redacted_json

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-DEF_123"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK==\n-----END RSA PRIVATE KEY-----"

SECRETS = [
    (PEM, "MIIEow"),
    ("-----BEGIN PRIVATE KEY----- MIIEowIBAAK cut here", "MIIEow"),
    (f"token {JWT} end", "eyJ"),
    ("Authorization: Bearer abcdefghijklmnop123", "abcdefghijklmnop123"),
    ("basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    ("postgres://admin:hunter22@db:5432/shop", "hunter22"),
    ("AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
    ("key=AKIAABCDEFGHIJKLMNOP.", "AKIAABCDEFGHIJKLMNOP"),
    ("ghp_abcdefghijklmnopqrst1234567890abcdef", "ghp_abc"),
    ("github_pat_11ABCDEFG0abcdefghijkl", "github_pat_11"),
    ("glpat-abcdefghijklmnop1234", "glpat-abc"),
    ("xoxb-123456789012-abcdefghij", "xoxb-123"),
    ("sk-proj-abcdefghijklmnopqrstuvwx", "sk-proj"),
    ("sk_live_abcdefghijklmnop", "sk_live_abc"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIzaSy"),
    ("hf_abcdefghijklmnopqrstuvwx", "hf_abc"),
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8"),
    ("DB_PASSWORD=hunter22", "hunter22"),
    ("password: 'correct-horse'", "correct-horse"),
    ('{"client_secret": "s3cr3ts3cr3t"}', "s3cr3ts3cr3t"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "wJalr"),
    ("api-key = abcdef123456", "abcdef123456"),
    ("ask ana.lopez+oncall@mail.example.org now", "ana.lopez"),
    ("<bo@example.org>", "bo@example"),
    ("made by bo.k(at)example.org", "bo.k"),
    ("postgres: //admin:hunter22(at)db:5432/shop", "hunter22"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJz…", "eyJhbGci"),
]
HARMLESS = [
    "HighErrorRatio on payments: 5 alerts, 8 s before 2.4.0",
    "INC-20261121-OQU2EI default/08cf561a1d70cfe6@1795235116789",
    "deploy of checkout v2.4.0-rc1+build5 by tomasz",
    "configuration change of inventory (cache-seconds=30)",
    "chg-6407f901129ea55d pln-2b39bcdc9b2b9bb3",
    "http://127.0.0.1:8080/v1 and 2026-11-21T04:25:16.789Z",
    "TokenBucketEmpty, SecretStoreDown, PasswordResetSlow, task-runner, sk-short",
    "basic checks pass; the bearer of news",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=[secret for _, secret in SECRETS])
def test_a_secret_is_removed_and_that_is_said(text: str, secret: str) -> None:
    done = redacted(text)
    assert secret not in done
    assert "removed)" in done


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_what_stands_around_a_secret_stays() -> None:
    assert redacted("to ana@example.org about DB_PASSWORD=hunter22, now") == (
        "to (e-mail removed) about DB_PASSWORD=(removed), now"
    )


def test_every_text_in_a_value_is_looked_at_and_keys_stay() -> None:
    value = {"token": ["bo@example.org", {"a": ("AKIAABCDEFGHIJKLMNOP", 5, None, True)}]}
    assert redacted_json(value) == {"token": ["(e-mail removed)", {"a": ["(key removed)", 5, None, True]}]}


@given(st.text(max_size=400))
def test_it_never_fails_and_twice_is_once(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once


@given(st.text(max_size=60), st.sampled_from([text for text, _ in SECRETS]), st.text(max_size=60))
def test_a_secret_between_other_words_is_found(before: str, text: str, after: str) -> None:
    done = redacted(f"{before} {text} {after}")
    secret = dict(SECRETS)[text]
    assert done.count(secret) <= f"{before} {after}".count(secret)


LONG = [
    "eyJ" * 100_000,
    "a" * 300_000,
    "a.b@" * 75_000,
    "@" * 300_000,
    "-----BEGIN PRIVATE KEY" * 14_000,
    "://a:" * 60_000,
    "password=" * 33_000,
    "bearer " * 43_000,
    "token" + " " * 300_000,
    "sk-" * 100_000,
    "a-" * 150_000 + "@",
    "eyJaaaaaaa.eyJaaaaaa" * 15_000,
]


@pytest.mark.parametrize("text", LONG, ids=[text[:12] for text in LONG])
def test_the_time_grows_with_the_text_alone(text: str) -> None:
    """Quadratic time would take minutes for these; the bound is far above what a slow machine needs."""
    before = time.thread_time()
    redacted(text)
    assert time.thread_time() - before < 10


def test_each_pattern_has_a_name_of_its_own() -> None:
    assert len({name for name, _, _ in PATTERNS}) == len(PATTERNS)
