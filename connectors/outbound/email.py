"""E-mail by SMTP: plain text with an HTML alternative, one thread for each incident.

Nothing that came from alerts or people can become a header, a recipient or markup: headers are one line each,
the addresses are the operator's alone, the HTML is escaped text. A try ends in time whatever the server does,
and neither addresses nor the password show in what is said of it.
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from html import escape
from typing import Literal, NamedTuple, TypeVar

from core.narrative.page import reason_base, said_first, titled
from core.narrative.plain import one_line
from core.narrative.said import link_of
from core.narrative.weblink import url_host
from core.ports import Delivered, Message

Security = Literal["starttls", "tls", "none"]
Made = TypeVar("Made")
_OUTSIDE = (smtplib.SMTPException, OSError, UnicodeError, ValueError)
_TOKEN = re.compile(r"[^A-Za-z0-9.-]+", re.ASCII)


class Mailbox(NamedTuple):
    """Where mail is handed in, from whom and to whom. No `username`: no login. `ca_file`: whom to trust."""

    host: str
    port: int
    security: Security
    sender: str
    to: tuple[str, ...]
    username: str = ""
    password: str = ""
    ca_file: str = ""


class EmailNotifier:
    """Implements core.ports.Notifier. `timeout` (seconds) covers a whole try."""

    def __init__(self, mailbox: Mailbox, timeout: float = 20.0) -> None:
        self._mailbox, self._timeout = mailbox, timeout

    async def send(self, message: Message) -> Delivered:
        try:
            handing = _Handing(self._mailbox, letter(self._mailbox, message), self._timeout)
        except _OUTSIDE as error:
            return Delivered(False, f"the mail cannot be made ({type(error).__name__})")
        try:
            async with asyncio.timeout(self._timeout):
                return await _in_thread(handing.over)
        except TimeoutError:
            return Delivered(False, f"no answer within {self._timeout:g} s")
        except _OUTSIDE as error:
            return self._refused(error)
        finally:
            handing.drop()

    def _refused(self, error: Exception) -> Delivered:
        """Only what is said of this mail and its recipients is final: a login can be mended meanwhile."""
        match error:
            case smtplib.SMTPRecipientsRefused():
                codes = sorted(code for code, _ in error.recipients.values())
                said = f"SMTP {codes[0]}: no recipient is accepted"
                return Delivered(False, said, 500 <= codes[0] < 600)
            case smtplib.SMTPAuthenticationError():
                return Delivered(False, f"SMTP {error.smtp_code}: the login is refused")
            case smtplib.SMTPResponseException() if error.smtp_code > 0:
                of_mail = isinstance(error, (smtplib.SMTPDataError, smtplib.SMTPSenderRefused))
                return Delivered(False, self._said(error), of_mail and 500 <= error.smtp_code < 600)
            case ssl.SSLError():
                return Delivered(False, one_line(f"no secure connection ({error.reason})"))
            case ConnectionRefusedError():
                return Delivered(False, "cannot connect: refused")
        return Delivered(False, f"no usable answer ({type(error).__name__})")

    def _said(self, error: smtplib.SMTPResponseException) -> str:
        """The server's words, without the addresses that servers like to repeat."""
        raw = error.smtp_error
        words = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else str(raw)
        for private in (*self._mailbox.to, self._mailbox.sender, self._mailbox.password):
            words = words.replace(private, "…") if private else words
        return one_line(f"SMTP {error.smtp_code}: {words}")


class _Handing:
    """One letter on its way to the server, in a thread; `drop` ends it from outside."""

    def __init__(self, mailbox: Mailbox, mail: EmailMessage, timeout: float) -> None:
        self._mailbox, self._mail = mailbox, mail
        self._server = _server(mailbox, timeout)

    def over(self) -> Delivered:
        try:
            return self._over()
        finally:
            self._server.close()

    def drop(self) -> None:
        """From another thread. A server that drips answers each read in time, and would never end."""
        found = self._server.sock
        if found is not None:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    def _over(self) -> Delivered:
        box, server = self._mailbox, self._server
        self._connect()
        if box.security == "starttls":
            server.starttls(context=_trust(box))
        if box.username:
            server.login(box.username, box.password)
        refused = server.send_message(self._mail, box.sender, box.to)
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
        count = f"{len(box.to) - len(refused)} of {len(box.to)} recipients" if refused else "accepted"
        return Delivered(True, f"SMTP 250: {count}")

    def _connect(self) -> None:
        """The constructor, given a host, would connect before there is anything to drop."""
        box, server = self._mailbox, self._server
        server._host = box.host  # type: ignore[attr-defined]
        code, words = server.connect(box.host, box.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)


