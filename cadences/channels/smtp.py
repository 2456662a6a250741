"""E-mail through SMTP: every phase of the dialogue is told from the next."""

import asyncio
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from cadences.channels.compose import compose, message_id
from cadences.errors import AccessRefused, NotConfigured, ProviderDown
from cadences.outcomes import Accepted, Outcome, Refused, Unknown, Why
from cadences.ports import DEADLINE, Letter, NoLookup, Sender, Traits, register
from queues.errors import AddressRefused, NothingSent
from queues.outbound import checked

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
CONNECT_SECONDS, GOODBYE_SECONDS = 5.0, 2.0
GREYLISTED = 15 * 60.0
"""Who asks us to come back later means minutes, not seconds."""
READY, GO_AHEAD, TEMPORARY, PERMANENT = 220, 354, 400, 500
POLICY_REFUSAL = re.compile(r"\b5\.7\.\d|relay|spam|blocked|blacklist", re.IGNORECASE)
NOBODY = re.compile(r"\b5\.1\.\d|user unknown|no such user", re.IGNORECASE)
MAX_SAID = 200


class No(Exception):
    """The server refused something before the text of the message was its own."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class _Pinned(smtplib.SMTP):
    """A connection to an address that was checked, under the name it was checked for."""

    def __init__(self, address: str, host: str, us: str) -> None:
        self.address = address
        smtplib.SMTP.__init__(self, local_hostname=us, timeout=CONNECT_SECONDS)
        self._host = host  # what certificates must be made out for

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self.address, port), timeout)


class _PinnedTls(smtplib.SMTP_SSL, _Pinned):
    def __init__(self, address: str, host: str, us: str) -> None:
        self.context = ssl.create_default_context()
        _Pinned.__init__(self, address, host, us)


class Smtp(NoLookup):
    """One mailbox. The base URL says how: smtps://host, smtp+starttls://host:587."""

    traits = Traits(max_length=100_000)

    def send(self, letter: Letter) -> Outcome:
        """Send one e-mail; only from the last line of its text on is the end unknown."""
        sender = letter.sender
        if missing := _missing(sender) or _no_way_out(letter):
            return Refused(Why.SENDER, missing, code="config")
        try:
            raw = compose(letter).as_bytes()
        except (ValueError, UnicodeError) as error:
            return Refused(Why.CONTENT, str(error)[:MAX_SAID])
        return self._dispatch(letter, raw)

    def _dispatch(self, letter: Letter, raw: bytes) -> Outcome:
        """Talk to the server; what breaks before it has the text was not sent."""
        try:
            with _session(letter.sender) as server:
                _envelope(server, letter)
                return _hand_over(server, raw, message_id(letter).strip("<>"))
        except No as no:
            return no.refusal
        except AddressRefused as error:
            return Refused(Why.SENDER, str(error), code="address")
        except (OSError, smtplib.SMTPException, NothingSent) as error:
            return Refused(Why.NOT_SENT, f"{type(error).__name__}: {error}"[:MAX_SAID])

    def check(self, sender: Sender) -> str:
        """Greet and sign in, and send nothing; raises ProviderError."""
        if missing := _missing(sender):
            raise NotConfigured(missing)
        try:
            with _session(sender) as server:
                return f"{server.noop()[0]}"
        except No as no:
            raise AccessRefused(f"{no.refusal.code} {no.refusal.detail}") from None
        except (OSError, smtplib.SMTPException, NothingSent, AddressRefused) as error:
            raise ProviderDown(f"{type(error).__name__}: {error}") from None


@contextmanager
def _session(sender: Sender) -> Iterator[smtplib.SMTP]:
    """Connect, greet, encrypt and sign in; hang up at the deadline whatever happens."""
    url = urlsplit(sender.base_url)
    server = _connected(url, us=sender.identifier.rpartition("@")[2])
    guard = threading.Timer(DEADLINE, _hang_up, [server])
    guard.start()
    with closing(server):
        try:
            server.ehlo_or_helo_if_needed()
            if url.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            _sign_in(server, sender)
            yield server
            _part(server)
        finally:
            guard.cancel()


