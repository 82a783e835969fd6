"""Which service an alert is about, and in which environment: through the real source and the real engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.config import Config
from core.errors import RuleError
from core.identify import Identify
from core.rules.loader import parse_rules, rule_in
from tests.timeline import SHOP, Timeline, alert, change
from watchkeeper.files import rules_content

KSM = {"job": "kube-state-metrics", "instance": "10.2.3.4:8080"}
NODES = {"job": "node-exporter", "namespace": "monitoring", "pod": "prometheus-node-exporter-x2k9p"}
POD = "payments-7d9f8b6c5-x2k9p"


def told(starts: float, labels: dict[str, str]) -> dict[str, Any]:
    one = alert("", "KubePodNotReady", starts=starts)
    return {**one, "labels": {**one["labels"], **labels}}


def service(catalogue: str | None = None, **labels: str) -> str:
    t = Timeline(catalogue)
    t.push(0, told(0, labels))
    [incident] = t.incidents()
    return str(incident["alerts"][0]["service"])


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({**KSM, "namespace": "ml", "pod": "trainer-0", "container": "app"}, "ml/trainer"),
        ({**KSM, "namespace": "ml", "statefulset": "trainer", "pod": "other-0"}, "ml/trainer"),
        ({**KSM, "namespace": "etl", "job_name": "nightly-29391234"}, "etl/nightly"),
        ({**KSM, "namespace": "shop", "pod": "bare", "container": "istio-proxy"}, "shop/bare"),
        ({**KSM, "namespace": "shop", "pod": "bare", "container": "web"}, "shop/web"),
        ({**KSM, "persistentvolumeclaim": "data-db-0", "namespace": "shop"}, "shop/data-db-0"),
        ({**KSM, "node": "worker-7"}, "worker-7"),
        ({**KSM, "pod": "kube-state-metrics-7d9f8b6c5-x2k9p", "exported_pod": POD}, "payments"),
        ({"job": "pushgateway", "exported_job": "billing-run"}, "billing-run"),
        ({**NODES, "instance": "10.0.0.7:9100"}, "10.0.0.7"),
        ({"job": "blackbox", "instance": "https://shop.example/health"}, "shop.example"),
        ({"service": "kps-kube-state-metrics", "deployment": "web", "namespace": "shop"}, "shop/web"),
        ({"service": "web", "job": "kubelet", "pod": POD, "namespace": "shop"}, "web"),
        ({"service": "web", "job": "web", "pod": POD, "namespace": "shop"}, "web"),
        ({"job": "orders-api"}, "orders-api"),
        # They are down themselves: nothing else is named.
        (KSM, "kube-state-metrics"),
        (
            {"job": "node-exporter", "namespace": "monitoring", "service": "kps-node-exporter"},
            "kps-node-exporter",
        ),
        (
            {**KSM, "pod": "kube-state-metrics-7d9f8b6c5-x2k9p", "namespace": "monitoring"},
            "kube-state-metrics",
        ),
        ({"node": "worker-7"}, "worker-7"),
    ],
)
def test_an_exporter_is_not_the_service_of_what_it_tells(labels: dict[str, str], found: str) -> None:
    assert service(**labels) == found


def test_a_name_that_the_catalogue_knows_wins() -> None:
    assert service(SHOP, **KSM, namespace="shop", pod=POD, container="app") == "payments"
    assert service(SHOP, **KSM, namespace="any", deployment="unknown", container="payments") == "payments"
    assert service(SHOP, service="frontdoor", deployment="frontend") == "frontend"
    listed = "services: [{name: kube-state-metrics}, {name: web, aliases: [shop/web-v2]}]"
    assert service(listed, **KSM, namespace="shop", deployment="web-v2") == "web"
    assert service(listed, **KSM, namespace="blog", deployment="web-v2") == "blog/web-v2"
    assert service(listed, **KSM, pod=POD) == "payments"


CLAIM = {**KSM, "persistentvolumeclaim": "data-payments-db-0", "namespace": "shop"}


@pytest.mark.parametrize(
    ("services", "found"),
    [
        ("{name: payments-db}", "payments-db"),
        ("{name: db}, {name: payments}", "db"),
        ("{name: shop/payments-db}", "shop/payments-db"),
        ("{name: ledger, aliases: [payments-db]}", "ledger"),
        # The same service by two names, and a namesake elsewhere.
        ("{name: payments-db, aliases: [db]}", "payments-db"),
        ("{name: payments-db}, {name: db, namespace: blog}", "payments-db"),
        # What is left when the number goes, as operators name claims that have no template.
        ("{name: data-payments-db}", "data-payments-db"),
        # Two could be meant, or none.
        ("{name: payments-db}, {name: db}", "shop/data-payments-db-0"),
        ("{name: payments}, {name: data}", "shop/data-payments-db-0"),
        ("{name: payments-db, namespace: blog}", "shop/data-payments-db-0"),
        ("{name: payments-db-0}", "shop/data-payments-db-0"),
    ],
)
def test_a_volume_claim_is_of_the_one_service_that_the_catalogue_knows(services: str, found: str) -> None:
    assert service(f"services: [{services}]", **CLAIM) == found


def test_a_volume_claim_of_no_stateful_set_is_itself() -> None:
    listed = "services: [{name: payments-db}, {name: uploads}]"
    for claim in ("payments-db-data", "data-payments-db", "data-payments-db-1234", "10-0-0-1"):
        assert service(listed, **{**CLAIM, "persistentvolumeclaim": claim}) == f"shop/{claim}"
    assert service(listed, **{**CLAIM, "persistentvolumeclaim": "uploads"}) == "uploads"
    assert service(None, **CLAIM) == "shop/data-payments-db-0"


def test_a_volume_with_errors_joins_the_errors_of_its_service() -> None:
    t = Timeline("services: [{name: payments-db}, {name: search}]")
    t.push(0, alert("payments-db"))
    broken = {"alertname": "KubePersistentVolumeErrors", **CLAIM}
    t.push(20, told(20, broken))
    assert groups(t) == [{"payments-db"}]


def test_an_entry_of_another_namespace_is_another_workload() -> None:
    listed = "services: [{name: payments, namespace: shop}]"
    assert service(listed, **KSM, namespace="shop", pod=POD) == "payments"
    assert service(listed, **KSM, namespace="blog", pod=POD) == "blog/payments"
    assert service(listed, service="payments", namespace="blog") == "blog/payments"
    assert service(listed, service="payments", namespace="shop") == "payments"
    assert service("services: [{name: payments}]", service="payments", namespace="blog") == "payments"


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"job": "node", "instance": "10.0.0.1:9100"}, "10.0.0.1"),
        ({"job": "windows", "instance": "win1:9182"}, "win1"),
        ({"job": "integrations/node_exporter", "instance": "db-7"}, "db-7"),
        ({"job": "snmp", "instance": "sw-1", "ifName": "Gi0/1"}, "sw-1"),
        ({"job": "blackbox-http", "instance": "https://shop.example/health"}, "shop.example"),
        (
            {"job": "blackbox", "instance": "blackbox-exporter:9115", "target": "https://a.example/"},
            "a.example",
        ),
        ({"job": "kafka-exporter", "instance": "10.2.3.4:9308", "topic": "orders"}, "topic orders"),
        ({"job": "kafka-exporter", "instance": "kafka-exporter:9308"}, "kafka-exporter"),
        ({"job": "mysqld-exporter", "instance": "db-orders:9104"}, "db-orders"),
        ({"job": "postgres_exporter", "instance": "db-1:9187", "datname": "shop"}, "db-1"),
        ({"job": "postgres_exporter", "instance": "localhost:9187", "datname": "shop"}, "database shop"),
        # Where the exporter is a pod, its address is its own.
        (
            {"job": "redis-exporter", "instance": "10.2.3.4:9121", "pod": "redis-exporter-7d9f8b6c5-x2k9p"},
            "redis-exporter",
        ),
        ({"job": "cloudwatch", "dbinstance_identifier": "orders", "instance": "cw:9106"}, "database orders"),
        ({"job": "cloudwatch", "instance": "cw:9106"}, "cloudwatch"),
        ({"job": "telegraf", "host": "win2"}, "win2"),
        ({"job": "x509-certificate-exporter", "secret_name": "shop-tls"}, "certificate shop-tls"),
        # Without a job, too.
        ({"instance": "10.9.9.9:9100"}, "10.9.9.9"),
        ({"queue": "mails"}, "queue mails"),
        ({"severity": "info"}, ""),
        # A service that is called so, and a job that is no exporter's.
        ({"service": "node", "instance": "10.0.0.1:80"}, "node"),
        ({"job": "orders-api", "instance": "10.0.0.1:80"}, "orders-api"),
    ],
)
def test_an_alert_that_names_no_service_is_about_a_machine_or_a_thing(
    labels: dict[str, str], found: str
) -> None:
    assert service(**labels) == found


def test_what_the_catalogue_names_is_a_service_whatever_it_is_called() -> None:
    listed = "services: [{name: node}, {name: invoice-exporter}, {name: orders-db}]"
    assert service(listed, job="node", instance="10.0.0.1:80") == "node"
    assert service(listed, job="invoice-exporter", instance="10.0.0.1:80") == "invoice-exporter"
    assert service(listed, job="cloudwatch", dbinstance_identifier="orders-db") == "orders-db"
    assert service(listed, job="postgres_exporter", instance="orders-db:9187") == "orders-db"
    assert service(listed, job="windows", instance="10.0.0.1:80") == "10.0.0.1"


def test_machines_of_one_job_are_apart_and_alerts_of_one_are_together() -> None:
    t = Timeline()
    for at, (name, host) in enumerate(
        [("A", "10.0.0.1"), ("B", "10.0.0.2"), ("C", "10.0.0.1"), ("D", "db-7")]
    ):
        t.push(at * 20, told(at * 20, {"alertname": name, "job": "node", "instance": f"{host}:9100"}))
    assert sorted(groups(t), key=sorted) == [{"10.0.0.1"}, {"10.0.0.2"}, {"db-7"}]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"cluster": "eu-1", "region": "eu-west-1"}, "eu-1"),
        ({"k8s.cluster.name": "eu-1"}, "eu-1"),
        ({"k8s_cluster_name": "eu-1"}, "eu-1"),
        ({"kube_cluster_name": "eu-1"}, "eu-1"),
        ({"account": "111", "region": "us-east-1"}, "111/us-east-1"),
        ({"account_id": "111", "region": "global"}, "111"),
        ({"cloud.account.id": "p-1", "cloud.region": "us-central1"}, "p-1/us-central1"),
        ({"datacenter": "eu1"}, "eu1"),
        ({"zone": "us-east-1a"}, ""),
        ({"region": ""}, ""),
    ],
)
def test_where_no_cluster_is_named_account_and_region_are_it(labels: dict[str, Any], found: str) -> None:
    t = Timeline()
    t.push(0, alert("checkout", **labels))
    assert t.incidents()[0]["alerts"][0]["cluster"] == found


def test_accounts_and_regions_keep_apart_as_clusters_do() -> None:
    t = Timeline()
    places = [("111", "eu-west-1"), ("222", "eu-west-1"), ("111", "us-east-1"), ("111", "eu-west-1")]
    for at, (account, region) in enumerate(places):
        t.push(at, alert("checkout", f"Alarm{at}", starts=at, account=account, region=region))
    assert sorted(len(incident["alerts"]) for incident in t.incidents()) == [1, 1, 2]


def test_namespaces_that_are_the_services_own_keep_apart() -> None:
    def joined(*places: dict[str, Any], catalogue: str | None = None) -> int:
        t = Timeline(catalogue, rules=rules)
        for at, place in enumerate(places):
            t.push(at, alert("api", f"Alert{at}", starts=at, **place))
        return len(t.incidents())

    [(name, shipped)] = [one for one in rules_content(None)["files"].items() if "identity" in one[0]]
    rules = {name: shipped.replace("namespaced_services: false", "namespaced_services: true")}

    a: dict[str, Any] = {"namespace": "tenant-a"}
    b: dict[str, Any] = {"namespace": "tenant-b"}
    assert joined(a, b) == 2
    assert joined(a, a) == joined(a, {}) == 1
    assert joined(a, {"namespace": "monitoring"}) == 1
    assert joined(a, {"namespace": "monitoring", "exported_namespace": "tenant-a"}) == 1
    assert joined({**a, "job": "blackbox"}, {**b, "job": "blackbox"}) == 1
    assert joined(a, b, catalogue="services: [{name: api}]") == 1
    assert joined(a, b, catalogue="services: [{name: api, namespace: tenant-a}]") == 2


def test_a_change_counts_where_nobody_tells_the_place() -> None:
    def changes(deploy: dict[str, Any], labels: dict[str, Any]) -> tuple[int, str]:
        t = Timeline()
        t.changed(0, change("payments", -60, version="2", **deploy))
        t.push(1, alert("payments", **labels))
        [incident] = t.incidents()
        return len(incident["changes"]), incident["questions"]["what_changed"]["answer"]

    assert changes({"environment": "production"}, {})[0] == 1
    assert "payments 2 in production 60 s before" in changes({"environment": "production"}, {})[1]
    assert changes({"cluster": "eu"}, {"env": "prod"})[0] == 1
    count, said = changes({"environment": "staging"}, {"env": "prod"})
    assert (count, said) == (
        0,
        "No change here in the 60 min before was reported, only a deploy of payments in staging.",
    )
    assert "only a deploy of payments in cluster us" in changes({"cluster": "us"}, {"cluster": "eu"})[1]


def test_a_change_of_two_places_joins_no_alerts_across_them() -> None:
    t = Timeline()
    t.changed(0, change("payments", -60, version="2", environment="production"))
    t.push(1, alert("payments", "A"))
    t.push(2, alert("payments", "B", env="prod"))
    assert [len(incident["changes"]) for incident in t.incidents()] == [1, 1]


def test_workloads_that_one_exporter_tells_of_stay_apart() -> None:
    t = Timeline(SHOP)
    pods = (("blog", "wordpress-7d9f8b6c5-x2k9p"), ("ml", "trainer-0"), ("a", "db-0"), ("b", "db-0"))
    for at, (namespace, pod) in enumerate(pods):
        t.push(at, told(at, {**KSM, "namespace": namespace, "pod": pod}))
    assert len(t.incidents()) == 4


def test_a_crashing_pod_and_the_errors_of_its_caller_are_one_incident() -> None:
    t = Timeline(SHOP)
    crash = {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": POD, "container": "app"}
    t.push(0, told(0, {**KSM, **crash}))
    t.push(20, alert("checkout", starts=20))
    [incident] = t.incidents()
    assert {one["service"] for one in incident["alerts"]} == {"payments", "checkout"}


def test_rules_of_before_know_service_labels_alone() -> None:
    names = next(name for name, text in rules_content(None)["files"].items() if "rule: identity" in text)
    old = (
        "{rule: identity, summary: Old., service: [service, job], environment: [env], cluster: [],"
        " team: [], ignored: []}"
    )
    t = Timeline(SHOP, rules={names: old})
    t.push(0, told(0, {**KSM, "pod": POD, "env": "prod"}))
    [one] = t.incidents()[0]["alerts"]
    assert (one["service"], one["environment"]) == ("kube-state-metrics", "prod")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("prod", "production"),
        ("PRD", "production"),
        ("Production", "production"),
        ("stg", "staging"),
        ("dev", "development"),
        ("qa", "test"),
        ("eu-lab", "eu-lab"),
        ("", ""),
    ],
)
def test_an_environment_has_one_name(said: str, name: str) -> None:
    t = Timeline()
    t.push(0, alert("web", environment=said))
    assert t.incidents()[0]["alerts"][0]["environment"] == name


def test_alerts_deploys_and_routes_of_one_environment_meet_whatever_they_call_it() -> None:
    routes = "routes: [{match: {environment: [prd]}, receiver: day}, {receiver: other}]"
    t = Timeline(SHOP, routes=routes)
    t.changed(0, change("payments", -60, version="2", environment="live"))
    t.push(1, alert("payments", env="prod"))
    t.push(2, alert("checkout", environment="production"))
    t.wait(200)
    [incident] = t.incidents()
    assert {one["environment"] for one in incident["alerts"]} == {"production"}
    assert [one["environment"] for one in incident["changes"]] == ["production"]
    assert {one["receiver"] for one in t.decisions("notify")} == {"day"}


def test_what_the_catalogue_calls_an_environment_is_its_name() -> None:
    def found(said: str, *listed: str) -> str:
        entries = ", ".join(f"{{name: web, environment: {one}}}" for one in listed)
        identify = Identify(Config({"rules": rules_content(None), "catalogue": f"services: [{entries}]"}))
        return identify.entity("default", {"service": "web", "env": said}).environment

    assert found("production", "prod") == "prod"
    assert found("PRD", "prod") == "prod"
    assert found("production", "prod", "production") == "production"
    assert found("prod", "prod", "production") == "prod"
    assert found("prd", "prod", "production") == "production"


def test_documents_of_the_operator_may_use_other_names_of_an_environment() -> None:
    config = Config({"rules": rules_content(None), "levels": "set: [{level: 2, environment: prod}]"})
    assert [one.environment for one in config.levels.set] == ["production"]
    config.put("catalogue", "services: [{name: web, environment: prd}]")
    assert [one.environment for one in config.levels.set] == ["prd"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (
            "environment_names: {production: [prod], staging: [PROD]}",
            "'PROD' is under 'production' and 'staging'",
        ),
        ("environment_names: {production: ['']}", "an empty name under 'production'"),
        ("node_exporters: [mine]", "'mine' is none of `exporters`"),
        ("exporterz: [mine]", "did you mean `exporters`"),
    ],
)
def test_faults_of_the_rule_are_told(line: str, fault: str) -> None:
    base = "service: []\nenvironment: []\ncluster: []\nteam: []\nignored: []"
    with pytest.raises(RuleError) as caught:
        rule_in(f"rule: identity\nsummary: Mine.\n{base}\n{line}\n", "identity.yaml")
    assert fault in f"{caught.value.what} {caught.value.mend}"


def test_the_shipped_rule_names_no_word_twice() -> None:
    rule = parse_rules(rules_content(None)["files"]).identity
    assert set(rule.node_exporters) <= set(rule.exporters)
    for names in (rule.exporters, rule.sidecars, tuple(rule.of_service())):
        assert len(names) == len(set(names))
    assert [name for name in rule.exporters if name != name.lower()] == []


def pod(second: float, name: str = "KubePodCrashLooping", namespace: str = "shop") -> dict[str, Any]:
    return told(second, {**KSM, "alertname": name, "namespace": namespace, "pod": POD})


def groups(t: Timeline) -> list[set[str]]:
    return [{one["service"] for one in incident["alerts"]} for incident in t.incidents()]


EMPTY = "services: []\n"


@pytest.mark.parametrize("turned", [False, True])
def test_without_a_catalogue_pods_and_their_service_are_one(turned: bool) -> None:
    t = Timeline(EMPTY)
    both = [pod(10), alert("payments", "HighErrorRate", starts=20)]
    for second, one in enumerate(reversed(both) if turned else both):
        t.push(30 + second, one)
    assert groups(t) == [{"shop/payments", "payments"}]
    assert "are one, where no catalogue tells them apart" in json.dumps(t.incidents())


def test_two_namespaces_stay_two() -> None:
    t = Timeline(EMPTY)
    t.push(0, pod(0))
    t.push(10, pod(10, namespace="blog"))
    assert sorted(groups(t), key=sorted) == [{"blog/payments"}, {"shop/payments"}]


def test_a_catalogue_that_lists_another_namespace_keeps_them_apart() -> None:
    t = Timeline("services:\n  - {name: payments, namespace: shop}\n")
    t.push(0, alert("payments", "HighErrorRate", starts=0))
    t.push(10, pod(10, namespace="blog"))
    assert sorted(groups(t), key=sorted) == [{"blog/payments"}, {"payments"}]


@pytest.mark.parametrize("turned", [False, True])
def test_without_a_catalogue_a_deploy_is_found_on_its_pods(turned: bool) -> None:
    t = Timeline(EMPTY)
    deploy = change("payments", 0, version="2.4.0")
    sent = [lambda at: t.changed(at, deploy), lambda at: t.push(at, pod(30))]
    for at, send in enumerate(reversed(sent) if turned else sent, start=40):
        send(at)
    [incident] = t.incidents()
    assert [one["service"] for one in incident["changes"]] == ["payments"]
    assert "recent-change" in {finding["kind"].replace("_", "-") for finding in incident["findings"]}
