"""In-memory notifier: the port's first implementation, for tests and for trying routes."""

from __future__ import annotations

from core.ports import Delivered, Message


class RecordingNotifier:
    """Keeps what it was given; answers from `answers` while there are any, then with success."""

    def __init__(self, answers: list[Delivered] | None = None) -> None:
        self.messages: list[Message] = []
        self._answers = list(answers or [])

    async def send(self, message: Message) -> Delivered:
        self.messages.append(message)
        return self._answers.pop(0) if self._answers else Delivered(True, "recorded")
