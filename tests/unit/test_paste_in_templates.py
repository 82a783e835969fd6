"""The templates that the pages offer for senders without a body of their own: taken from the page, filled in
as the sender fills them in, and read by the source, whatever the values hold.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from connectors.inbound.registry import source
from core.model.events import AlertEvent, ChangeEvent, Event
from core.times import parse_rfc3339
from watchkeeper.files import builtin_mappings

PAGES = Path(__file__).parent.parent.parent / "docs" / "sources"
NOW = parse_rfc3339("2026-11-21T03:00:00Z")
# What a name or a message may hold.
NASTY = ["plain", 'a "quoted" one', "two\nlines\tand a tab", "C:\\temp\\", "50% of {{x}} $NAME *x*"]
NASTY.append("é 🔥 </script>")


def block(page: str, language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", (PAGES / f"{page}.md").read_text(), re.DOTALL)
    assert found, f"no {language} block in {page}.md"
    return str(found[0])


def read(name: str, body: str | bytes) -> Event:
    raw = body if isinstance(body, bytes) else body.encode()
    parsed = source(name, builtin_mappings()).parse({}, raw, NOW)
    assert parsed.problems == ()
    [event] = parsed.events
    return event


def alert(name: str, body: str | bytes) -> AlertEvent:
    event = read(name, body)
    assert isinstance(event, AlertEvent)
    return event


def change(name: str, body: str | bytes) -> ChangeEvent:
    event = read(name, body)
    assert isinstance(event, ChangeEvent)
    return event


def fill(template: str, pattern: str, value: Callable[[str], str]) -> str:
    """Each placeholder in its place; what stands in a value is not filled in again."""
    return re.sub(pattern, lambda match: value(match[1]), template)


def inside(text: str) -> str:
    """As senders put a text between quotation marks: escaped as JSON."""
    return json.dumps(text)[1:-1]


def kibana(**values: str) -> str:
    return fill(block("kibana", "json"), r"\{\{([\w.]+)\}\}", lambda name: inside(values.get(name, "")))


@pytest.mark.parametrize("text", NASTY)
def test_kibana(text: str) -> None:
    values = {"rule.name": text, "rule.id": "r1", "rule.tags": "service:checkout,web", "alert.id": "host-a"}
    more = {"alert.uuid": "u1", "alert.actionGroup": "query matched", "context.reason": text, "rule.url": "x"}
    event = alert("kibana", kibana(**values, **more))
    assert (event.labels["alertname"], event.labels["service"], event.status) == (text, "checkout", "firing")
    assert (event.annotations["summary"], event.occurrence, event.generator_url) == (text, "u1", "")


def test_kibana_without_a_context_as_recovered_alerts_come() -> None:
    values = {"rule.name": "5xx", "rule.id": "r1", "alert.id": "a", "alert.actionGroup": "recovered"}
    event = alert("kibana", kibana(**values))
    assert (event.status, event.labels["severity"], event.annotations) == ("resolved", "high", {})


def healthchecks(status: str, name: str, slug: str) -> str:
    values = {
        "STATUS": status,
        "NAME_JSON": json.dumps(name),
        "SLUG": slug,
        "NOW": "2026-11-21T02:00:00+00:00",
    }
    return fill(block("healthchecks", "json"), r"\$([A-Z_]+)", lambda key: values[key])


@pytest.mark.parametrize("text", NASTY)
def test_healthchecks(text: str) -> None:
    event = alert("healthchecks", healthchecks("down", text, "nightly-backup"))
    assert (event.labels["alertname"], event.labels["service"]) == (text, "nightly-backup")
    assert (event.status, event.starts_at) == ("firing", parse_rfc3339("2026-11-21T02:00:00Z"))


def test_healthchecks_of_before_slugs_and_back_up() -> None:
    event = alert("healthchecks", healthchecks("up", "backup", "$SLUG"))
    assert (event.labels["service"], event.status, event.starts_at) == ("backup", "resolved", None)


def uptimerobot(**values: str) -> str:
    """Unknown placeholders stay as they are."""
    return fill(block("uptimerobot", "json"), r"\*(\w+)\*", lambda key: inside(values.get(key, f"*{key}*")))


@pytest.mark.parametrize("text", NASTY)
def test_uptimerobot(text: str) -> None:
    body = uptimerobot(monitorFriendlyName=text, monitorID="7", alertType="1", alertDetails=text)
    event = alert("uptimerobot", body)
    assert (event.labels["alertname"], event.labels["monitor_id"], event.status) == (text, "7", "firing")
    assert (event.annotations, event.starts_at) == ({"summary": text}, None)


def librenms(**values: str) -> str:
    return fill(block("librenms", "json"), r"\{\{ \$(\w+) \}\}", lambda key: values.get(key, ""))


def test_librenms_which_escapes_nothing() -> None:
    event = alert("librenms", librenms(name="Port down", hostname="10.0.0.7", state="1", severity="critical"))
    assert (event.labels["alertname"], event.labels["service"]) == ("Port down", "10.0.0.7")
    assert event.labels["severity"] == "critical"


def argocd(template: str, app: dict[str, Any]) -> str:
    """As Go's templates do with `toJson`: what is missing is null."""
    config = yaml.safe_load(block("argocd", "yaml"))["data"]
    body = yaml.safe_load(config[f"template.{template}"])["webhook"]["watchkeeper"]["body"]

    def value(path: str) -> str:
        found: Any = {"app": app, "context": {"argocdUrl": "https://argocd.example"}}
        to_json = path.startswith("toJson ")
        for key in path.removeprefix("toJson ").strip(".").split("."):
            found = found.get(key)
        return json.dumps(found) if to_json else str(found)

    return fill(body, r"\{\{(.*?)\}\}", value)


