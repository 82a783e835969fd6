"""What a name that Kubernetes made tells of who made it, and names that people gave, which stay whole."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.workloads import host_of, is_exporter, maker_of, owner_of_pod

SAFE = "bcdfghjklmnpqrstvwxz2456789"


@pytest.mark.parametrize(
    ("pod", "owner"),
    [
        ("payments-7d9f8b6c5-x2k9p", "payments"),
        ("payments-7d9f8b6c5-abcde", "payments"),
        ("shop-web-v2-5c6b7d8f94-zzzzz", "shop-web-v2"),
        ("checkout-bcdfghjkl-x2k9p", "checkout"),
        ("node-agent-x2k9p", "node-agent"),
        ("nightly-29391234-x2k9p", "nightly"),
        ("trainer-0", "trainer"),
        ("redis-6-0", "redis-6"),
        ("prometheus-k8s-1", "prometheus-k8s"),
    ],
)
def test_a_pod_names_what_made_it(pod: str, owner: str) -> None:
    assert owner_of_pod(pod) == owner


@pytest.mark.parametrize(
    "pod",
    [
        "payments",
        "payments-proxy",
        "shop-redis",
        "shop-httpd",
        "shop-https",
        "orders-mssql",
        "orders-pgsql",
        "kube-apiserver-node1",
        "backup-20261121-daily",
        "kube-proxy-10-0-0-1",
        "windows-2022",
        "my-database1-store",
        "nightly-28391-xx",
        "-x2k9p",
        "",
        "a" * 300 + "-0",
    ],
)
def test_a_name_that_people_gave_is_not_cut(pod: str) -> None:
    assert owner_of_pod(pod) == ""


def test_jobs_and_replica_sets_lose_what_their_maker_added() -> None:
    assert maker_of("nightly-29391234") == "nightly"
    assert maker_of("payments-7d9f8b6c5") == "payments"
    for name in ("migrate-orders", "report-2026", "import-1234567", "b" * 300):
        assert maker_of(name) == name


@given(
    st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z])?", fullmatch=True),
    st.text(SAFE, min_size=9, max_size=10),
    st.text(SAFE, min_size=5, max_size=5),
)
def test_every_pod_of_a_deployment_tells_it(name: str, template: str, suffix: str) -> None:
    if not template.isdigit():
        assert owner_of_pod(f"{name}-{template}-{suffix}") == name


def test_of_words_in_their_place_hardly_one_is_cut() -> None:
    words = ["api", "web", "proxy", "store", "cache", "queue", "index", "worker", "mobile", "admin", "batch"]
    draw = random.Random(7)
    names = {"-".join(draw.sample(words, draw.randint(1, 4))) for _ in range(2_000)}
    assert [name for name in names if owner_of_pod(name)] == []


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.0.0.7:9100", "10.0.0.7"),
        ("node-7", "node-7"),
        ("https://shop.example/health?x=1", "shop.example"),
        ("http://shop.example:8080/", "shop.example"),
        ("[fd00::7]:9100", "[fd00::7]"),
        ("fd00::7", "fd00::7"),
        ("", ""),
    ],
)
def test_an_address_names_its_host(address: str, host: str) -> None:
    assert host_of(address) == host


def test_exporters_are_known_by_the_end_of_their_name() -> None:
    known = ("kube-state-metrics", "kubelet")
    for name in ("kube-state-metrics", "prometheus-Kube-State-Metrics", "monitoring/kubelet"):
        assert is_exporter(name, known)
    for name in ("kube-state-metrics-ui", "mykubelet", "payments", ""):
        assert not is_exporter(name, known)
