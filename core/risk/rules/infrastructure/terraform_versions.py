"""What Terraform moves: to another major version, to a smaller machine, out of a second zone, and names to
other addresses.

Only what is written on both sides is compared; environments below production are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from core.risk.change import TouchedFile
from core.risk.rules.infrastructure.hcl import Block, blocks
from core.risk.rules.infrastructure.terraform_doors import Side
from core.risk.rules.infrastructure.terraform_settings import COUNTS
from core.risk.rules.rule import Match
from core.risk.rules.touched import is_lower, line_at, shown

# Of a kind, by the beginning of its type, the attribute that says the version of what it runs.
_ENGINES = (
    ("aws_db_instance", "engine_version"),
    ("aws_rds_", "engine_version"),
    ("aws_docdb_cluster", "engine_version"),
    ("aws_neptune_cluster", "engine_version"),
    ("aws_elasticache_", "engine_version"),
    ("aws_memorydb_cluster", "engine_version"),
    ("aws_opensearch_domain", "engine_version"),
    ("aws_elasticsearch_domain", "elasticsearch_version"),
    ("aws_msk_cluster", "kafka_version"),
    ("aws_mq_broker", "engine_version"),
    ("aws_eks_cluster", "version"),
    ("google_container_cluster", "min_master_version"),
    ("azurerm_kubernetes_cluster", "kubernetes_version"),
    ("google_sql_database_instance", "database_version"),
    ("google_redis_instance", "redis_version"),
    ("azurerm_postgresql_", "version"),
    ("azurerm_mysql_", "version"),
    ("azurerm_mssql_server", "version"),
    ("digitalocean_database_cluster", "version"),
    ("mongodbatlas_", "mongo_db_major_version"),
)
_CLUSTERS = ("aws_eks_cluster", "google_container_cluster", "azurerm_kubernetes_cluster")
_NUMBERS = re.compile(r"[0-9]{1,6}")
_SIZES = (
    "instance_class",
    "instance_type",
    "node_type",
    "machine_type",
    "tier",
    "vm_size",
    "size",
    "sku_name",
)
_STEPS = {"nano": 1, "micro": 2, "small": 4, "medium": 8, "large": 16, "xlarge": 32, "metal": 3_200}
_AWS_SIZE = re.compile(
    r"[\w-]{0,20}\.?[a-z][a-z0-9-]{1,12}\.([0-9]{0,3})(nano|micro|small|medium|large|xlarge|metal)"
)
_CORES = re.compile(
    r"(?:db-)?(?:custom|[a-z][0-9]{1,2}[a-z]?-(?:standard|highmem|highcpu))-([0-9]{1,4})(?:-[0-9]{1,9})?"
    r"|(?:\w{1,3}_)?standard_[a-z]{1,3}([0-9]{1,3})[\w-]{0,20}"
)
# What keeps a second one ready in another zone, and what that is when nothing is written.
_STANDBY = {
    "multi_az": ("true", ("false", "")),
    "multi_az_enabled": ("true", ("false", "")),
    "automatic_failover_enabled": ("true", ("false", "")),
    "zone_redundant": ("true", ("false", "")),
    "zone_awareness_enabled": ("true", ("false", "")),
    "availability_type": ("regional", ("zonal", "")),
}
_RECORDS = {
    "aws_route53_record": ("records", "name"),
    "google_dns_record_set": ("rrdatas",),
    "cloudflare_record": ("value", "content"),
    "cloudflare_dns_record": ("content",),
    "digitalocean_record": ("value",),
    "azurerm_dns_a_record": ("records", "target_resource_id"),
    "azurerm_dns_aaaa_record": ("records", "target_resource_id"),
    "azurerm_dns_cname_record": ("record", "target_resource_id"),
    "azurerm_dns_mx_record": ("record",),
    "azurerm_dns_ns_record": ("records",),
}
_LEADS = ("a", "aaaa", "cname", "mx", "ns", "alias", "srv")
_LONG, _TIMES = 3_600, 10
_ITEM = re.compile(r'"[^"]{0,300}"|[A-Za-z_][\w.\[\]*-]{0,200}')


def of_running(old: Side, new: Side, moved: Collection[str]) -> Iterator[Match]:
    """The matches of a resource that stays. `moved`: addresses of its folder that have another name now."""
    if not is_lower(new.path):
        yield from _engine(old, new)
        yield from _smaller(old, new)
        yield from _alone(old, new)
        yield from _name(old, new, moved)


def _match(rule: str, what: str, clears: str, new: Side, line: int, lost: str = "") -> Match:
    """`lost` is what was there before, where that is the evidence."""
    return Match(rule, "medium", shown(what), clears, new.path, line, lost or line_at(new.text, line))


def _engine(old: Side, new: Side) -> Iterator[Match]:
    name = next((name for kind, name in _ENGINES if new.block.kind.startswith(kind)), "")
    was, now = old.block.attributes.get(name), new.block.attributes.get(name)
    if was is None or now is None or was.plain == now.plain:
        return
    parts = 2 if new.block.kind in _CLUSTERS or _is_mysql(new.block, now.plain) else 1
    before, after = _major(was.plain, parts), _major(now.plain, parts)
    if len(before) == len(after) == parts and before != after:
        at_once = new.block.value("apply_immediately") == "true"
        how = ", at once and not in its window of maintenance" if at_once else ""
        back = "it does not go back" if after > before else "the older one may not read what is there"
        what = f"{new.block.address} goes from {name} {was.plain} to {now.plain}{how}; {back}."
        clears = (
            "Show that the new version ran with a copy of the data, and how to return: a snapshot, a replica."
        )
        yield _match("tf-engine-major", what, clears, new, now.line)


def _is_mysql(block: Block, version: str) -> bool:
    """Of these the second number says the major version as well."""
    engine = f"{block.value('engine')} {block.kind} {version}"
    return any(word in engine for word in ("mysql", "mariadb"))


def _major(version: str, parts: int) -> tuple[int, ...]:
    if any(sign in version for sign in "$(") or version.startswith(("var.", "local.", "data.")):
        return ()
    if version.startswith(("aws_", "module.", "each.")):
        return ()
    numbers = tuple(int(one) for one in _NUMBERS.findall(version[:60])[:parts])
    # Below 10 a version of Postgres has two numbers; that it leaves that is found by the first.
    return (
        numbers if len(numbers) == parts else (*numbers, *([0] * (parts - len(numbers)))) if numbers else ()
    )


def _smaller(old: Side, new: Side) -> Iterator[Match]:
    if any(_more(was, block) for block, was in _both(old.block, new.block)):
        return
    for block, was in _both(old.block, new.block):
        for name in _SIZES:
            before, after = was.attributes.get(name), block.attributes.get(name)
            if before is None or after is None:
                continue
            size, least = _size(before.plain), _size(after.plain)
            if size and least and least * 2 <= size:
                what = f"{new.block.address} runs on {after.plain}: half of {before.plain} or less."
                clears = "Show that the peak of the last weeks stays below it."
                yield _match("tf-capacity-down", what, clears, new, after.line)


def _more(was: Block, now: Block) -> bool:
    """Whether twice as many run as before."""
    numbers = [(was.value(name), now.value(name)) for name in COUNTS]
    known = [(int(old), int(new)) for old, new in numbers if old.isdecimal() and new.isdecimal()]
    return any(old and new >= old * 2 for old, new in known)


def _both(old: Block, new: Block) -> Iterator[tuple[Block, Block]]:
    """A block with its earlier self, and those in it by their place among those of their name."""
    yield new, old
    was: dict[tuple[str, ...], list[Block]] = {}
    for one in old.inner:
        was.setdefault(one.words, []).append(one)
    for one in new.inner:
        if left := was.get(one.words):
            yield from _both(left.pop(0), one)


def _size(text: str) -> int:
    """How large a machine is, beside others of its cloud; 0 where it is not known."""
    found = _AWS_SIZE.fullmatch(text)
    if found:
        return _STEPS[found[2]] * int(found[1] or 1)
    cores = _CORES.fullmatch(text)
    return int(cores[1] or cores[2]) if cores else 0


def _alone(old: Side, new: Side) -> Iterator[Match]:
    for block, was in _both(old.block, new.block):
        for name, (safe, lost) in _STANDBY.items():
            if was.value(name) == safe and block.value(name) in lost:
                what = f"{new.block.address} has no second one ready in another zone any more ({name})."
                clears = f"Keep `{name} = {safe}`, or say how long it may be away when a zone is lost."
                line = block.attributes[name].line if name in block.attributes else 0
                yield _match(
                    "tf-capacity-down", what, clears, new, line, line_at(old.text, was.attributes[name].line)
                )


def _name(old: Side, new: Side, moved: Collection[str]) -> Iterator[Match]:
    if not _leads(old.block) or not _leads(new.block):
        return
    clears = "Lower its TTL a day before, keep the old address answering, and show that the new one does."
    for block, was in _both(old.block, new.block):
        for name in _RECORDS[new.block.kind]:
            if name == "name" and block.words[0] != "alias":
                continue
            before, after = was.attributes.get(name), block.attributes.get(name)
            lost = _lost(before.text, after.text, moved) if before and after else set()
            if after and lost:
                what = f"{new.block.address} no longer leads to {min(lost)}; for its TTL either is seen."
                yield _match("tf-dns-changed", what, clears, new, after.line)
                return
    if long := _longer(old.block, new.block):
        what = f"{new.block.address} is kept for {long} seconds by who asks: it changes slowly now."
        yield _match("tf-dns-changed", what, clears, new, new.block.attributes["ttl"].line)


def _leads(block: Block) -> bool:
    kind = block.kind
    return kind in _RECORDS and (block.value("type") in _LEADS or kind.startswith("azurerm_"))


def _items(text: str) -> set[str]:
    return {one.strip('"${}').rstrip(".").lower() for one in _ITEM.findall(text[:4_000])}


def _lost(before: str, after: str, moved: Collection[str]) -> set[str]:
    """Addresses that are there no more. Whether a value that was written out is what stands for it now is not
    known."""
    was, now = _items(before), _items(after)
    literal = [
        not any(one.count(".") > 1 and "_" in one.partition(".")[0] for one in side) for side in (was, now)
    ]
    if literal[0] != literal[1]:
        return set()
    return {one for one in was - now if not one.startswith(tuple(f"{name.lower()}." for name in moved))}


def _longer(old: Block, new: Block) -> str:
    was, now = old.value("ttl"), new.value("ttl")
    if was.isdecimal() and now.isdecimal() and len(now) < 9:
        return now if int(now) >= max(_LONG, int(was) * _TIMES) else ""
    return ""


def record_gone(old: Side, after: dict[str, Side]) -> Iterator[Match]:
    """A name that leads nowhere any more: its record is gone, and none of its name and type is there."""
    if is_lower(old.path) or not _leads(old.block):
        return
    mine = old.block.value("name"), old.block.value("type")
    if mine[0].startswith("_") or "_domainkey" in mine[0]:
        return
    if not any((one.block.value("name"), one.block.value("type")) == mine for one in after.values()):
        what = f"{old.block.address} is gone: the name {mine[0][:100]} leads nowhere after the next apply."
        clears = "Show that nobody asks for it any more, or let it lead to what takes its place."
        evidence = line_at(old.text, old.block.line)
        yield Match("tf-dns-changed", "medium", shown(what), clears, old.path, 0, evidence)


def of_providers(file: TouchedFile) -> Iterator[Match]:
    """The matches of `tf-module-major` for providers."""
    was = dict(_providers(blocks(file.before)))
    for name, (version, line) in _providers(blocks(file.after)):
        before = _NUMBERS.search(was[name][0]) if name in was else None
        now = _NUMBERS.search(version)
        if before and now and int(now[0]) > int(before[0]):
            what = f"The provider {name} goes from version {was[name][0]} to {version}."
            clears = "Read its notes on upgrading, and show the plan: what it destroys or makes anew."
            evidence = line_at(file.after, line)
            yield Match("tf-module-major", "medium", shown(what), clears, file.path, line, evidence)


_VERSION = re.compile(r'version"?\s{0,40}=\s{0,9}"([^"]{1,100})"')


def _providers(side: list[Block]) -> Iterator[tuple[str, tuple[str, int]]]:
    held = [inner for block in side if block.words[0] == "terraform" for inner in block.inner]
    for block in held:
        for one in block.inner if block.words[0] == "required_providers" else ():
            for name, attribute in one.attributes.items():
                # Of a block in one line the first attribute holds the others.
                found = _VERSION.search(f"{name} = {attribute.text}")
                if found and (name == "version" or name == "source"):
                    yield one.words[0], (found[1], attribute.line)


# Of each rule: id, title, why it matters, where that is known from.
TOLD: tuple[tuple[str, str, str, str], ...] = (
    (
        "tf-engine-major",
        "A database or a cluster moves to another major version",
        "It is away while it is upgraded, what it no longer knows fails, and it does not go back.",
        "AWS, Upgrading the engine version: "
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Upgrading.html",
    ),
    (
        "tf-dns-changed",
        "A name leads elsewhere",
        "Who asked before goes on to the old address for its TTL, and a fault takes as long to mend.",
        "AWS, Best practices for Route 53 DNS: "
        "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/best-practices-dns.html",
    ),
)
