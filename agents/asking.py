"""Asking a chat model: what is sent, and an answer in time or an exception.

What goes out are the prompt's words and facts as JSON, with secrets taken out. Foreign text is only ever a
value in that JSON, whose `<` and whose letters beyond ASCII are written as escapes, so that nothing in it
can end the data.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from agents.answers import MAX_CHARS, Unusable
from agents.redaction import redacted_json
from agents.waiting import in_thread, in_time

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

BEGIN, END = "<facts>", "</facts>"
# Nothing listens to a call: what is asked about an incident goes to the model alone.
CONFIG: Mapping[str, Any] = {"callbacks": []}


def as_data(value: Mapping[str, Any]) -> str:
    """The facts between their marks."""
    text = json.dumps(redacted_json(value), ensure_ascii=True, separators=(",", ":"))
    return f"{BEGIN}\n{text.replace('<', chr(92) + 'u003c')}\n{END}"


async def ask(model: BaseChatModel, prompt: str, data: Mapping[str, Any], seconds: float) -> str:
    """Its answer as text. Raises TimeoutError, Unusable, and whatever the model raises."""
    from langchain_core.messages import HumanMessage, SystemMessage

    messages = [SystemMessage(prompt), HumanMessage(as_data(data))]
    if _is_blocking(model):
        call: Callable[[], Any] = partial(model.invoke, messages, dict(CONFIG))  # type: ignore[arg-type]
        answer = await in_thread(call, seconds)
    else:
        answer = await in_time(model.ainvoke(messages, dict(CONFIG)), seconds)  # type: ignore[arg-type]
    return _text(answer.content)


def _is_blocking(model: BaseChatModel) -> bool:
    """It has no asynchronous half of its own."""
    from langchain_core.language_models.chat_models import BaseChatModel

    names = ("ainvoke", "_agenerate", "_astream")
    return all(getattr(type(model), name) is getattr(BaseChatModel, name) for name in names)


def _text(content: Any) -> str:
    """Of a message's content: a text, or a list of blocks of which some are text."""
    blocks = content if isinstance(content, list) else [content]
    parts = [block.get("text") if isinstance(block, dict) else block for block in blocks]
    texts = [part for part in parts if isinstance(part, str)]
    if sum(map(len, texts)) > MAX_CHARS:
        raise Unusable(f"answered more than {MAX_CHARS} characters")
    return "".join(texts)
