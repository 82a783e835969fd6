"""A bad OpenAI-compatible server on loopback: it answers chat completions as badly as a test asks it to.

with HostileModel(saying("...")) as there: make_model(there.spec()); look at there.heard.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from connectors.models.spec import ModelSpec
from tests.listener import Behaviour, Handler, Listener, answering, dripping, hanging

KEY = "sk-test-0123456789abcdefghij"
_JSON = {"content-type": "application/json"}


class HostileModel(Listener):
    """`spec` names it as `openai:bad` with a base URL."""

    def __enter__(self) -> HostileModel:
        super().__enter__()
        return self

    def spec(self, timeout_s: float = 0.5) -> ModelSpec:
        return ModelSpec("openai:bad", self.base_url, SecretStr(KEY), timeout_s)

    @property
    def base_url(self) -> str:
        return self.url.removesuffix("/hook") + "/v1"

    def prompts(self) -> list[list[dict[str, Any]]]:
        """The messages of each call that it heard."""
        return [json.loads(heard.body)["messages"] for heard in self.heard]


def completion(content: object) -> bytes:
    """An answer in the form of the API, around any content."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    document = {"id": "x", "object": "chat.completion", "created": 1, "model": "bad", "choices": [choice]}
    return json.dumps(document).encode()


def saying(content: object) -> Behaviour:
    """A well-formed answer with this content."""
    return answering(200, completion(content), **_JSON)


def sentences(*texts: object, **more: object) -> Behaviour:
    """A well-formed answer of the form that the prompts ask for."""
    return saying(json.dumps({"sentences": list(texts), **more}))


def cut_off(handler: Handler) -> None:
    """Announce more than is sent, then close."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "100000")
    handler.end_headers()
    handler.wfile.write(completion("{}")[:40])


def without_end(handler: Handler) -> None:
    """As many bytes as the reader takes."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.end_headers()
    while not handler.server.closing.is_set():
        handler.wfile.write(b" " * 65_536)


def packed(handler: Handler) -> None:
    """Says that it is compressed: how much it would become is not known."""
    handler.reply(200, b"\x1f\x8b" + bytes(100), **{**_JSON, "content-encoding": "gzip"})


def redirecting(handler: Handler) -> None:
    """To an address of its own choice, where the key would go too."""
    place = f"http://127.0.0.1:{handler.server.server_port}/elsewhere"
    handler.reply(307, b"", location=place)


dripping_headers = dripping(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx: ")
dripping_body = dripping(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
silent = hanging
