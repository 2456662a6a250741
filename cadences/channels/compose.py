"""Compose an e-mail: text and HTML, an id of our own, a way out in one click."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from html import escape
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cadences.ports import Letter

POLICY = SMTP.clone(max_line_length=200)
ONE_CLICK = "List-Unsubscribe=One-Click"
PAGE = """<!doctype html>
<html lang="{language}"><body>
{paragraphs}
{footer}</body></html>
"""


def compose(letter: Letter) -> EmailMessage:
    """Return the e-mail of a letter; the same letter has the same Message-ID."""
    config = letter.sender.config
    message = EmailMessage(policy=POLICY)
    name = str(config.get("from_name") or "")
    message["From"] = formataddr((name, letter.sender.identifier))
    message["To"] = letter.address
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = message_id(letter)
    if reply_to := config.get("reply_to"):
        message["Reply-To"] = str(reply_to)
    _add_way_out(message, letter, config)
    language = letter.language.replace("_", "-").lower()
    with translation.override(language):
        text, page = _text(letter), _page(letter, language)
    message.set_content(text)
    message.add_alternative(page, subtype="html")
    return message


def message_id(letter: Letter) -> str:
    """Return the Message-ID: the attempt's correlation at our domain."""
    domain = letter.sender.identifier.rpartition("@")[2]
    return f"<{letter.correlation}@{domain}>"


def _add_way_out(message: EmailMessage, letter: Letter, config: dict[str, Any]) -> None:
    """Add the headers of RFC 8058; never Auto-Submitted, which would hide absences."""
    ways = [f"<{letter.unsubscribe}>"]
    if mailbox := config.get("unsubscribe_mailto"):
        ways.append(f"<mailto:{mailbox}?subject=unsubscribe>")
    message["List-Unsubscribe"] = ", ".join(ways)
    message["List-Unsubscribe-Post"] = ONE_CLICK


def _text(letter: Letter) -> str:
    if letter.unsubscribe in letter.body:
        return letter.body
    said = _("To receive no more of these messages: %(link)s")
    return f"{letter.body}\n\n-- \n{said % {'link': letter.unsubscribe}}\n"


def _page(letter: Letter, language: str) -> str:
    link = escape(letter.unsubscribe)
    paragraphs = [
        "<p>{}</p>".format(escape(each.strip()).replace("\n", "<br>\n"))
        for each in letter.body.replace("\r\n", "\n").split("\n\n")
    ]
    text = "\n".join(paragraphs).replace(link, f'<a href="{link}">{link}</a>')
    footer = ""
    if letter.unsubscribe not in letter.body:
        said = escape(_("Receive no more of these messages"))
        footer = f'<hr>\n<p><a href="{link}">{said}</a></p>\n'
    return PAGE.format(language=language, paragraphs=text, footer=footer)
