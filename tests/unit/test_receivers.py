"""The routing file: what it may say, and what is said about mistakes in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.errors import RoutesError
from core.routing import parse_routes
from watchkeeper.receivers import no_receivers, read_receivers

GOOD = """
receivers:
  - name: payments-oncall
    webhook: {url: "https://hooks.example/payments", secret_env: PAYMENTS_SECRET}
  - name: everyone
    webhook: {url: "http://127.0.0.1:9000/"}
routes:
  - {match: {team: [payments], severity: [P0, P1]}, receiver: payments-oncall}
  - {receiver: everyone}
heartbeat: {url: "https://switch.example/abc", every: 45s}
"""


def test_a_good_file() -> None:
    found = read_receivers(GOOD, "routes.yaml", {"PAYMENTS_SECRET": "s3cret\n"})
    assert found.names == {"payments-oncall", "everyone"}
    assert found.unsigned == ["everyone"]
    assert found.heartbeat is not None
    assert found.heartbeat.every_ms == 45_000
    routes = parse_routes(found.routes_text)
    assert routes.receiver(team="payments", severity="P1", environment="") == "payments-oncall"
    assert routes.receiver(team="payments", severity="P2", environment="") == "everyone"


def test_addresses_and_secrets_stay_out_of_what_is_journalled_and_printed() -> None:
    found = read_receivers(GOOD, "routes.yaml", {"PAYMENTS_SECRET": "s3cret"})
    assert "hooks.example" not in found.routes_text
    assert "s3cret" not in found.routes_text + repr(found)


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("abc\n")
    text = GOOD.replace("secret_env: PAYMENTS_SECRET", f"secret_file: {tmp_path}/secret")
    assert read_receivers(text, "r", {}).receivers[0].secret == "abc"


def test_without_a_file_nobody_is_paged() -> None:
    assert parse_routes(no_receivers().routes_text).receiver(team="", severity="P0", environment="") == ""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name: everyone", "name: payments-oncall", "receivers.1.name: 'payments-oncall' is there twice"),
        ("{receiver: everyone}", "{receiver: everybody}", "routes.1.receiver: there is no receiver"),
        ("https://hooks", "ftp://hooks", "receivers.0.webhook.url"),
        ("https://hooks.example/payments", "https://", "receivers.0.webhook.url"),
        ("secret_env: PAYMENTS_SECRET", "secret_env: NOT_THERE", "NOT_THERE is not set"),
        ("secret_env: PAYMENTS_SECRET", "secret_file: /nonexistent/x", "secret_file: cannot be read"),
        ("secret_env: PAYMENTS_SECRET", "secret_env: PAYMENTS_SECRET, secret_file: x", "two secrets"),
        ("every: 45s", "every: 45", "heartbeat.every"),
        ("severity: [P0, P1]", "severity: [P9]", "routes.0.match.severity.0"),
        ("match:", "mach:", "routes.0.mach"),
    ],
)
def test_mistakes_name_file_path_and_mend(old: str, new: str, says: str) -> None:
    with pytest.raises(RoutesError) as caught:
        read_receivers(GOOD.replace(old, new), "routes.yaml", {"PAYMENTS_SECRET": "x"})
    assert says in str(caught.value)
    assert str(caught.value).startswith("routes.yaml")
    assert caught.value.mend


def test_the_example_of_the_docs_is_good(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "paging.md").read_text()
    example = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    (tmp_path / "secret").write_text("abc")
    example = re.sub(r"secret_file: \S+?(?=[},\s])", f"secret_file: {tmp_path}/secret", example)
    assert read_receivers(example, "docs", {"WATCHKEEPER_EVERYONE_SECRET": "x"}).heartbeat is not None
