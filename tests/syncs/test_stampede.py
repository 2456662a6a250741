"""Many readers at once: old numbers for all, one run behind them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F

from syncs.models import CacheEntry, Run
from syncs.read import Answer, read
from tests.syncs.stores import NOVEMBER, sync

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

THREADS, EACH = 50, 4


def test_S39_200_readers_of_an_expired_entry_start_one_run(shop, stand):
    store = shop()
    first = sync(store)
    CacheEntry.objects.update(
        synced_at=F("synced_at") - timedelta(hours=2),
        fresh_until=F("fresh_until") - timedelta(hours=2),
        refresh_cost=0,
    )
    Run.objects.filter(
        pk=first.pk
    ).delete()  # what was tried just now is not tried again
    calls = len(stand.calls)
    ready = threading.Barrier(THREADS)

    def look(_: int) -> list[Answer]:
        ready.wait(60)
        try:
            return [read(store, NOVEMBER) for _ in range(EACH)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [each for some in pool.map(look, range(THREADS)) for each in some]

    assert len(answers) == THREADS * EACH
    assert {each.state for one in answers for each in one.found} == {"STALE"}
    assert {one.run and one.run.pk for one in answers} == {Run.objects.get().pk}
    assert len(stand.calls) == calls
