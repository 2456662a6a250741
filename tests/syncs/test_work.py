"""A sync from the request to the numbers, against a provider on a socket."""

import pytest

from syncs.states import Outcome, RunStatus
from tests.syncs.stores import ask, entry, sync

pytestmark = pytest.mark.django_db


def test_a_sync_reads_all_pages_and_publishes_their_numbers(stand, shop):
    stand.pages = 3
    store = shop()

    run = sync(store)

    assert (run.status, run.outcome) == (RunStatus.COMPLETED, Outcome.SUCCEEDED)
    assert stand.cursors() == ["1", "2", "3"]
    found = entry(store)
    assert found.data == {"total_orders": 6, "total_sales": "18.00"}
    assert (found.version, found.sync_status, found.record_count) == (1, "success", 6)
    assert found.fresh_until < found.hard_until


def test_S11_a_completed_period_can_be_synced_again_and_again(stand, shop):
    store = shop()
    sync(store)

    ends = [sync(store, forced=True).outcome for _ in range(10)]

    assert ends == [Outcome.SUCCEEDED] * 10
    assert entry(store).version == 11
    assert not ask(store).run.store.runs.filter(status="processing").exists()
