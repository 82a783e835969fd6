"""Symptoms: told by the words of an alert's name, whatever its way of writing names is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules.loader import parse_rules
from core.rules.schema import SymptomRule
from core.symptoms import symptom_of, words_of
from watchkeeper.files import builtin_rules

RULE: SymptomRule = parse_rules(builtin_rules()).symptom
NAMES = {
    "HighErrorRatio": "errors",
    "http_5xx_rate": "errors",
    "checkout-requests-failing": "errors",
    "SLOErrorBudgetBurn": "errors",
    "SlowRequests": "latency",
    "ApiP99TooHigh": "latency",
    "api.p99.high": "latency",
    "InstanceDown": "down",
    "KubePodCrashLooping": "down",
    "TargetMissing": "down",
    "KafkaConsumerLag": "queue",
    "NodeFilesystemAlmostOutOfSpace": "saturation",
    "PostgresTooManyConnections": "saturation",
    "ContainerOOMKilled": "saturation",
    "HighCPU": "saturation",
    "TLSCertificateExpiringSoon": "certificate",
    "TooManyRequests": "traffic",
    "SomethingIsOdd": "",
    "": "",
    "Überlast": "",
}


@pytest.mark.parametrize(("name", "symptom"), NAMES.items())
def test_a_name_tells_its_symptom(name: str, symptom: str) -> None:
    assert symptom_of(name, RULE) == symptom


def test_short_words_hold_only_as_whole_words() -> None:
    assert symptom_of("TagsWrong", RULE) == ""  # `lag` is not in it as a word
    assert symptom_of("LagHigh", RULE) == "queue"


def test_names_are_split_at_capitals_digits_and_signs() -> None:
    assert words_of("HTTPErrorRate_p95") == ("httperrorrate", "http", "error", "rate", "p95")


def test_without_words_nothing_is_told() -> None:
    assert symptom_of("HighErrorRatio", SymptomRule(summary="")) == ""


@given(st.text(max_size=400))
def test_any_text_is_a_name(name: str) -> None:
    assert symptom_of(name, RULE) in {*RULE.words, ""}
