"""What becomes of a sync when the provider errs: failed is not empty."""

import pytest

from syncs.models import Connection, Event, Quarantined
from syncs.states import Outcome, RunStatus, Waiting
from tests.syncs.stores import again, connect, entry, rerun, sync

pytestmark = pytest.mark.django_db


def answers(*said, then=None):
    """Return a script that says these in turn to every call, and then behaves."""
    left = list(said)

    def script(call, times):
        return left.pop(0) if left else then

    return script


def on_page(cursor, *said):
    """Return a script that says these, in turn, to calls of one page."""
    left = list(said)

    def script(call, times):
        return left.pop(0) if left and call.cursor == cursor else None

    return script


def test_S09_a_broken_answer_counts_a_try_and_three_without_progress_end_it(
    stand, shop
):
    stand.script = answers(then=(500, {}))
    store = shop()

    run = sync(store)
    assert (run.status, run.waiting_for) == (RunStatus.QUEUED, Waiting.RETRY)
    assert (run.retry_count, run.no_progress) == (1, 1)
    again(run)
    again(run)

    assert (run.status, run.outcome) == (RunStatus.FAILED, Outcome.FAILED)
    assert run.error_kind == "transient"
    assert "500" in run.error_message
    assert len(stand.calls) == 3


def test_S12_a_page_between_two_failures_sets_the_count_back(stand, shop):
    stand.pages = 4
    fails = {"2": 2, "3": 2}

    def script(call, times):
        return (500, {}) if times <= fails.get(call.cursor, 0) else None

    stand.script = script
    run = sync(shop())
    for _ in range(4):
        again(run)

    assert run.outcome == Outcome.SUCCEEDED
    assert run.retry_count == 4
    assert stand.cursors() == ["1", "2", "2", "2", "3", "3", "3", "4"]


def test_S12_the_waits_after_failures_grow(stand, shop):
    stand.script = answers(then=(500, {}))
    run = sync(shop())

    first = run.not_before - run.last_error_at
    again(run)
    second = run.not_before - run.last_error_at

    assert 24 <= first.total_seconds() <= 37
    assert 96 <= second.total_seconds() <= 145


def test_S14_a_rate_limit_is_a_wait_that_counts_nothing(stand, shop, sql):
    stand.pages = 2
    stand.script = on_page("2", (429, {"headers": {"Retry-After": "300"}}))

    run = sync(shop())

    assert (run.status, run.waiting_for) == (RunStatus.QUEUED, Waiting.RATE_LIMIT)
    assert run.retry_count == run.no_progress == 0
    assert sql("SELECT status FROM jobs WHERE type = 'sync-store'") == [("pending",)]
    assert Connection.objects.get().consecutive_errors == 0
    assert again(run).outcome == Outcome.SUCCEEDED
    assert stand.cursors() == ["1", "2", "2"]


def test_S16_what_is_whole_is_published_while_a_quota_is_spent(stand, shop):
    def script(call, times):
        if call.stream == "flows" and times == 1:
            return 403, {"headers": {"Retry-After": "73473"}}
        return None

    stand.script = script
    store = shop(providers=("market", "stalls"))

    run = sync(store)

    assert (run.status, run.waiting_for) == (RunStatus.QUEUED, Waiting.QUOTA)
    assert {each.data_type for each in store.entries.all()} == {"orders", "campaigns"}
    assert run.retry_count == 0
    assert again(run).outcome == Outcome.SUCCEEDED
    assert {each.version for each in store.entries.all()} == {1, 2}
    assert entry(store, "orders").version == 1  # nothing is published twice


def test_S19_a_refused_token_shuts_the_connection_and_keeps_the_pages(stand, shop):
    stand.pages = 10
    stand.script = on_page("9", (401, {}))
    store = shop()

    run = sync(store)

    link = Connection.objects.get()
    assert run.outcome == Outcome.FAILED
    assert (run.error_kind, link.status) == ("auth", "auth_error")
    assert not store.entries.exists()

    Connection.objects.update(status="active")
    assert sync(store).outcome == Outcome.SUCCEEDED
    assert stand.cursors()[8:] == ["9", "9", "10"]  # resumed, not begun anew
    assert entry(store).record_count == 20


def test_S19_a_refused_token_ends_every_stream_of_its_connection(stand, shop):
    stand.script = lambda call, times: (401, {}) if call.stream != "orders" else None
    store = shop(providers=("market", "stalls"))

    run = sync(store)

    assert (run.outcome, run.error_kind) == (Outcome.PARTIAL, "auth")
    assert [call.stream for call in stand.calls] == ["orders", "campaigns"]
    assert {each.status for each in run.streams.all()} == {"complete", "failed"}
    assert entry(store, "orders").version == 1


def test_S21_an_expired_cursor_begins_the_pass_anew_once(stand, shop):
    stand.pages = 3
    stand.script = on_page("3", (410, {}))

    run = sync(shop())

    assert run.outcome == Outcome.SUCCEEDED
    assert stand.cursors() == ["1", "2", "3", "1", "2", "3"]
    assert Event.objects.filter(run=run, code="cursor_reset").count() == 1


def test_S21_a_cursor_that_expires_twice_fails_the_stream(stand, shop):
    stand.pages = 3
    stand.script = on_page("3", (410, {}), (410, {}))

    run = sync(shop())

    assert (run.outcome, run.error_kind) == (Outcome.FAILED, "cursor_invalid")


