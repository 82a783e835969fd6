"""A notifier that keeps what it was given, for tests, trials and dry runs."""

from __future__ import annotations

from collections.abc import Iterable

from core.ports import Delivered, Message

_KEPT = Delivered(True, "kept in memory")


class RecordingNotifier:
    """`messages` holds every try in order. `answers` are given one by one, then all is well."""

    def __init__(self, answers: Iterable[Delivered] = ()) -> None:
        self.messages: list[Message] = []
        self.answers = list(answers)

    async def send(self, message: Message) -> Delivered:
        self.messages.append(message)
        return self.answers.pop(0) if self.answers else _KEPT
