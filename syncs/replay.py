"""Look again at rows that were kept aside: their stream is read anew from its beginning."""

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from queues import audit
from syncs.errors import NothingToSync
from syncs.models import Quarantined, StreamState
from syncs.periods import period_of
from syncs.request import Asked, Wish, request
from syncs.states import Trigger


@transaction.atomic
def replay(row: Quarantined) -> Asked:
    """Ask for the sync that brought a row anew; the row is kept aside again if need be."""
    if row.run is None:
        raise NothingToSync(_("Nobody knows any more which sync brought it"))
    states = StreamState.objects.filter(connection=row.connection_id, stream=row.stream)
    states.update(page_cursor=None, pages_done=0, rows_done=0)
    run = row.run
    wish = Wish(
        types=run.data_types, kind=run.kind, scope=run.scope, trigger=Trigger.USER,
        forced=True, priority=3,
    )  # fmt: skip
    asked = request(run.store, period_of(run), wish)
    resolve(row, "replayed")
    return asked


@transaction.atomic
def resolve(row: Quarantined, resolution: str = "dismissed") -> None:
    """Take a row off the list."""
    rows = Quarantined.objects.filter(pk=row.pk, resolved_at=None)
    if rows.update(resolved_at=Now(), resolution=resolution):
        audit.record("quarantine.resolve", row, after={"resolution": resolution})
