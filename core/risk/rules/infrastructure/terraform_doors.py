"""What of Terraform the whole world can reach: firewalls, public data, and the variables that open them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.risk.change import TouchedFile
from core.risk.rules.infrastructure.hcl import Attribute, Block, blocks, whole_file
from core.risk.rules.rule import Match
from core.risk.rules.touched import is_lower, line_at

_WORLD = re.compile(r'"(?:0\.0\.0\.0/0|::/0|\*|Internet|any)"', re.IGNORECASE)
# The world in two halves, of either version of the protocol.
_HALVES = (('"0.0.0.0/1"', '"128.0.0.0/1"'), ('"::/1"', '"8000::/1"'))
_NETWORKS = re.compile(r"(?i)(?:cidr|ingress|inbound|allow|source|whitelist|trusted|admin)")
# Meant for everybody, or for the way out.
_NOT_INSIDE = re.compile(r"(?i)(?:egress|outbound|public|web|http|alb|elb|lb|cdn|vpc|subnet|destination)")
_WEB = frozenset({"80", "443"})
_PUBLIC = (
    ("publicly_accessible", "true"),
    ("block_public_acls", "false"),
    ("block_public_policy", "false"),
    ("restrict_public_buckets", "false"),
    ("acl", "public-read"),
    ("acl", "public-read-write"),
    ("allow_blob_public_access", "true"),
    ("allow_nested_items_to_be_public", "true"),
    ("member", "allusers"),
    ("member", "allauthenticatedusers"),
)


class Side(NamedTuple):
    """A resource with its file."""

    path: str
    text: str | None
    block: Block


def opened(old: Side | None, new: Side) -> Iterator[Match]:
    was = _doors(old.block) if old else {}
    for (rule, place), (line, what) in _doors(new.block).items():
        if (rule, place) not in was:
            clears = (
                "Name the networks that need it, or put it behind a load balancer or a private address."
                if rule == "tf-open-to-world"
                else "Keep it private, and give access to the few who need it."
            )
            yield Match(rule, "high", what, clears, new.path, line, line_at(new.text, line))


def _doors(resource: Block) -> dict[tuple[str, str], tuple[int, str]]:
    """What of a resource the whole world can reach: (rule, what it is) to (line, sentence)."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for block in resource.below():
        for name, one in block.attributes.items():
            if _is_inbound(resource, block, name) and _is_world(one.text) and not _only_web(resource, block):
                ports = _ports(resource, block)
                what = f"{resource.address} lets the whole internet in ({ports})."
                found["tf-open-to-world", f"{name} {ports}"] = (one.line, what)
            if (name, one.plain) in _PUBLIC:
                what = f"{resource.address} becomes reachable for everybody ({name} = {one.plain})."
                found["tf-public-data", name] = (one.line, what)
    return found


def _is_inbound(resource: Block, block: Block, name: str) -> bool:
    kind = resource.kind
    if name in ("cidr_blocks", "ipv6_cidr_blocks"):
        return block.words[0] == "ingress" or (
            kind == "aws_security_group_rule" and resource.value("type") == "ingress"
        )
    if name in ("cidr_ipv4", "cidr_ipv6"):
        return kind == "aws_vpc_security_group_ingress_rule"
    if name == "source_ranges":
        return (
            kind == "google_compute_firewall"
            and resource.value("direction") != "egress"
            and not any(one.words[0] == "deny" for one in resource.inner)
        )
    if name == "source_address_prefix":
        return block.value("direction") == "inbound" and block.value("access") == "allow"
    return False


def _ports(resource: Block, block: Block) -> str:
    """The ports in words."""
    start, end = block.value("from_port"), block.value("to_port")
    ports = [one.text for inner in resource.inner if (one := inner.attributes.get("ports"))]
    if resource.kind == "google_compute_firewall":
        return f"ports {' '.join(ports)}" if ports else "all ports"
    if "source_address_prefix" in block.attributes:
        return f"ports {block.value('destination_port_range') or '?'}"
    if block.value("protocol") == "-1" or block.value("ip_protocol") == "-1" or (start, end) == ("0", "0"):
        return "all ports"
    return f"port {start}" if start == end else f"ports {start} to {end}"


def _only_web(resource: Block, block: Block) -> bool:
    numbers = re.findall(r"[0-9]{1,5}(?:\s{0,3}-\s{0,3}[0-9]{1,5})?", _ports(resource, block))
    return bool(numbers) and set(numbers) <= _WEB and "to" not in _ports(resource, block)


def _is_world(text: str) -> bool:
    return _WORLD.search(text) is not None or any(all(half in text for half in one) for one in _HALVES)


def opened_by_variable(file: TouchedFile) -> Iterator[Match]:
    """Networks that are let in by what a variable holds when nothing else is said, or a file of values."""
    before, after = _values(file, file.before), _values(file, file.after)
    for name, value in after.items():
        was = before.get(name)
        if was is None or not _is_world(value.text) or _is_world(was.text) or is_lower(file.path):
            continue
        if _NETWORKS.search(name) and not _NOT_INSIDE.search(name):
            what = f"{name} is the whole internet from now on, wherever it lets networks in."
            clears = "Name the networks that need it."
            evidence = line_at(file.after, value.line)
            yield Match("tf-open-to-world", "high", what, clears, file.path, value.line, evidence)


def _values(file: TouchedFile, text: str | None) -> dict[str, Attribute]:
    if file.path.lower().endswith(".tfvars"):
        return whole_file(text).attributes
    named = (block for block in blocks(text) if block.words[0] == "variable" and len(block.words) == 2)
    return {block.words[1]: block.attributes["default"] for block in named if "default" in block.attributes}