@pytest.mark.parametrize("text", NASTY)
def test_argocd_sync(text: str) -> None:
    operation = {
        "phase": "Succeeded",
        "startedAt": "2026-11-21T02:00:00Z",
        "finishedAt": "2026-11-21T02:01:00Z",
    }
    app = {
        "metadata": {"name": "cart-eu", "labels": {"app": text, "environment": "production"}},
        "spec": {"destination": {}},
        "status": {"sync": {"revision": "4c4f40d"}, "operationState": operation},
    }
    event = change("argocd", argocd("watchkeeper-sync", app))
    assert (event.service, event.state, event.version, event.cluster) == (text, "succeeded", "4c4f40d", "")
    assert event.url == "https://argocd.example/applications/cart-eu"


def test_argocd_health_and_its_end_are_of_one_alert() -> None:
    def app(health: str) -> dict[str, Any]:
        status = {"health": {"status": health, "message": 'pod "x"\nfailed'}}
        return {
            "metadata": {"name": "cart", "namespace": "argocd"},
            "spec": {"destination": {"name": "eu1"}},
            "status": status,
        }

    firing, over = (
        alert("argocd", argocd("watchkeeper-health", app(one))) for one in ("Degraded", "Healthy")
    )
    assert (firing.status, over.status) == ("firing", "resolved")
    assert firing.labels == over.labels
    assert firing.annotations["description"] == 'pod "x"\nfailed'


def test_argocd_triggers_send_templates_that_are_there() -> None:
    config = yaml.safe_load(block("argocd", "yaml"))["data"]
    sent = {name for rule in yaml.safe_load(config["trigger.watchkeeper"]) for name in rule["send"]}
    assert sent == {name.removeprefix("template.") for name in config if name.startswith("template.")}


def jenkins(**values: Any) -> str:
    """JsonOutput.toJson of the step's map: keys of the page, values by the expression behind them."""
    step = re.search(r"toJson\(\[\n(.*?)\n  \]\)", block("jenkins", "groovy"), re.DOTALL)
    assert step
    keys = dict(re.findall(r"^ +(\w+): (.+),$", step[1], re.MULTILINE))
    assert set(values) <= set(keys)
    return json.dumps({key: values.get(key) for key in keys})


