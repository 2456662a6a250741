"""Keep the token of a shop alive: renewed once by all workers, stored before its use."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings

from queues.errors import CannotUnseal
from queues.outbound import Call
from syncs import budgets, clock
from syncs.budgets import Key, Window
from syncs.calls import Answer, ask, refuse
from syncs.credentials import opened, replace
from syncs.errors import AccessRefused, Misconfigured
from syncs.models import Connection, Credential

EARLY = timedelta(minutes=5)
"""A token is renewed so long before it dies."""
ALONE = (Window(1, 0.0),)
"""One renewal at a time, over all workers."""
ENDPOINT = "token"


def live(connection: Connection, domain: str) -> str:
    """Return an access token that lives, renewing it in time; raise AccessRefused."""
    values = _open(connection)
    token = values.get("access_token", "")
    row = Credential.objects.filter(connection=connection).first()
    dies = row.expires_at if row else None
    if token and (dies is None or dies > clock.now() + EARLY):
        return token
    return renewed(connection, domain, dead=token) or _missing(token)


def renewed(connection: Connection, domain: str, *, dead: str) -> str | None:
    """Return a token that is not the dead one; None if there is no way to get one."""
    if not _can_renew(_open(connection)):
        return None
    ticket = budgets.reserve(Key("shopify", domain, f"token {connection.pk}"), ALONE)
    try:
        values = _open(connection)
        token = values.get("access_token", "")
        if token and token != dead:
            return token  # somebody else was faster
        return _renew(connection, domain, values)
    finally:
        budgets.settle(ticket)


def _renew(connection: Connection, domain: str, values: dict[str, str]) -> str:
    """Ask for a token and store what came before anybody uses it."""
    grants = list(_grants(values))
    for number, grant in enumerate(grants, start=1):
        answer = ask(_call(domain, values, grant), endpoint=ENDPOINT)
        if answer.status == 200 or number == len(grants):  # noqa: PLR2004
            break
    made = _made(answer)
    kept = {**values, "access_token": made["access_token"]}
    if refresh := made.get("refresh_token"):
        kept["previous_refresh_token"] = values.get("refresh_token", "")
        kept["refresh_token"] = refresh
    seconds = made.get("expires_in")
    expires = clock.now() + timedelta(seconds=float(seconds)) if seconds else None
    replace(connection, kept, kind=_kind(values), expires_at=expires)
    return str(made["access_token"])


def _made(answer: Answer) -> dict[str, Any]:
    """Return what a renewal brought, or raise what its refusal is."""
    value = answer.value if isinstance(answer.value, dict) else {}
    if answer.status >= 500:  # noqa: PLR2004
        raise refuse(answer, endpoint=ENDPOINT, said="")
    if answer.status != 200 or not isinstance(value.get("access_token"), str):  # noqa: PLR2004
        raise AccessRefused(
            "The token cannot be renewed: connect the shop again",
            code="refresh_refused",
            endpoint=ENDPOINT,
        )
    return value


def _grants(values: dict[str, str]) -> list[dict[str, str]]:
    """Return the ways to renew, the best first.

    Until a new pair is used, the refresh token before it works as well: an answer
    that was lost on its way is no loss.
    """
    tokens = [values.get("refresh_token"), values.get("previous_refresh_token")]
    found = [
        {"grant_type": "refresh_token", "refresh_token": token}
        for token in tokens
        if token
    ]
    return found or [{"grant_type": "client_credentials"}]


def _call(domain: str, values: dict[str, str], grant: dict[str, str]) -> Call:
    client = {name: values[name] for name in ("client_id", "client_secret")}
    base = settings.SHOPIFY_BASE_URL.replace("{shop}", domain)
    return Call(
        url=f"{base}/admin/oauth/access_token",
        method="POST",
        headers={"Content-Type": "application/json"},
        body=json.dumps({**client, **grant}).encode(),
    )


def _can_renew(values: dict[str, str]) -> bool:
    return bool(values.get("client_id") and values.get("client_secret"))


def _kind(values: dict[str, str]) -> str:
    return "offline" if values.get("refresh_token") else "client_credentials"


def _open(connection: Connection) -> dict[str, str]:
    try:
        return opened(connection)
    except CannotUnseal:
        raise Misconfigured(
            "The key that sealed these credentials is gone: enter them again",
            code="sealed",
        ) from None


def _missing(token: str) -> str:
    if token:
        return token  # it may still live: the provider knows
    raise AccessRefused("There is no access token: connect the shop", code="missing")
