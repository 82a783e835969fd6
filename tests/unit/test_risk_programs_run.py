"""Schedules, secrets that are printed, SQL in programs of Go, Java and Kotlin, large descriptions of APIs,
and what the policy asks for among examples."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.risk.assess import assess
from core.risk.change import ChangeSet
from core.risk.known import Known
from core.risk.policy import Policy
from core.risk.rules import RULES
from core.risk.rules.api.openapi_spec import operations
from core.risk.rules.delivery.ci import rules as ci_rules
from core.risk.rules.rule import Match
from core.risk.rules.settings.configuration import rules as configuration_rules
from core.risk.rules.settings.schedules import rules as schedule_rules
from core.risk.rules.settings.secrets import rules as secret_rules
from core.risk.rules.sql.compiled import read_compiled
from core.risk.rules.sql.frameworks import kind_of
from core.risk.rules.sql.locks import sql_matches
from evals.risk.corpus import Case, CaseFile, change_of

GO, JAVA = "db/migrations/0004_x.go", "src/main/java/db/migration/V4__X.java"


def one(path: str, before: str | None, after: str | None) -> ChangeSet:
    return change_of(Case("x", True, (), (CaseFile(path, before, after),)))


def found(rules: tuple, change: ChangeSet) -> list[Match]:  # type: ignore[type-arg]
    return [match for rule in rules for match in rule.find(change, Known())]


def faster(path: str, before: str, after: str) -> bool:
    return bool(found(schedule_rules, one(path, before, after)))


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("k8s/a.yaml", 'schedule: "@hourly"\n', 'schedule: "* * * * *"\n'),
        ("k8s/a.yaml", "schedule: 0 3 * * *\n", 'schedule: "*/1 * * * *"  # all day\n'),
        ("k8s/a.yaml", 'schedule: "0 3 * * MON"\n', 'schedule: "0-59 3 * * MON-FRI"\n'),
        ("etc/cron.d/shop", "0 3 * * * root /opt/x\n", "* 3 * * * root /opt/x\n"),
        ("config/schedule.rb", "every :hour do\n", "every :minute do\n"),
        ("shop/celery.py", '"schedule": timedelta(hours=1)\n', '"schedule": timedelta(seconds=30)\n'),
        ("infra/main.tf", 'schedule = "rate(1 hour)"\n', 'schedule = "rate(1 minute)"\n'),
        ("infra/main.tf", 'schedule = "cron(0 3 * * ? *)"\n', 'schedule = "cron(* * * * ? *)"\n'),
        ("src/Job.java", '@Scheduled(cron = "0 0 3 * * *")\n', '@Scheduled(cron = "0 * * * * *")\n'),
    ],
)
def test_what_runs_every_minute_now_is_told_and_the_way_back_is_not(
    path: str, before: str, after: str
) -> None:
    assert faster(path, before, after)
    assert not faster(path, after, before)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("k8s/a.yaml", 'schedule: "*/2 * * * *"\n', 'schedule: "* * * * *"\n'),
        ("k8s/a.yaml", 'schedule: "0 * * * *"\n', 'schedule: "*/5 * * * *"\n'),
        ("k8s/dev/a.yaml", 'schedule: "0 * * * *"\n', 'schedule: "* * * * *"\n'),
        ("k8s/a.yaml", "a: 1\n", 'a: 1\nschedule: "* * * * *"\n'),
        ("ops/crontab", "# 0 3 * * * /opt/x\n", "# * * * * * /opt/x\n"),
        ("ops/crontab", "0 3 * * * /opt/x\nA=1\n", "A=1\n* * * * * /opt/x\n"),
        ("shop/celery.py", '"schedule": crontab(hour=3, minute=0)\n', '"schedule": crontab(minute=NIGHT)\n'),
    ],
)
def test_what_is_new_or_hardly_more_often_is_not(path: str, before: str, after: str) -> None:
    assert not faster(path, before, after)


def printed(script: str) -> list[str]:
    lines = "".join(f"          {line}\n" for line in script.split("\n"))
    text = f"""on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - env: {{T: "${{{{ secrets.T }}}}", PLAIN: x}}
        run: |
{lines}"""
    change = one(".github/workflows/a.yml", None, text)
    return [match.level for match in found(ci_rules, change) if match.rule == "ci-secret-printed"]


@pytest.mark.parametrize(
    ("script", "levels"),
    [
        ("echo ${{ secrets.X }} | base64", ["high"]),
        ('echo "$T" \\\n  | rev', ["high"]),
        ('echo "$T" |\n  xxd -p', ["high"]),
        ('base64 <<< "$T"', ["high"]),
        ("echo \"$T\" | sed 's/./& /g' 2>/dev/null", ["high"]),
        ('echo "$T" | base64 -d | tee key', ["high"]),
        ('echo "$T" | openssl base64', ["high"]),
        ("true && echo '${{ toJSON(secrets) }}' | base64", ["high"]),
        ('echo "$T"', ["low"]),
        ('echo "$T" >&2', ["low"]),
        ('echo "$T" | docker login -u x --password-stdin', []),
        ('echo "$T" | base64 -d > key', []),
        ('X=$(echo "$T" | base64)', []),
        ('echo "::add-mask::$T"', []),
        ('echo "t=$T" >> $GITHUB_OUTPUT', []),
        ("echo '$T' | base64", []),
        ('echo "$PLAIN" | base64', []),
        ("echo ${{ secrets.X != '' }}", []),
        ('if echo "$T" | grep -q x; then true; fi', []),
    ],
)
def test_a_secret_that_is_printed(script: str, levels: list[str]) -> None:
    assert printed(script) == levels


@pytest.mark.parametrize("value", ["<key>", "{key}", "${KEY}", "$(Key)", "***", "A" * 86 + "=="])
def test_placeholders_of_azure_are_no_secrets(value: str) -> None:
    text = f"a: AccountName=x;AccountKey={value};\nb: SharedAccessKeyName=y;SharedAccessKey={value}\n"
    assert found(secret_rules, one("config/prod.yaml", None, text)) == []


def test_a_directive_of_nginx_is_told_with_its_block() -> None:
    before = "server {\n  location /a { read_timeout 60s; }\n  location /b { read_timeout 60s; }\n}\n"
    after = before.replace("/a { read_timeout 60s", "/a { read_timeout 6s")
    (match,) = found(configuration_rules, one("nginx/a.conf", before, after))
    assert match.what == "read_timeout (server location /a) goes from 60s to 6s: 10 times smaller."
    assert match.line == 2


def ran(text: str, path: str = GO) -> list[tuple[str, int]]:
    return [
        (one.rule, one.line) for one in sql_matches(one_new(path, text)) if one.rule != "sql-lock-timeout"
    ]


def one_new(path: str, text: str) -> ChangeSet:
    return one(path, None, text)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ('tx.Exec("DROP TABLE " + name)', [("sql-drop-table", 1)]),
        ('tx.Exec(fmt.Sprintf("DROP TABLE %s", name))', [("sql-drop-table", 1)]),
        ("q := `\nTRUNCATE a`\ntx.Exec(q)", [("sql-truncate", 3)]),
        ('for _, q := range []string{"DROP TABLE a"} { tx.Exec(q) }', [("sql-drop-table", 1)]),
        ("tx.Exec(load(name))", [("sql-unread", 1)]),
        ("package m", [("sql-unread", 1)]),
        ('tx.Migrator().DropColumn(&Order{}, "note")', [("sql-drop-column", 1)]),
        ('func downX() error { tx.Exec("DROP TABLE a") }\ntx.Exec("CREATE TABLE b (x int)")', []),
        (
            'goose.AddMigration(up, back)\nfunc back() { tx.Exec("DROP TABLE a") }\ntx.Exec("SELECT 1")',
            [],
        ),
        ('log.Print("DROP TABLE a")\ntx.Exec("CREATE TABLE b (x int)")', []),
    ],
)
def test_sql_of_a_program(text: str, rules: list[tuple[str, int]]) -> None:
    assert ran(text) == rules


def test_a_program_elsewhere_is_no_migration_unless_it_says_so() -> None:
    text = 's.execute("DROP TABLE a");'
    assert kind_of("src/main/java/db/migration/Cleaner.java", text) == ""
    assert (
        kind_of("src/main/java/db/migration/X.java", f"class X extends BaseJavaMigration {text}")
        == "compiled"
    )
    assert kind_of("internal/store/0004_x.go", text) == ""


HOSTILE = {
    "nested": "Exec(" * 50_000,
    "added": 'a.Exec(x);"DROP TABLE a"' + '+"DROP TABLE a"' * 15_000,
    "named": 'const A = "' + "DROP TABLE a;" * 8_000 + '"\n' + "s.Exec(A)\n" * 10_000,
    "back": "func down() {}\n" * 15_000,
    "comments": 'Exec("' + "--x" * 60_000 + '")',
    "quotes": "`" * 200_000,
    "assigned": "s = " * 70_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_programs_end_and_are_told(text: str) -> None:
    for path in (GO, JAVA):
        got = read_compiled(text, "postgres", path)
        assert got.cut or got.hits or got.statements


WORDS = (
    "Exec",
    "(",
    ")",
    '"DROP TABLE a"',
    "`",
    '"""',
    "+",
    "func",
    "down",
    "{",
    "}",
    "=",
    ":",
    ";",
    "\n",
    ".",
    ",",
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)))
def test_no_text_raises(text: str) -> None:
    lines = text.count("\n") + 1
    for path in (GO, JAVA):
        assert all(
            1 <= each.line <= each.end <= lines for each in read_compiled(text, "postgres", path).statements
        )
    for path in ("ops/crontab", "k8s/cron.yaml", "nginx/a.conf"):
        found((*schedule_rules, *configuration_rules), one(path, f"schedule {text}", f"* * * * * {text}"))
    assert set(printed(text.replace("\r", ""))) <= {"low", "high"}


