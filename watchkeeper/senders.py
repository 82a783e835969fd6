"""The operator's senders file: the secrets by which sources prove themselves, and limits of their own.

Secrets stay in memory; the journal never sees them. Errors name file, path and mend, and never repeat one.

    senders:
      github: {secret_file: /run/secrets/github}
      pagerduty: {secrets: [{secret_env: PAGERDUTY_NEW}, {secret_env: PAGERDUTY_OLD}]}
      sns: {topics: ["arn:aws:sns:eu-west-1:123456789012:alarms"]}
      uptimerobot: {secret_env: UPTIMEROBOT_TOKEN, max_body_bytes: 65536}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import structlog
from pydantic import Field

from connectors.inbound.registry import SOURCES
from core.errors import SourceError
from core.yamlmarks import placed
from core.yamltext import Strict, checked, read_yaml
from watchkeeper import files
from watchkeeper.gate import Gate, SnsGate
from watchkeeper.secret import SecretEntry, read_secret
from watchkeeper.settings import Settings, environment

log = structlog.get_logger("senders")


class SenderEntry(SecretEntry):
    """One sender: its secret, or several of them while one is being replaced."""

    secrets: tuple[SecretEntry, ...] = ()
    topics: tuple[str, ...] = ()
    max_body_bytes: Annotated[int, Field(gt=0)] | None = None


class SendersFile(Strict):
    """`others`: what becomes of sources that have no secret here."""

    senders: dict[str, SenderEntry] = {}
    others: Literal["believe", "refuse"] = "believe"


@dataclass(frozen=True)
class Sender:
    """What is set for one source. Without secrets (or topics) whoever reaches the address is believed."""

    name: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    topics: tuple[str, ...] = ()
    max_body_bytes: int | None = None
    refused: bool = False

    @property
    def proves_itself(self) -> bool:
        return bool(self.secrets or self.topics)


class Senders:
    """By the name of their source; one that is not in the file is a sender without a secret."""

    def __init__(self, senders: Mapping[str, Sender] | None = None, *, refuse_others: bool = False) -> None:
        self._by_name = dict(senders or {})
        self.refuse_others = refuse_others

    def of(self, name: str) -> Sender:
        sender = self._by_name.get(name) or Sender(name)
        if self.refuse_others and not sender.proves_itself:
            return replace(sender, refused=True)
        return sender

    def proving(self) -> list[str]:
        """Names of the sources that must prove themselves."""
        return sorted(name for name, sender in self._by_name.items() if sender.proves_itself)


def read_senders(text: str, where: str, environment: Mapping[str, str], known: Collection[str]) -> Senders:
    """The file's YAML `text`; `where` is its path, `known` the sources there are. Raises SourceError."""
    document = checked(SendersFile, read_yaml(text, SourceError, where), SourceError, where)
    senders = {}
    for name, entry in document.senders.items():
        if name not in known:
            mend = f"Known sources: {', '.join(sorted(known))}"
            at = placed(text, where, "senders", name)
            raise SourceError(f"senders.{name}: no source is called that", where=at, mend=mend)
        senders[name] = _sender(name, entry, where, environment)
    return Senders(senders, refuse_others=document.others == "refuse")


def known_sources(mappings: Mapping[str, str]) -> list[str]:
    """Names of all sources: ours, and those of `mappings`."""
    return sorted([*SOURCES, *mappings])


def make_senders(settings: Settings, known: Collection[str]) -> Senders:
    """Of the senders file, if there is one. Raises SourceError, InputError."""
    if settings.senders is None:
        return Senders()
    text = files.read_text(settings.senders, "senders file")
    return read_senders(text, str(settings.senders), environment(), known)


def gates(senders: Senders) -> dict[str, Gate]:
    """Senders that prove themselves by more than a secret: SNS, by certificates, where topics are allowed."""
    topics = senders.of("sns").topics
    return {"sns": SnsGate(topics)} if topics else {}


def _sender(name: str, entry: SenderEntry, where: str, environment: Mapping[str, str]) -> Sender:
    path = f"senders.{name}"
    if entry.topics and name != "sns":
        raise SourceError(f"{path}.topics: only sns has topics", where=where, mend="Take it out")
    if entry.topics and (entry.secret_file or entry.secret_env or entry.secrets):
        what = f"{path}: topics and a secret"
        raise SourceError(what, where=where, mend="Keep the topics: SNS signs by certificate")
    places = [(path, SecretEntry(secret_file=entry.secret_file, secret_env=entry.secret_env))]
    places += [(f"{path}.secrets.{place}", one) for place, one in enumerate(entry.secrets, 1)]
    secrets = [read_secret(one, at, where, environment, SourceError)[0] for at, one in places]
    return Sender(name, tuple(filter(None, secrets)), entry.topics, entry.max_body_bytes)