def _server(mailbox: Mailbox, timeout: float) -> smtplib.SMTP:
    """Not connected yet. Our own name would be looked up; an address literal is always right."""
    if mailbox.security == "tls":
        return smtplib.SMTP_SSL(local_hostname="[127.0.0.1]", timeout=timeout, context=_trust(mailbox))
    return smtplib.SMTP(local_hostname="[127.0.0.1]", timeout=timeout)


def letter(mailbox: Mailbox, message: Message) -> EmailMessage:
    """The mail of a page: the same page gives the same mail, with the same Message-ID."""
    incident, mail = message.incident, EmailMessage(policy=SMTP)
    domain = mailbox.sender.rpartition("@")[2]
    thread = f"<{_token(str(incident['id']))}@{domain}>"
    opened = reason_base(message.reason) == "opened"
    mail["Subject"] = _subject(message)
    mail["From"] = f"Watchkeeper <{mailbox.sender}>"
    mail["To"] = ", ".join(mailbox.to)
    mail["Date"] = formatdate(message.at / 1_000)
    mail["Message-ID"] = thread if opened else f"<{_token(message.decision)}@{domain}>"
    if not opened:
        mail["In-Reply-To"] = mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    text = message.text.encode("utf-8", errors="replace").decode("utf-8")
    # Not every server takes 8-bit lines, or long ones.
    mail.set_content(text, cte="quoted-printable")
    page = _html(text, str(incident.get("url", "")), _runbook(message))
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    return mail


def _subject(message: Message) -> str:
    incident = message.incident
    title = f"{incident.get('severity', '')} {titled(incident) or incident['id']}"
    happened = reason_base(message.reason).replace("_", " ")
    return one_line(f"[{one_line(title, 160)}] {incident['id']}: {happened}", 240)


def _runbook(message: Message) -> str:
    said = said_first(message.incident)
    return link_of(said, "runbook") if said else ""


def _html(text: str, url: str, runbook: str) -> str:
    """Each line escaped; what can be followed is the link to our own page, and the runbook that the alert
    names, shown with its host."""
    lines = [escape(line) for line in text.split("\n") if line and line != url]
    body = "<br>\n".join(lines)
    head = '<!doctype html>\n<html><head><meta charset="utf-8"></head>\n'
    told = _link(runbook, f"The alert's runbook, the sender's link ({url_host(runbook)})") if runbook else ""
    return f"{head}<body><p>{body}</p>{_link(url, url)}{told}</body></html>\n"


def _link(url: str, words: str) -> str:
    if not url.startswith(("https://", "http://")):
        return ""
    return f'<p><a href="{escape(url, quote=True)}">{escape(words)}</a></p>'


def _token(text: str) -> str:
    return _TOKEN.sub("-", text)[:120]


def _trust(mailbox: Mailbox) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=mailbox.ca_file or None)


async def _in_thread(work: Callable[[], Made]) -> Made:
    """Its result, or what it raised. A thread that nobody waits for at the end: a look-up of a name cannot
    be broken off."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Made] = loop.create_future()

    def settle(result: Made | None, fault: BaseException | None) -> None:
        if answer.done():
            return
        if fault is not None:
            answer.set_exception(fault)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            told = (work(), None)
        except Exception as fault:  # noqa: BLE001 - the outermost of a thread: it is raised where it is waited for
            told = (None, fault)  # type: ignore[assignment]
        with suppress(RuntimeError):  # The loop may have closed in between.
            loop.call_soon_threadsafe(settle, *told)

    threading.Thread(target=run, name="e-mail", daemon=True).start()
    return await answer
