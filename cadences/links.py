"""Links that leads follow: signed, so that nobody can make one up."""

from uuid import UUID

from django.conf import settings
from django.core import signing

SALT = "cadences.unsubscribe"


def way_out(lead_id: UUID, execution_id: UUID | None = None) -> str:
    """Return where a lead can say no; empty while PUBLIC_URL is not set."""
    if not settings.PUBLIC_URL:
        return ""
    said = [lead_id.hex, execution_id.hex if execution_id else ""]
    token = signing.dumps(said, salt=SALT)
    return f"{settings.PUBLIC_URL}/u/{token}/"


def who(token: str) -> UUID | None:
    """Return the lead that a link was made for; None if we did not make it.

    It works for ever, also with a retired SECRET_KEY among SECRET_KEY_FALLBACKS.
    """
    try:
        lead, _ = signing.loads(token, salt=SALT)
        return UUID(lead)
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None
