"""Symptoms: told by the words of an alert's name, whatever its way of writing names is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules.loader import parse_rules
from core.rules.schema import SymptomRule
from core.symptoms import is_contained, symptom_of, words_of
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


@pytest.mark.parametrize(
    "name",
    [
        "CertificateExpired",
        "BackupDbDown",
        "PersistentVolumeFull",
        "LicenseServerDown",
        "CertManagerDown",
        "VaultTlsHandshakeFailed",
        "SnapshotServiceUnavailable",
        "UpgradeServiceErrors",
        "SearchScanTimeout",
        "PodsWillNotSchedule",
        "NodeFilesystemAlmostOutOfSpace",
        "KubeDeploymentReplicasMismatch",
        "BackupStorageDiskFull",
        "SomethingIsOdd",
        "",
    ],
)
def test_what_is_wrong_now_does_not_stay_where_it_is(name: str) -> None:
    assert not is_contained(name, RULE)


@pytest.mark.parametrize(
    ("name", "symptom"),
    [
        ("CertificateExpiringSoon", "certificate"),
        ("KubeClientCertificateExpiration", "certificate"),
        ("KubeletClientCertificateRenewalErrors", "housekeeping"),
        ("KubeCPUOvercommit", "housekeeping"),
        ("NodeClockSkewDetected", "housekeeping"),
        ("EtcdBackupFailed", "housekeeping"),
        ("backup-job-failed", "housekeeping"),
        ("KubeVersionMismatch", "housekeeping"),
        ("KubePersistentVolumeFillingUp", "housekeeping"),
        ("NodeFilesystemFilesFillingUp", "housekeeping"),
        ("DiskUsageCritical", "housekeeping"),
    ],
)
def test_what_is_to_come_or_serves_on_stays_where_it_is(name: str, symptom: str) -> None:
    assert is_contained(name, RULE)
    assert symptom_of(name, RULE) == symptom


def test_several_words_hold_in_a_row_alone() -> None:
    assert symptom_of("KubePodNotReady", RULE) == "down"
    assert symptom_of("ReadyPodsNot", RULE) == ""


@given(st.text(max_size=400))
def test_any_text_is_a_name(name: str) -> None:
    assert symptom_of(name, RULE) in {*RULE.words, *RULE.ends, ""}
    assert is_contained(name, RULE) in (True, False)
