"""Addresses and words of leads as those see them who may not see them."""

TAIL = 4
"""The digits of a number that stay: enough to tell two apart on one page."""
HIDDEN = "•••"


def address(text: str) -> str:
    """Return a number as `+55 11 9****-1234`, a mailbox as `a***@d***.com`."""
    if not text:
        return ""
    return _mailbox(text) if "@" in text else _number(text)


def name(text: str) -> str:
    """Return the first name, and of all others the first letter."""
    first, *rest = text.split() or [""]
    return " ".join([first, *(f"{each[0]}." for each in rest)])


def words(text: str) -> str:
    """Return nothing of what somebody wrote, but that they wrote."""
    return HIDDEN if text else ""


def _mailbox(text: str) -> str:
    user, _, domain = text.rpartition("@")
    host, dot, ending = domain.rpartition(".")
    return f"{user[:1]}***@{(host or ending)[:1]}***{dot}{ending if dot else ''}"


def _number(text: str) -> str:
    digits = text.removeprefix("+")
    if len(digits) <= TAIL:
        return "****"
    if text.startswith("+55") and len(digits) > TAIL + 5:
        return f"+55 {digits[2:4]} {digits[4]}****-{digits[-TAIL:]}"
    return f"+{digits[:2]} ****-{digits[-TAIL:]}"
