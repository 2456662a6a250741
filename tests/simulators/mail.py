"""A mail server on a real socket: mailboxes, and a refusal or a cut at any phase."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.processes import free_port

USER, PASSWORD = "sales", "mail-password-123"
CUT = "cut"
"""The answer that is none: the connection ends."""


class Simulator:
    """What reached the mailboxes. `says` holds what a phase answers instead, in order."""

    def __init__(self) -> None:
        self.ledger: list[tuple[str, EmailMessage]] = []
        self.says: dict[str, list[str]] = {}
        self.phases: list[str] = []
        self.delay = 0.0
        self.port = 0

    def counts(self) -> Counter[str]:
        """Count what arrived by execution."""
        ids = (mail["Message-ID"] for _, mail in self.ledger)
        return Counter(each.strip("<>").partition(".")[0] for each in ids)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str,
        options: list[str],
    ) -> str:  # fmt: skip
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self._answer("mail", server, "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str,
        options: list[str],
    ) -> str:  # fmt: skip
        envelope.rcpt_tos.append(address)
        return self._answer("rcpt", server, "250 OK")

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail; a cut comes after that, and so does a wait."""
        waiting = self.says.get("data", [""])
        if not waiting or not waiting[0] or waiting[0] == CUT:
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.ledger += [(address, mail) for address in envelope.rcpt_tos]
        await asyncio.sleep(self.delay)
        return self._answer("data", server, "250 queued")

    def _answer(self, phase: str, server: SMTP, usual: str) -> str:
        self.phases.append(phase)
        waiting = self.says.get(phase) or [usual]
        word = waiting.pop(0) if self.says.get(phase) else usual
        if word == CUT:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return word or usual

    def sign_in(self, *args: Any) -> AuthResult:
        """Let in whoever knows the password."""
        data = args[-1]
        right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False)


@contextmanager
def mail(tls: ssl.SSLContext | None = None) -> Iterator[Simulator]:
    """Serve on a free port of the loopback interface until the block ends."""
    simulator = Simulator()
    controller = Controller(
        simulator, hostname="127.0.0.1", port=free_port(), authenticator=simulator.sign_in,
        auth_require_tls=False, ssl_context=tls, ready_timeout=30,
    )  # fmt: skip
    controller.start()
    try:
        simulator.port = controller.port
        yield simulator
    finally:
        controller.stop()
