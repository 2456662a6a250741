"""Personal API tokens: issued once, shown once, stored as a digest."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from queues.audit import record
from queues.errors import InvalidToken
from queues.models import ApiToken

MARK = "ritmo_"
"""How every token begins, so that leaked ones can be searched for."""
SECRET_BYTES = 32
SHOWN = 12
USE_NOTED_EVERY = timedelta(minutes=1)


def issue_token(
    user: User, name: str, expires_at: datetime | None = None
) -> tuple[str, ApiToken]:
    """Write a token of a person; return its text, which nobody can read again, and the row."""
    text = MARK + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        row = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=text[:SHOWN],
            digest=_digest(text),
            expires_at=expires_at,
        )
        told = {"user": user.get_username(), "name": name, "expires_at": expires_at}
        record("token.issue", row, after=told)
    return text, row


def revoke_token(token: ApiToken) -> None:
    """Let the token open no door from now on."""
    with transaction.atomic():
        valid = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
        if valid.update(revoked_at=Now()):
            record("token.revoke", token, after={"revoked": True})


def user_of_token(text: str) -> User:
    """Return whom a token speaks for, and note its use.

    Raises InvalidToken unless it is known, neither revoked nor expired, and its
    person is active.
    """
    if not text.startswith(MARK):
        raise InvalidToken
    live = Q(expires_at=None) | Q(expires_at__gt=Now())
    token = (
        ApiToken.objects.select_related("user")
        .filter(live, digest=_digest(text), revoked_at=None, user__is_active=True)
        .annotate(is_noted=Q(last_used_at__gt=Now() - USE_NOTED_EVERY))
        .first()
    )
    if token is None:
        raise InvalidToken
    if not token.is_noted:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())
    return token.user


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
