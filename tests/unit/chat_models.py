"""Chat models of the tests' own: real langchain-core models without a network behind them.

A test that lets one be called is marked `real_model`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

Answer = Callable[[list[BaseMessage]], Any]


def _result(content: Any) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=AIMessage(content))])


class Blocking(BaseChatModel):
    """Has no asynchronous half: `answer` gets the messages and may block."""

    answer: Answer

    @property
    def _llm_type(self) -> str:
        return "blocking"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return _result(self.answer(messages))


class Speaking(Blocking):
    """The same, asynchronous."""

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return _result(self.answer(messages))


class Stubborn(Blocking):
    """Ignores its cancellation until it is `released`."""

    released: Any

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        while not self.released.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return _result("too late")


class Sleeping(Blocking):
    """Never answers; counts the calls that were cancelled."""

    cancelled: list[int] = []

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.append(1)
        raise AssertionError


class Resigning(Blocking):
    """Ends itself as cancelled, while nobody cancelled it."""

    async def ainvoke(self, *args: Any, **kwargs: Any) -> AIMessage:
        raise asyncio.CancelledError


class Parrot(Blocking):
    """Made by name, as an operator would."""

    model: str
    mood: str = ""
    base_url: str = ""
    api_key: Any = None
    answer: Answer = str

    def __repr__(self) -> str:
        return f"Parrot({self.model})"


class Picky(Parrot):
    def __init__(self, **given: Any) -> None:
        raise RuntimeError(f"cannot do with {given}")


def hanging(until: threading.Event) -> Answer:
    def hang(messages: list[BaseMessage]) -> str:
        until.wait(30)
        return "{}"

    return hang
