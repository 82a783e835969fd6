"""Infrastructure that no rule reads: by the kind of file, said once for a change, so that nobody takes the
silence of the rules for approval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.risk.change import ChangeSet, TouchedFile
from core.risk.rules.rule import Match, RiskRule
from core.risk.rules.touched import judged, rules_of

# Of each kind: its name, a pattern of the path, one of the text ("" is that the path says all).
_KINDS: tuple[tuple[str, str, str], ...] = (
    ("Nomad", r"\.nomad(?:\.hcl)?$|(?:^|/)nomad/.{1,200}\.hcl$", ""),
    ("Packer", r"\.pkr\.(?:hcl|json)$", ""),
    ("Terragrunt", r"(?:^|/)(?:terragrunt|root)\.hcl$", ""),
    ("Terraform as JSON", r"\.tf\.json$", ""),
    ("Puppet", r"\.pp$", ""),
    ("Chef", r"(?:^|/)(?:recipes|attributes|providers)/[^/]{1,100}\.rb$", ""),
    ("Salt", r"\.sls$", ""),
    ("Jsonnet", r"\.(?:jsonnet|libsonnet)$", ""),
    ("CUE", r"\.cue$", ""),
    ("Dhall", r"\.dhall$", ""),
    (
        "Nix",
        r"(?:^|/)(?:configuration|hardware-configuration)\.nix$|(?:^|/)(?:nixos|hosts|machines)/.{1,200}\.nix$",
        "",
    ),
    ("Starlark of Tilt", r"(?:^|/)Tiltfile$", ""),
    ("Ansible", r"(?:^|/)roles/[^/]{1,100}/(?:tasks|handlers)/.{1,200}\.ya?ml$", ""),
    ("Crossplane", r"\.ya?ml$", r"(?m)^apiVersion:\s{1,9}[\"']?apiextensions\.crossplane\.io/"),
    ("Heat", r"\.ya?ml$", r"(?m)^heat_template_version:"),
    ("Helmfile", r"(?:^|/)helmfile(?:\.d/[^/]{1,100})?(?:\.ya?ml)?(?:\.gotmpl)?$", ""),
    (
        "Zone of DNS",
        r"(?:^|/)(?:db\.[\w.-]{1,100}|[\w.-]{1,100}\.zone)$",
        r"(?i)\bIN\s{1,20}SOA\b|\$ORIGIN|\$TTL",
    ),
    ("Cloud-init", r"(?:^|/)(?:user-?data|cloud-(?:init|config))[\w.-]{0,60}$", r"^#cloud-config"),
)
_PATHS = tuple((kind, re.compile(path), re.compile(text) if text else None) for kind, path, text in _KINDS)


def wanted(path: str) -> bool:
    """Whole texts are needed of few."""
    return any(text is not None and known.search(path[-400:]) for _, known, text in _PATHS)


def _matches(change: ChangeSet) -> Iterator[Match]:
    """One match, at the first: of a change in such a language there are many."""
    found = [(kind, file) for file in judged(change, lambda path: bool(path)) if (kind := _kind(file))]
    if found:
        kinds = list(dict.fromkeys(kind for kind, _ in found))
        others = f" (and {len(found) - 1:,} others)" if len(found) > 1 else ""
        said = ", ".join(kinds[:4])
        what = f"No rule reads infrastructure of this kind ({said}){others}: nothing is said of it."
        clears = "Have a person read it, or have the plan or the rendered manifests judged"
        yield Match("infra-unread", "low", what, clears, found[0][1].path)


def _kind(file: TouchedFile) -> str:
    path = file.path[-400:]
    for kind, known, text in _PATHS:
        if known.search(path) and (text is None or text.search((file.after or file.before or "")[:20_000])):
            return kind
    return ""


_rule = rules_of(_matches, wanted)

rules: tuple[RiskRule, ...] = (
    _rule(
        "infra-unread",
        "Infrastructure that no rule reads",
        "A rule that saw nothing because it could not look says nothing of the danger.",
        "NIST SP 800-218, Secure Software Development Framework, PW.7 (review of code): "
        "https://csrc.nist.gov/pubs/sp/800/218/final",
    ),
)
