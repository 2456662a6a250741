"""What a person's press of *Sync* comes to: current numbers, a run, or "not so often"."""

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from syncs.errors import TooManyRequests
from syncs.models import Run, Store
from syncs.ports import Period
from syncs.request import Asked, Wish, request
from syncs.states import Trigger

MOST_FORCED = 10
HOUR = 3600


def refresh(store: Store, period: Period, wish: Wish) -> Asked:
    """Ask for the numbers of a store on behalf of a person.

    Raises TooManyRequests if they were forced ten times within the hour, and what
    `request` raises.
    """
    with transaction.atomic():
        # Two at once are counted one after the other.
        Store.objects.select_for_update(no_key=True).get(pk=store.pk)
        asked = request(store, period, wish)
        if wish.forced and asked.created and _forced(store) > MOST_FORCED:
            raise TooManyRequests(
                _("This store was synced %(most)s times within an hour: wait a little")
                % {"most": MOST_FORCED},
                retry_after=HOUR // MOST_FORCED,
            )
    return asked


def _forced(store: Store) -> int:
    return Run.objects.filter(
        store=store,
        is_forced=True,
        trigger=Trigger.USER,
        queued_at__gt=Now() - timedelta(seconds=HOUR),
    ).count()
