"""The hours after a lead's message in which some providers let us answer freely."""

from datetime import datetime, timedelta

from cadences.errors import UnknownAdapter
from cadences.models import Account, Lead, Message
from cadences.ports import channel

OPEN_FOR = timedelta(hours=24)


def is_open(account: Account, lead: Lead, *, now: datetime) -> bool:
    """Tell whether an account may send this lead a text that nobody approved."""
    try:
        if not channel(account.adapter).traits.needs_template_first:
            return True
    except UnknownAdapter:
        return True
    wrote = Message.objects.filter(
        lead=lead, account=account, direction=Message.Direction.IN,
        created_at__gt=now - OPEN_FOR,
    )  # fmt: skip
    return wrote.exists()