def test_S22_a_page_that_leads_to_itself_ends_the_stream(stand, shop):
    stand.pages = 9
    page = {"rows": [stand.row(1)], "next": "2", "total": None}
    stand.script = lambda call, times: (200, page) if call.cursor == "2" else None

    run = sync(shop())

    assert (run.outcome, run.error_kind) == (Outcome.FAILED, "pagination_loop")
    assert len(stand.calls) <= 3


def test_S26_nothing_where_there_always_was_something_is_not_believed(stand, shop):
    stand.pages, stand.per_page = 10, 20
    store = shop()
    sync(store)
    good = entry(store)
    _empty(store, stand)

    run = sync(store, forced=True)

    assert run.outcome == Outcome.PARTIAL
    assert "zero_drop" in run.error_message
    now = entry(store)
    assert (now.data, now.version) == (good.data, good.version)
    assert now.sync_status == "error"


def test_S26_an_operator_may_accept_once_what_was_held_back(stand, shop):
    from syncs.request import retry

    stand.pages, stand.per_page = 10, 20
    store = shop()
    sync(store)
    _empty(store, stand)
    run = sync(store, forced=True)

    asked = retry(run, accept=True)
    rerun(asked.run)

    assert entry(store).record_count == 0
    assert entry(store).is_negative


def test_S26_a_new_store_without_orders_is_published_as_empty(stand, shop):
    stand.pages = 0
    stand.script = lambda call, times: (200, {"rows": [], "next": None, "total": 0})
    store = shop()

    run = sync(store)

    assert run.outcome == Outcome.SUCCEEDED
    assert entry(store).is_negative
    minutes = (entry(store).fresh_until - entry(store).synced_at).total_seconds() / 60
    assert 4 <= minutes <= 6


@pytest.mark.parametrize(
    "body", [b"<html>sorry</html>", b"", b'{"rows": [', b"NaN", b'{"data": null}']
)
def test_S27_a_body_that_is_no_page_stores_nothing(stand, shop, body):
    stand.script = lambda call, times: (200, body)
    store = shop()

    run = sync(store)

    assert run.outcome in {None, Outcome.FAILED}
    assert not store.entries.exists()


def test_S28_a_bad_row_is_kept_aside_and_the_run_says_so(stand, shop):
    stand.per_page = 200
    rows = [stand.row(n) for n in range(199)] + [{"id": "o-bad", "bad": True}]
    stand.script = lambda call, times: (200, {"rows": rows, "next": None})
    store = shop()

    run = sync(store)
    sync(store)

    assert run.outcome == Outcome.PARTIAL
    assert entry(store).record_count == 199
    assert Quarantined.objects.count() == 1  # the same row is kept once


def test_S28_too_many_bad_rows_hold_the_numbers_back(stand, shop):
    rows = [stand.row(1), {"id": "o-2", "bad": True}]
    stand.script = lambda call, times: (200, {"rows": rows, "next": None})
    store = shop()

    run = sync(store)

    assert run.outcome == Outcome.PARTIAL
    assert not store.entries.exists()


def test_S30_fewer_rows_than_the_provider_counts_are_refused(stand, shop):
    stand.pages, stand.per_page = 2, 50
    stand.total = lambda count: 1000
    store = shop()

    run = sync(store)

    assert run.outcome == Outcome.PARTIAL
    assert "100" in run.error_message
    assert "1000" in run.error_message
    assert stand.cursors() == ["1", "2", "1", "2"]  # repeated once
    assert not store.entries.exists()


def test_S31_a_field_that_is_suddenly_empty_holds_the_numbers_back(stand, shop):
    store = shop()
    link = Connection.objects.get()
    link.settings["says_nulls"] = {"email": 0.02}
    link.save()
    sync(store)
    link.settings["says_nulls"] = {"email": 0.9}
    link.save()

    run = sync(store, forced=True)

    assert run.outcome == Outcome.PARTIAL
    assert "email" in run.error_message


def test_S44_another_currency_holds_the_numbers_back(stand, shop):
    store = shop(providers=())
    connect(store, stand, currency="BRL", settings={"says_currency": "USD"})

    run = sync(store)

    assert run.outcome == Outcome.PARTIAL
    assert "USD" in run.error_message
    assert not store.entries.exists()


def test_S62_one_provider_down_leaves_its_old_numbers_and_renews_the_others(
    stand, shop
):
    store = shop(providers=("market", "stalls"))
    sync(store)
    stand.script = lambda call, times: (404, {}) if call.stream == "campaigns" else None

    run = sync(store, forced=True)

    assert run.outcome == Outcome.PARTIAL
    assert entry(store, "orders").version == entry(store, "flows").version == 2
    assert entry(store, "campaigns").version == 1
    assert entry(store, "campaigns").sync_status == "error"
    assert entry(store, "orders").sync_status == "success"


def test_errors_in_a_row_let_a_connection_rest(stand, shop):
    stand.script = answers(then=(404, {}))
    store = shop()
    for _ in range(5):
        sync(store, forced=True)
    calls = len(stand.calls)

    run = sync(store, forced=True)

    assert run.waiting_for == Waiting.PAUSED
    assert len(stand.calls) == calls


def test_a_fault_of_the_adapter_is_tried_again_and_told(stand, shop):
    stand.script = lambda call, times: (200, {"rows": [{"id": "x"}], "next": None})

    run = sync(shop())

    assert (run.waiting_for, run.error_code) == (Waiting.RETRY, "internal")
    assert "KeyError" in run.error_message


def _empty(store, stand):
    from tests.market.models import Sale

    Sale.objects.all().delete()
    stand.script = lambda call, times: (200, {"rows": [], "next": None})
