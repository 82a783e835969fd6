"""The schema of rule identity: which labels say what an alert is about, and what names mean the same.

Lists that are left out are empty, so that rules of before, which knew service labels alone, mean what they
meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from core.patterns import PatternText
from core.rules.types import Rule

_NAMES = "Labels that name the "


class Identity(Rule):
    rule: Literal["identity"]
    service: tuple[str, ...] = Field(
        description="Labels that name the service, in the order in which they are tried"
    )
    workload: tuple[str, ...] = Field(
        default=(), description=_NAMES + "workload, such as its deployment; tried when none names a service"
    )
    made: tuple[str, ...] = Field(
        default=(),
        description=_NAMES + "Job or the ReplicaSet; the time or the hash at its end is left out",
    )
    pod: tuple[str, ...] = Field(
        default=(), description=_NAMES + "pod; what made it is the service when no workload is named"
    )
    container: tuple[str, ...] = Field(
        default=(), description=_NAMES + "container; tried after the pod's owner"
    )
    sidecars: tuple[str, ...] = Field(
        default=(), description="Containers that stand beside others, and never are the service"
    )
    job: tuple[str, ...] = Field(
        default=(), description=_NAMES + "scrape job; tried when nothing above names anything"
    )
    objects: tuple[str, ...] = Field(
        default=(), description="Labels that name another object, such as a volume claim; tried after the job"
    )
    namespace: tuple[str, ...] = Field(
        default=(),
        description="Labels that name the namespace of a workload, a pod, a container or an object",
    )
    exporters: tuple[str, ...] = Field(
        default=(),
        description="Jobs and services that tell of others, also as the end of a name (`eu-kubelet`): "
        "never the service of an alert that names something else",
    )
    namespaced_services: bool = Field(
        default=False,
        description="A service that a label names is one of its namespace, also where the catalogue does not "
        "list it: as where each tenant has a namespace with the same services",
    )
    shared_namespaces: tuple[str, ...] = Field(
        default=(),
        description="Namespaces of what watches others: they are no part of the name of a service there",
    )
    exporter_patterns: tuple[PatternText, ...] = Field(
        default=(), description="RE2 patterns of further exporters, each of a whole name in small letters"
    )
    exporter_jobs: tuple[PatternText, ...] = Field(
        default=(),
        description="RE2 patterns of scrape jobs, in small letters, whose `instance` is what they tell of",
    )
    node: tuple[str, ...] = Field(
        default=(), description=_NAMES + "node, which is the service when an exporter tells of nothing else"
    )
    node_exporters: tuple[str, ...] = Field(
        default=(), description="Exporters whose `instance` is what they tell of: the node, or what is probed"
    )
    targets: tuple[str, ...] = Field(
        default=(), description=_NAMES + "address that was probed, when no service is named"
    )
    things: dict[str, tuple[str, ...]] = Field(
        default={},
        description="What an alert is about that names no service, by its word, and the labels that name it",
    )
    hosts: tuple[str, ...] = Field(
        default=(), description=_NAMES + "machine, tried after `things` when no service is named"
    )
    parts: dict[str, tuple[str, ...]] = Field(
        default={}, description="As `things`, tried after `hosts`: what many of stand on one machine"
    )
    environment: tuple[str, ...] = Field(description="Labels that name the environment, such as production")
    environment_names: dict[str, tuple[str, ...]] = Field(
        default={}, description="Environments by their name, and what else they are called, in any case"
    )
    cluster: tuple[str, ...] = Field(description="Labels that name the cluster")
    account: tuple[str, ...] = Field(
        default=(),
        description=_NAMES + "account of a cloud: with the region it is the cluster where none is named",
    )
    region: tuple[str, ...] = Field(default=(), description=_NAMES + "region or the data centre")
    everywhere: tuple[str, ...] = Field(
        default=(), description="Regions that are none, such as global, in small letters"
    )
    team: tuple[str, ...] = Field(
        description="Labels that name the team, for alerts whose service the catalogue does not know"
    )
    ignored: tuple[str, ...] = Field(
        description="Labels in which replicas of one sender differ; without them it is one alert"
    )
    instance: tuple[str, ...] = Field(
        default=(), description="Labels that name the instance of a service, such as its pod"
    )

    @field_validator("environment_names")
    @classmethod
    def _one_meaning(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        seen: dict[str, str] = {}
        for name, words in value.items():
            for word in (name, *words):
                if not word.strip():
                    raise ValueError(f"an empty name under {name!r}; remove it")
                other = seen.setdefault(word.casefold(), name)
                if other != name:
                    raise ValueError(f"{word!r} is under {other!r} and {name!r}; keep one")
        return value

    @field_validator("node_exporters")
    @classmethod
    def _are_exporters(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        unknown = [one for one in value if one not in info.data.get("exporters", value)]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of `exporters`; add it there")
        return value

    @cached_property
    def deciding(self) -> frozenset[str]:
        """Labels whose values decide what an alert is about."""
        return frozenset([*self.of_service(), *self.environment, *self.place(), *self.team])

    def place(self) -> tuple[str, ...]:
        """Labels that say in which cluster it is."""
        return (*self.cluster, *self.account, *self.region)

    def of_service(self) -> Iterator[str]:
        """Labels that may say which service it is."""
        for names in (
            self.service,
            self.workload,
            self.made,
            self.pod,
            self.container,
            self.job,
            self.objects,
        ):
            yield from names
        yield from self.namespace
        yield from self.node
        yield from self.targets
        yield from self.hosts
        for named in (*self.things.values(), *self.parts.values()):
            yield from named
