"""The states of the cache: old is shown and renewed, an error is never nothing."""

from datetime import timedelta

import pytest
from django.db.models import F

from syncs.models import CacheEntry, Run
from syncs.read import read
from tests.syncs.stores import NOVEMBER, ask, entry, sync

pytestmark = pytest.mark.django_db


def age(store, **by):
    """Let the entries of a store be that much older."""
    span = timedelta(**by)
    CacheEntry.objects.filter(store=store).update(
        synced_at=F("synced_at") - span,
        fresh_until=F("fresh_until") - span,
        hard_until=F("hard_until") - span,
    )
    Run.objects.filter(status="queued").delete()
    _forget_ends(store)


def _forget_ends(store):
    """Let the runs of a store have ended long ago."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no triggers
        cursor.execute(
            "UPDATE sync_queue SET completed_at = completed_at - interval '1 hour'"
        )
        cursor.execute("SET session_replication_role = origin")


@pytest.fixture
def synced(shop):
    store = shop()
    sync(store)
    return store


def states(answer):
    return [each.state for each in answer.found]


def test_S40_nothing_yet_is_a_miss_and_a_run_is_on_its_way(shop):
    answer = read(shop(), NOVEMBER)

    assert states(answer) == ["MISS"]
    assert answer.is_miss
    assert (answer.run.status, answer.run.priority) == ("queued", 1)


def test_S40_what_is_fresh_asks_for_nothing(synced):
    answer = read(synced, NOVEMBER)

    assert states(answer) == ["FRESH"]
    assert answer.run is None
    assert not Run.objects.filter(status="queued").exists()


def test_S40_what_is_stale_is_shown_and_renewed_by_one_run(synced):
    age(synced, minutes=20)

    answers = [read(synced, NOVEMBER) for _ in range(5)]

    assert {each.state for one in answers for each in one.found} == {"STALE"}
    assert answers[0].found[0].data == entry(synced).data
    assert len({one.run.pk for one in answers}) == 1


def test_S40_a_provider_that_is_down_leaves_the_last_good_numbers(synced, stand):
    stand.script = lambda call, times: (404, {})
    sync(synced, forced=True)
    age(synced, hours=3)
    CacheEntry.objects.update(last_error_at=F("synced_at") + timedelta(hours=1))

    (found,) = read(synced, NOVEMBER).found

    assert found.state == "STALE_ERROR"
    assert "404" in found.error
    assert found.record_count == 2
    assert found.age > 3 * 3600


def test_S40_what_is_far_too_old_is_only_a_snapshot(synced):
    age(synced, days=2)

    answer = read(synced, NOVEMBER)

    assert states(answer) == ["EXPIRED"]
    assert not answer.found[0].is_current
    assert answer.run.priority == 1


def test_older_days_stand_in_for_those_never_synced(synced):
    from syncs.ports import Period

    day = timedelta(days=1)
    later = Period(NOVEMBER.start + day, NOVEMBER.end + day)

    answer = read(synced, later)

    assert states(answer) == ["MISS"]
    assert answer.found[0].period == NOVEMBER
    assert answer.found[0].data == entry(synced).data


def test_S40_an_error_is_never_taken_for_nothing(shop, stand):
    stand.script = lambda call, times: (404, {})
    store = shop()
    sync(store)

    answer = read(store, NOVEMBER)

    assert states(answer) == ["MISS"]
    assert "404" in answer.found[0].error
    assert not CacheEntry.objects.exists()


def test_what_failed_a_moment_ago_is_not_tried_again_by_every_look(shop, stand):
    stand.script = lambda call, times: (404, {})
    store = shop()
    sync(store)

    for _ in range(3):
        answer = read(store, NOVEMBER)

    assert answer.run is None
    assert len(stand.calls) == 1


def test_a_store_without_access_says_what_to_do(shop):
    store = shop()
    store.connections.update(status="auth_error")

    answer = read(store, NOVEMBER)

    assert "new token" in answer.blocked
    assert answer.run is None


def test_a_row_of_the_seeds_columns_is_shown_and_renewed(shop, sql):
    store = shop()
    sql(
        "INSERT INTO store_sync_cache"
        " (store_id, data_type, period_start, period_end, data, source)"
        " VALUES (%s, 'orders', %s, %s, '{\"total_orders\": 7}', 'shopify')",
        store.pk, NOVEMBER.start, NOVEMBER.end,
    )  # fmt: skip

    answer = read(store, NOVEMBER)

    assert states(answer) == ["STALE"]
    assert answer.found[0].data == {"total_orders": 7}
    assert answer.run is not None


def test_the_page_reads_the_cache_by_one_statement(synced, django_assert_num_queries):
    from syncs.read import look

    with django_assert_num_queries(1):
        look(synced, NOVEMBER, ["orders"])


def test_S39_expiries_of_entries_written_together_are_spread(shop):
    from syncs.lifetimes import lifetime

    spans = [
        lifetime("shopify", settled=False, negative=False).soft.total_seconds()
        for _ in range(1000)
    ]

    assert max(spans) - min(spans) >= 0.15 * 900


def test_a_closed_period_lives_for_days(shop, stand):
    from datetime import date

    from syncs.ports import Period

    store = shop()
    stand.row = lambda n: {"id": f"o-{n}", "day": "2026-08-10", "amount": "1.00"}

    sync(store, Period(date(2026, 8, 1), date(2026, 8, 31)))

    found = CacheEntry.objects.get(store=store)
    assert found.is_settled
    assert (found.fresh_until - found.synced_at).days >= 6


def test_the_tag_changes_with_the_run_and_with_the_numbers(synced):
    one = read(synced, NOVEMBER).tag
    same = read(synced, NOVEMBER).tag
    ask(synced, forced=True)
    running = read(synced, NOVEMBER).tag

    assert one == same != running
