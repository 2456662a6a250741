"""Read an e-mail that came back: a reply, an absence, a bounce, a complaint. Pure."""

import re
from email import message_from_string, policy
from email.message import EmailMessage, Message
from email.utils import parseaddr
from typing import Any

from cadences.reports import Bounced, Heard, Report

OURS = re.compile(
    r"<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\d{1,6})@", re.IGNORECASE
)
"""A Message-ID of ours: the correlation of an attempt."""
QUOTED = re.compile(
    r"^(>|em .{4,80} escreveu:|on .{4,80} wrote:|-{3,} ?(mensagem original|original"
    r" message)|_{10,}|de: |from: )",
    re.IGNORECASE,
)
RECIPIENT = re.compile(r"^Original-Rcpt-To: *<?([^\s>]+)", re.IGNORECASE | re.MULTILINE)
ID_HEADERS = ("Original-Message-ID", "Message-ID", "In-Reply-To")
QUOTING = ("text/rfc822-headers", "message/delivery-status")
PERMANENT = "5"
KEPT_HEADERS = (
    "auto-submitted", "precedence", "x-autoreply", "x-autorespond",
    "x-auto-response-suppress",
)  # fmt: skip


def read(payload: dict[str, Any]) -> list[Report]:
    """Return what one e-mail reports; a bounce that may yet pass reports nothing."""
    raw = payload.get("raw")
    if not isinstance(raw, str) or not raw.strip():
        return []
    mail = message_from_string(raw, policy=policy.default)
    match _report_type(mail):
        case "delivery-status":
            return _bounces(mail)
        case "feedback-report":
            return _complaints(mail)
        case _:
            pass
    return [_heard(mail)]


def _report_type(mail: EmailMessage) -> str:
    if mail.get_content_type() != "multipart/report":
        return ""
    return str(mail.get_param("report-type") or "").lower()


def _bounces(mail: EmailMessage) -> list[Report]:
    correlation = _correlation(mail)
    return [
        Bounced(correlation, *said)
        for part in mail.walk()
        if part.get_content_type() == "message/delivery-status"
        for block in part.iter_parts()
        if (said := _failure(block)) is not None
    ]


def _failure(block: Message) -> tuple[str, str] | None:
    """Return the address and the reason of a recipient who will never be reached."""
    status = str(block.get("Status") or "").strip()
    action = str(block.get("Action") or "").strip().lower()
    if action != "failed" or not status.startswith(PERMANENT):
        return None
    address = str(block.get("Original-Recipient") or block.get("Final-Recipient") or "")
    reason = str(block.get("Diagnostic-Code") or status)
    return address.rpartition(";")[2].strip().lower(), " ".join(reason.split())[:200]


def _complaints(mail: EmailMessage) -> list[Report]:
    for part in mail.walk():
        if part.get_content_type() == "message/feedback-report":
            said = RECIPIENT.search(part.as_string())
            address = said[1].lower() if said else ""
            return [Bounced(_correlation(mail), address, "complaint", True)]  # noqa: FBT003
    return []


def _correlation(mail: EmailMessage) -> str:
    """Return the correlation of the message of ours that is attached or named."""
    for part in mail.walk():
        told = [str(part.get(name) or "") for name in ID_HEADERS]
        if part.get_content_type() in QUOTING:
            told.append(part.as_string())
        for each in told:
            if found := OURS.search(each):
                return found[1].lower()
    return ""


def _heard(mail: EmailMessage) -> Heard:
    threads = f"{mail.get('In-Reply-To', '')} {mail.get('References', '')}"
    ours = [each.lower() for each in OURS.findall(threads)]
    own_id = str(mail.get("Message-ID") or "").strip("<> ")
    headers = {name: str(mail[name]) for name in KEPT_HEADERS if mail.get(name)}
    if str(mail.get("Return-Path") or "").strip() == "<>":
        headers.setdefault("auto-submitted", "auto-replied")
    return Heard(
        message_id=own_id,
        address=parseaddr(str(mail.get("From") or ""))[1].lower(),
        text=_own_words(_body(mail)),
        answers=tuple(dict.fromkeys(ours)),
        subject=str(mail.get("Subject") or ""),
        headers=headers,
    )


def _body(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, KeyError, ValueError):
        return ""
    if part.get_content_type() == "text/html":
        text = re.sub(r"<(br|/p|/div)[^>]*>", "\n", text, flags=re.IGNORECASE)
        text = re.sub(r"(?s)<(style|script).*?</\1>|<[^>]+>", " ", text)
    return text


def _own_words(text: str) -> str:
    """Return what was written above the quotation of our own message."""
    lines: list[str] = []
    for line in text.splitlines():
        if QUOTED.match(line.strip()) and any(each.strip() for each in lines):
            break
        if not line.lstrip().startswith(">"):
            lines.append(line)
    return "\n".join(lines).strip()