def _connected(url: SplitResult, *, us: str) -> smtplib.SMTP:
    host, port = url.hostname or "", url.port or PORTS[url.scheme]
    found = checked(host, port, allow_private=settings.PROVIDERS_ALLOW_PRIVATE)
    last: Exception = NothingSent(f"{host}: no address")
    for address in asyncio.run(found):
        kind = _PinnedTls if url.scheme == "smtps" else _Pinned
        server = kind(address, host, us)
        try:
            code, said = server.connect(host, port)
        except (OSError, smtplib.SMTPException) as error:
            server.close()
            last = error
            continue
        if code != READY:
            server.close()
            raise No(_temporary_or(Why.SENDER, code, said))
        if server.sock is not None:
            server.sock.settimeout(DEADLINE)
        return server
    raise last


def _part(server: smtplib.SMTP) -> None:
    """Say goodbye; what was said before stands, whatever comes back."""
    if server.sock is not None:
        server.sock.settimeout(GOODBYE_SECONDS)
    with suppress(OSError, smtplib.SMTPException):
        server.quit()


def _hang_up(server: smtplib.SMTP) -> None:
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)


def _sign_in(server: smtplib.SMTP, sender: Sender) -> None:
    user, password = sender.secret("username"), sender.secret("password")
    if not user:
        return
    try:
        server.login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        # What it says may repeat what we said.
        refusal = _temporary_or(Why.SENDER, error.smtp_code, b"sign-in refused")
        raise No(refusal) from None


def _envelope(server: smtplib.SMTP, letter: Letter) -> None:
    """Name sender and recipient; a refusal of either is certain."""
    code, said = server.mail(letter.sender.identifier)
    if code >= TEMPORARY:
        raise No(_temporary_or(Why.SENDER, code, said))
    code, said = server.rcpt(letter.address)
    if code >= TEMPORARY:
        text = _text(said)
        why = Why.SENDER if POLICY_REFUSAL.search(text) else Why.RECIPIENT
        raise No(_temporary_or(why, code, said))


def _hand_over(server: smtplib.SMTP, raw: bytes, message_id: str) -> Outcome:
    """Send the text; after its first byte only an answer is certain."""
    code, said = server.docmd("DATA")
    if code != GO_AHEAD:
        return _temporary_or(Why.CONTENT, code, said)
    try:
        server.send(_dotted(raw))
        code, said = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Unknown(f"{type(error).__name__}: {error}"[:MAX_SAID])
    if code < TEMPORARY:
        return Accepted(message_id)
    nobody = NOBODY.search(_text(said)) is not None
    return _temporary_or(Why.RECIPIENT if nobody else Why.CONTENT, code, said)


def _dotted(raw: bytes) -> bytes:
    """Return a text as DATA wants it: CRLF, dots doubled, a dot at the end."""
    lines = re.sub(rb"\r?\n", b"\r\n", raw)
    body = re.sub(rb"(?m)^\.", b"..", lines)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _temporary_or(why: Why, code: int, said: bytes) -> Refused:
    text, word = _text(said), str(code)
    if code < PERMANENT:
        return Refused(Why.BUSY, text, word, retry_after=GREYLISTED)
    return Refused(why, text, word)


def _text(said: Any) -> str:
    raw = said if isinstance(said, bytes) else str(said).encode()
    return " ".join(raw.decode(errors="replace").split())[:MAX_SAID]


def _missing(sender: Sender) -> str:
    try:
        url = urlsplit(sender.base_url)
        known = url.scheme in PORTS and bool(url.hostname) and url.port != 0
    except ValueError:
        known = False
    if not known:
        return "the account has no address such as smtp+starttls://host:587"
    return "" if "@" in sender.identifier else "the account has no address to send from"


def _no_way_out(letter: Letter) -> str:
    return "" if letter.unsubscribe else "PUBLIC_URL is not set: no way to unsubscribe"


register("smtp", Smtp())