def opening(level: int) -> str:
    reference = f"{{$ref: '#/components/schemas/P{level + 1}'}}"
    return f"    P{level}: {{properties: {{{', '.join(f'{name}: {reference}' for name in 'abcdefghij')}}}}}\n"


def described(schemas: str) -> str:
    return f"""openapi: 3.0.0
paths:
  /a:
    post:
      requestBody:
        content:
          application/json:
            schema: {{$ref: '#/components/schemas/P0'}}
components:
  schemas:
{schemas}"""


def test_a_schema_without_an_end_is_read_by_its_whole_levels() -> None:
    read = operations(described("".join(map(opening, range(9)))))
    assert read is not None
    (operation,) = read.values()
    (fields,) = operation.body.values()
    assert operation.cut
    assert (fields.whole, len(fields)) == (3, 1 + 10 + 100 + 1_000)


def test_a_schema_inside_of_itself_is_read_whole() -> None:
    read = operations(described("    P0: {properties: {a: {$ref: '#/components/schemas/P0'}}}\n"))
    assert read is not None
    (operation,) = read.values()
    assert not operation.cut
    assert [set(fields) for fields in operation.body.values()] == [{"", "a"}]


def test_the_policy_asks_for_migrations_among_examples() -> None:
    files = (
        CaseFile("examples/live/migrations/0001_x.sql", None, "DROP TABLE orders;\n"),
        CaseFile("examples/dead/migrations/0001_x.sql", None, "DROP TABLE orders;\n"),
    )
    change = change_of(Case("x", True, (), files))
    assert assess(change, Known(), Policy(), RULES).level is None
    said = assess(change, Known(), Policy(judge=("examples/live/",)), RULES)
    told = [match.path for match in said.matches if match.rule == "sql-drop-table"]
    assert told == ["examples/live/migrations/0001_x.sql"]
