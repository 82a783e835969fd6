"""A real SMTP server on loopback that takes mail, or behaves as badly as a test asks it to.

with SmtpSink() as there: send to there.port, look at there.mails. `answers` maps a command (`RCPT`, `DATA`,
`body` for what follows the mail, `hello` for the banner) to a reply, or to a list used up one by one; `HANG`
never answers, `DRIP` answers without end.
"""

from __future__ import annotations

import socketserver
import ssl
import threading
from base64 import b64decode
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple, cast

HANG, DRIP = "hang", "drip"
Answers = dict[str, str | list[str]]
_USUAL = {
    "hello": "220 sink.example ESMTP", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on",
    "body": "250 taken", "RSET": "250 ok", "QUIT": "221 bye",
}  # fmt: skip


class Mail(NamedTuple):
    sender: str
    to: list[str]
    raw: bytes
    secure: bool
    login: str

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def name(self) -> str:
        """What its Message-ID begins with."""
        return str(self.message["message-id"])[1:].partition("@")[0]

    def part(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


class Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.sender, self.login, self.secure = "", "", self.server.tls_at_once
        self.to: list[str] = []
        if self.server.tls_at_once:
            self._secure()
        self._say("hello")
        while line := self.rfile.readline(10_000):
            self.server.lines.append(line.decode("latin-1").rstrip())
            word = line.split(None, 1)[0].upper().decode("latin-1") if line.strip() else ""
            if word == "QUIT":
                self._say("QUIT")
                return
            self._command(word, line.decode("latin-1").strip())

    def finish(self) -> None:
        """TLS put another socket in the place of the one that the server closes."""
        super().finish()
        self.connection.close()

    def _command(self, word: str, line: str) -> None:
        if word in ("EHLO", "HELO"):
            offers = ["sink.example", "AUTH PLAIN", *(["STARTTLS"] if self.server.context else [])]
            rows = [f"250{'-' if n + 1 < len(offers) else ' '}{one}" for n, one in enumerate(offers)]
            self.wfile.write("\r\n".join([*rows, ""]).encode())
        elif word == "STARTTLS":
            self.wfile.write(b"220 go on\r\n")
            self._secure()
        elif word == "AUTH":
            self.login = b64decode(line.split()[2]).decode().replace("\0", " ").strip()
            self._say("AUTH", "235 welcome")
        elif word == "MAIL":
            self.sender, self.to = line.partition("<")[2].partition(">")[0], []
            self._say("MAIL")
        elif word == "RCPT":
            if self._say("RCPT").startswith("250"):
                self.to.append(line.partition("<")[2].partition(">")[0])
        elif word == "DATA" and self._say("DATA").startswith("354"):
            self._body()
        elif word not in ("DATA",):
            self._say(word, "250 ok")

    def _body(self) -> None:
        raw = b""
        while (line := self.rfile.readline(10_000)) not in (b".\r\n", b""):
            raw += line[1:] if line.startswith(b"..") else line
        mail = Mail(self.sender, self.to, raw, self.secure, self.login)
        # Kept before it is answered for: a sender that has the answer may look at once.
        self.server.tries.append(mail)
        if (answer := self.server.answer("body")).startswith("250"):
            self.server.mails.append(mail)
        self._write(answer)

    def _secure(self) -> None:
        assert self.server.context is not None
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), cast(Any, self.connection.makefile("wb", 0))
        self.secure = True

    def _say(self, what: str, usual: str = "") -> str:
        answer = self.server.answer(what, usual)
        self._write(answer)
        return answer

    def _write(self, answer: str) -> None:
        if answer == HANG:
            self.server.closing.wait(30)
        elif answer == DRIP:
            while not self.server.closing.wait(0.02):
                self.wfile.write(b"2")
        else:
            self.wfile.write(f"{answer}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self, answers: Answers, context: ssl.SSLContext | None, tls_at_once: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.context, self.tls_at_once = answers, context, tls_at_once
        self.mails: list[Mail] = []
        self.tries: list[Mail] = []
        self.lines: list[str] = []
        self.closing = threading.Event()

    def answer(self, what: str, usual: str = "") -> str:
        given = self.answers.get(what)
        if isinstance(given, list):
            given = given.pop(0) if given else None
        return given or usual or _USUAL.get(what, "502 what?")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client went away in the middle: what these tests make it do."""


class SmtpSink:
    def __init__(
        self, answers: Answers | None = None, context: ssl.SSLContext | None = None, tls_at_once: bool = False
    ) -> None:
        self._server = Server(answers or {}, context, tls_at_once)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port = int(self._server.server_address[1])
        self.mails, self.tries, self.lines = self._server.mails, self._server.tries, self._server.lines
        self.answers = self._server.answers

    def __enter__(self) -> SmtpSink:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
