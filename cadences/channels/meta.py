"""WhatsApp through Meta's Cloud API: texts within 24 hours, else approved templates."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from cadences.channels.call import (
    Reply,
    ask,
    deliver,
)
from cadences.channels.meta_codes import is_known, meaning
from cadences.errors import NotConfigured, ProviderError
from cadences.outcomes import Accepted, Outcome, Refused, Unknown, Why
from cadences.ports import Letter, NoLookup, Sender, Traits, register

GRAPH = "https://graph.facebook.com/v21.0"
MARK = "exec:"
"""Before the correlation in what Meta hands back with every status."""


class Meta(NoLookup):
    """One phone number id; Meta has no look-up, its statuses bring the correlation."""

    traits = Traits(needs_template_first=True)

    def send(self, letter: Letter) -> Outcome:
        """Send a text or an approved template."""
        sender = letter.sender
        if missing := _missing(sender):
            return Refused(Why.SENDER, missing, code="config")
        reply = deliver(
            sender, f"{_home(sender)}/messages", headers=_headers(sender),
            body={
                "messaging_product": "whatsapp", "recipient_type": "individual",
                "to": letter.address.lstrip("+"), **_content(letter),
                "biz_opaque_callback_data": f"{MARK}{letter.correlation}",
            },
        )  # fmt: skip
        return _outcome(reply) if isinstance(reply, Reply) else reply

    def check(self, sender: Sender) -> str:
        """Ask for our number's name; raises ProviderError."""
        if missing := _missing(sender):
            raise NotConfigured(missing)
        try:
            told = ask(sender, "GET", _home(sender), headers=_headers(sender)).body
        except ProviderError as error:
            error.args = (f"Meta: {error}",)
            raise
        return str(told.get("verified_name") or told.get("display_phone_number") or "")


def _content(letter: Letter) -> dict[str, Any]:
    if not letter.template:
        return {"type": "text", "text": {"body": letter.body, "preview_url": False}}
    template: dict[str, Any] = {
        "name": letter.template,
        "language": {"code": letter.language or "pt_BR"},
    }
    if letter.parameters:
        said = [{"type": "text", "text": each} for each in letter.parameters]
        template["components"] = [{"type": "body", "parameters": said}]
    return {"type": "template", "template": template}


def _outcome(reply: Reply) -> Outcome:
    """Return what an answer to a send means."""
    if reply.is_good:
        found = _id(reply.body)
        status = str(reply.status)
        return Accepted(found) if found else Unknown("no id in the answer", status)
    told = reply.body.get("error")
    number = told.get("code") if isinstance(told, dict) else None
    code = number if isinstance(number, int) else -1
    word = str(reply.status if code < 0 else code)
    why = meaning(code) if is_known(code) else _by_status(reply.status)
    if why is None:
        return Unknown(reply.said, word)
    return Refused(why, reply.said, word, reply.retry_after)


def _by_status(status: int) -> Why | None:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Why.SENDER
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Why.BUSY
    return None if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Why.CONTENT


def _id(body: dict[str, Any]) -> str:
    messages = body.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    found = first.get("id") if isinstance(first, dict) else None
    return found[:200] if isinstance(found, str) else ""


def _missing(sender: Sender) -> str:
    if not sender.config.get("phone_number_id"):
        return "the account has no setting: phone_number_id"
    if not sender.secret("access_token"):
        return "the account has no credential: access_token"
    return ""


def _home(sender: Sender) -> str:
    base = (sender.base_url or GRAPH).rstrip("/")
    return f"{base}/{quote(str(sender.config['phone_number_id']), safe='')}"


def _headers(sender: Sender) -> dict[str, str]:
    return {"authorization": f"Bearer {sender.secret('access_token')}"}


register("meta", Meta())