@pytest.mark.parametrize("text", NASTY)
def test_jenkins(text: str) -> None:
    body = jenkins(job="deploy", build="81", result="SUCCESS", service=text, started_at=1795226400000)
    event = change("jenkins", body)
    assert (event.service, event.state, event.ref) == (text, "succeeded", "deploy#81")
    assert event.at == parse_rfc3339("2026-11-21T02:00:00Z")


def zabbix(**values: str) -> dict[str, str]:
    """The script's parameters, with macros filled in; what Zabbix cannot resolve becomes *UNKNOWN*."""
    [media] = yaml.safe_load(block("zabbix", "yaml"))["zabbix_export"]["media_types"]
    parameters = {one["name"]: str(one["value"]) for one in media["parameters"]}
    return {
        name: fill(text, r"\{(\$?[A-Z.]+)\}", lambda macro: values.get(macro, "*UNKNOWN*"))
        for name, text in parameters.items()
    }


def scripted(parameters: dict[str, str]) -> bytes:
    """The page's script, run by node; without node the same in four lines."""
    [media] = yaml.safe_load(block("zabbix", "yaml"))["zabbix_export"]["media_types"]
    node = shutil.which("node")
    if node is None:
        kept = {name: text for name, text in parameters.items() if name not in ("url", "token")}
        return orjson.dumps({**kept, "tags": orjson.loads(kept["tags"]) if kept["tags"][:1] == "[" else []})
    around = """
        let posted = '';
        globalThis.HttpRequest = class {
            addHeader() {}
            post(url, body) { posted = body; }
            getStatus() { return 202; }
        };
        const run = new Function('value', SCRIPT);
        run(JSON.stringify(PARAMETERS));
        process.stdout.write(posted);
    """
    program = around.replace("SCRIPT", json.dumps(media["script"])).replace(
        "PARAMETERS", json.dumps(parameters)
    )
    return subprocess.run([node, "-e", program], capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("text", NASTY)
def test_zabbix(text: str) -> None:
    tags = json.dumps([{"tag": "service", "value": text}, {"tag": "env", "value": "production"}])
    values = {
        "EVENT.ID": "88",
        "EVENT.VALUE": "1",
        "EVENT.NSEVERITY": "4",
        "HOST.HOST": "db1",
        "EVENT.NAME": text,
    }
    more = {
        "TRIGGER.ID": "14",
        "TRIGGER.NAME.ORIG": "Disk of {HOST.NAME}",
        "EVENT.TAGSJSON": tags,
        "$ZABBIX.URL": "http://z",
    }
    event = alert("zabbix", scripted(zabbix(**values, **more)))
    assert (event.labels["service"], event.labels["environment"]) == (text, "production")
    assert (event.labels["alertname"], event.labels["severity"]) == ("Disk of {HOST.NAME}", "high")
    assert (event.occurrence, event.annotations["summary"], event.status) == ("88", text, "firing")
    assert event.generator_url == "http://z/tr_events.php?triggerid=14&eventid=88"


def test_zabbix_with_macros_that_it_cannot_resolve() -> None:
    event = alert(
        "zabbix", scripted(zabbix(**{"EVENT.VALUE": "0", "HOST.HOST": "db1", "TRIGGER.NAME": "Disk"}))
    )
    assert (event.status, event.labels["alertname"], event.labels["service"]) == ("resolved", "Disk", "db1")
    assert (event.occurrence, event.labels["severity"]) == ("", "warning")
    assert "trigger_id" not in event.labels


def test_zabbix_sends_neither_its_address_nor_the_token() -> None:
    body = orjson.loads(scripted({**zabbix(), "token": "hush"}))
    assert not {"url", "token"} & set(body)
