"""Which account a segment is read from, and whose leads its leads become."""

from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from cadences.models import Company
from queues.errors import CannotUnseal, NoSealingKey
from syncs.credentials import opened
from syncs.errors import Misconfigured
from syncs.models import Connection, SegmentControl
from syncs.segments.sprinthub import Access, access
from syncs.states import ConnectionStatus

ZONE = "America/Sao_Paulo"


def access_of(connection: Connection | None) -> Access:
    """Return the access of a connection, or of the environment; raises Misconfigured."""
    if connection is None:
        return access(
            settings.SPRINTHUB_BASE_URL, settings.SPRINTHUB_API_TOKEN,
            settings.SPRINTHUB_INSTANCE, allow_private=True,
        )  # fmt: skip
    if connection.status != ConnectionStatus.ACTIVE:
        said = connection.get_status_display()
        raise Misconfigured(f"The connection {connection} is not active: {said}")
    try:
        token = opened(connection).get("access_token", "")
    except (CannotUnseal, NoSealingKey) as error:
        raise Misconfigured(str(error)) from None
    told = connection.settings
    return access(
        str(told.get("base_url") or settings.SPRINTHUB_BASE_URL), token,
        connection.external_account, zone=connection.timezone or ZONE,
        in_query=told.get("auth_mode") == "query",
        allow_private=_is_ours(str(told.get("base_url") or "")),
    )  # fmt: skip


def _is_ours(url: str) -> bool:
    """Tell whether the environment, not a row, chose this host, or allows any."""
    own = urlsplit(settings.SPRINTHUB_BASE_URL).netloc
    host = urlsplit(url).netloc
    return settings.HTTP_REQUEST_ALLOW_PRIVATE or not host or host == own


@transaction.atomic
def company_of(control: SegmentControl) -> Company:
    """Return whose leads these are, or raise Misconfigured that says what to set.

    Without a word it is the one company there is, or a new one of the instance's name.
    """
    if control.company is not None:
        return control.company
    some = list(Company.objects.order_by("code")[:2])
    if len(some) > 1:
        raise Misconfigured("Say whose leads they are: there are several companies")
    if some:
        return some[0]
    name = settings.SPRINTHUB_INSTANCE or "sprinthub"
    return Company.objects.get_or_create(code=name[:50], defaults={"name": name})[0]
