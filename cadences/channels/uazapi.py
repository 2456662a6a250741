"""WhatsApp through UAZAPI: one instance, one token, errors by their meaning."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from cadences.channels.call import (
    Reply,
    ask,
    deliver,
)
from cadences.errors import (
    AccessRefused,
    NotConfigured,
    ProviderDown,
    ProviderError,
    RateLimited,
    RequestRefused,
)
from cadences.outcomes import (
    Accepted,
    CannotTell,
    Found,
    NotFound,
    Outcome,
    Refused,
    Trace,
    Unknown,
    Why,
)
from cadences.ports import Letter, Sender, Traits, register

SOURCE = "cadences"
NOT_THERE = re.compile(
    r"not (on|in|registered|have) ?\w* ?whats ?app|not on whatsapp|isn't on whatsapp"
    r"|no(t a)? (valid )?whatsapp|invalid (phone )?number|number (is )?(not valid|invalid)"
    r"|is not registered|does(n't| not) exist",
    re.IGNORECASE,
)
OFFLINE = re.compile(
    r"client is not connected|no (active )?session|not connected|disconnected"
    r"|not logged in|banned|logged out",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """What the provider says of the instance that sends and receives for us."""

    name: str
    state: str
    connected: bool
    logged_in: bool


class Uazapi:
    """The token travels in a header and is never part of an error."""

    traits = Traits()

    def send(self, letter: Letter) -> Outcome:
        """Send a text; the correlation goes along and comes back with the echo."""
        sender = letter.sender
        if missing := _missing(sender):
            return Refused(Why.SENDER, missing, code="config")
        reply = deliver(
            sender, _url(sender, "/send/text"), headers=_headers(sender),
            body={
                "number": letter.address.lstrip("+"), "text": letter.body,
                "track_source": SOURCE, "track_id": letter.correlation,
            },
        )  # fmt: skip
        return _outcome(reply) if isinstance(reply, Reply) else reply

    def lookup(self, sender: Sender, correlation: str) -> Trace:
        """Ask for the message of this correlation; not finding it proves nothing."""
        try:
            found = self.find(
                sender, track_source=SOURCE, track_id=correlation, limit=5
            )
        except ProviderError:
            return CannotTell()
        ids = [id_of(each) for each in found if each.get("track_id") == correlation]
        return Found(ids[0]) if ids and ids[0] else NotFound()

    def check(self, sender: Sender) -> str:
        """Ask how the instance is; raises ProviderError where nothing could be sent."""
        found = self.status(sender)
        if not found.connected:
            raise ProviderDown(f"the instance {found.name} is {found.state}")
        return f"{found.name}: {found.state}"

    def status(self, sender: Sender) -> InstanceStatus:
        """Return how the instance is; raise a ProviderError if it cannot be known."""
        answer = _ask(sender, "GET", "/instance/status").body
        instance, status = _part(answer, "instance"), _part(answer, "status")
        if not instance and not status:
            raise ProviderDown("UAZAPI answered without an instance")
        connected = flag(status.get("connected"))
        return InstanceStatus(
            name=str(instance.get("name") or ""),
            state=str(instance.get("status") or _state(connected=connected)).lower(),
            connected=connected,
            logged_in=flag(status.get("loggedIn")),
        )

    def find(self, sender: Sender, **query: Any) -> list[dict[str, Any]]:
        """Return messages, newest first, as the provider writes them."""
        found = _ask(sender, "POST", "/message/find", query).body.get("messages")
        rows = found if isinstance(found, list) else []
        return [each for each in rows if isinstance(each, dict)]

    def numbers(
        self, sender: Sender, numbers: list[str]
    ) -> Iterator[tuple[str, bool, list[str]]]:
        """Yield each number with whether it is on WhatsApp, and its names there."""
        digits = [each.lstrip("+") for each in numbers]
        rows = _ask(sender, "POST", "/chat/check", {"numbers": digits}).rows
        for each in rows:
            if isinstance(each, dict) and not each.get("error"):
                names = [str(each[name]) for name in ("jid", "lid") if each.get(name)]
                yield f"+{each.get('query')}", flag(each.get("isInWhatsapp")), names


def _outcome(reply: Reply) -> Outcome:
    """Return what an answer to a send means."""
    status, said, code = reply.status, reply.said, str(reply.status)
    if reply.is_good:
        found = id_of(reply.body)
        return Accepted(found) if found else Unknown("no id in the answer", code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Refused(Why.BUSY, said, code, reply.retry_after)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        offline = OFFLINE.search(said) is not None
        return Refused(Why.SENDER, said, code) if offline else Unknown(said, code)
    return Refused(_why(status, said), said, code)


def _why(status: int, said: str) -> Why:
    """Return why a request was refused before anything was done with it."""
    if OFFLINE.search(said) or status in (
        HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN,
    ):  # fmt: skip
        return Why.SENDER
    if NOT_THERE.search(said):
        return Why.RECIPIENT
    # A redirect or a missing page: the account's address is wrong, no text is.
    is_lost = status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.NOT_FOUND
    return Why.SENDER if is_lost else Why.CONTENT


def id_of(message: dict[str, Any]) -> str:
    """Return the id that WhatsApp gave a message, however the server spells it."""
    key = message.get("key")
    found = (
        message.get("messageid")
        or message.get("messageId")
        or (key.get("id") if isinstance(key, dict) else None)
        or message.get("id")
        or ""
    )
    return str(found).rpartition(":")[2][:200] if isinstance(found, str | int) else ""


def flag(value: object) -> bool:
    """Read a boolean: some servers write them as words."""
    return value is True or str(value).lower() == "true"


def _ask(sender: Sender, method: str, path: str, body: object = None) -> Reply:
    if missing := _missing(sender):
        raise NotConfigured(missing)
    try:
        reply = ask(
            sender, method, _url(sender, path), headers=_headers(sender), body=body
        )
    except AccessRefused as error:
        raise AccessRefused(f"UAZAPI answered {error}. Check its token") from None
    except RequestRefused as error:
        raise RequestRefused(f"UAZAPI answered {error}. Check its address") from None
    except RateLimited as error:
        said = f"UAZAPI answered {error}"
        raise RateLimited(said, retry_after=error.retry_after) from None
    except ProviderDown as error:
        raise ProviderDown(f"UAZAPI: {error}") from None
    if not reply.body and not reply.rows and reply.status == HTTPStatus.OK:
        raise ProviderDown("UAZAPI answered with something that is not JSON")
    return reply


def _missing(sender: Sender) -> str:
    if not sender.base_url:
        return "the account has no address of the provider"
    return "" if sender.secret("token") else "the account has no credential: token"


def _url(sender: Sender, path: str) -> str:
    return sender.base_url.rstrip("/") + path


def _headers(sender: Sender) -> dict[str, str]:
    return {"token": sender.secret("token")}


def _part(answer: dict[str, Any], name: str) -> dict[str, Any]:
    part = answer.get(name)
    return part if isinstance(part, dict) else {}


def _state(*, connected: bool) -> str:
    return "connected" if connected else "disconnected"


uazapi = Uazapi()
register("uazapi", uazapi)
