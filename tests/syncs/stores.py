"""Stores, requests and turns, as tests need them."""

from datetime import date
from typing import Any

from queues.testing import inline
from syncs.models import CacheEntry, Connection, Run, Store
from syncs.ports import Period
from syncs.request import Asked, Wish, request

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 20))


def make_store(
    stand: Any, name: str = "Papelaria Sol", *, providers: tuple[str, ...] = ("market",)
) -> Store:
    """Return a store that is connected to the stand."""
    store = Store.objects.create(name=name, timezone="UTC", currency="BRL")
    for each in providers:
        connect(store, stand, each)
    return store


def connect(
    store: Store, stand: Any, provider: str = "market", **options: Any
) -> Connection:
    """Connect a store to the stand."""
    return Connection.objects.create(
        store=store, provider=provider, external_account=f"{store.name}-{provider}",
        settings={"base": stand.base, **options.pop("settings", {})}, **options,
    )  # fmt: skip


def sync(store: Store, period: Period = NOVEMBER, **wish: Any) -> Run:
    """Ask, and run what is due; return the run as it stands then."""
    with inline():
        asked = ask(store, period, **wish)
    asked.run.refresh_from_db()
    return asked.run


def ask(store: Store, period: Period = NOVEMBER, **wish: Any) -> Asked:
    """Ask for a sync."""
    return request(store, period, Wish(**wish))


def entry(store: Store, data_type: str = "orders") -> CacheEntry:
    """Return the entry of November."""
    return CacheEntry.objects.get(
        store=store, data_type=data_type, period_start=NOVEMBER.start
    )


def again(run: Run) -> Run:
    """Let a waiting run be due, and run it; return it."""
    Run.objects.filter(pk=run.pk).update(not_before=None)
    rerun(run)
    run.refresh_from_db()
    return run


def rerun(run: Run) -> None:
    """Run the job of a run here, whatever was there before."""
    from queues.models import Job
    from queues.run import run as run_claim
    from queues.settle import settle
    from queues.testing import _open, _visible

    with _visible():
        for job in Job.objects.filter(
            type="sync-store", status="pending", unique_key=run.dedupe_key
        ):
            claim = _open(job)
            settle([(claim, run_claim(claim))])
