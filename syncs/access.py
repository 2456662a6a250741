"""Whose stores a person sees: their own, or all with the permission to look at stores."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from queues.access import may
from syncs.errors import UnknownRun, UnknownStore
from syncs.models import Run, Store

LOOK = "syncs.view_store"


def stores_of(person: User | AnonymousUser) -> QuerySet[Store]:
    """Return the stores that a person may look at."""
    rows = Store.objects.all()
    if may(person, LOOK):
        return rows
    if not isinstance(person, User):
        return rows.none()
    return rows.filter(memberships__user=person)


def store_of(person: User | AnonymousUser, store_id: object) -> Store:
    """Return a store of that person's; raises UnknownStore, as if there were none.

    Members are asked about first: their page opens without a look at permissions.
    """
    rows, found = Store.objects.filter(pk=_key(store_id)), None
    if isinstance(person, User):
        found = rows.filter(memberships__user=person).first()
    if found is None and may(person, LOOK):
        found = rows.first()
    return _there(found)


def any_store(store_id: object) -> Store:
    """Return a store, whoever asks; raises UnknownStore if there is none."""
    return _there(Store.objects.filter(pk=_key(store_id)).first())


def run_of(person: User | AnonymousUser, run_id: object) -> Run:
    """Return a run of a store of that person's; raises UnknownRun otherwise."""
    rows = Run.objects.filter(pk=_key(run_id)).select_related("store")
    found = rows.filter(store__in=stores_of(person)).first()
    if found is None:
        raise UnknownRun("There is no such sync")
    return found


def _there(found: Store | None) -> Store:
    if found is None:
        raise UnknownStore(_("There is no such store"))
    return found


def _key(value: object) -> UUID:
    """Return the key that a text is; what is none is the key that no row has."""
    try:
        return UUID(str(value))
    except ValueError:
        return UUID(int=0)
