"""Asking: who shares a run, who gets the next one, and what is refused."""

import pytest
from django.db import connection

from syncs.errors import AlreadyOver, InvalidPeriod, InvalidRequest, NothingToSync
from syncs.models import Connection, Run
from syncs.periods import between, of_word
from syncs.request import cancel
from syncs.states import Outcome, RunStatus
from tests.syncs.stores import NOVEMBER, ask, make_store, rerun, sync

pytestmark = pytest.mark.django_db


def begun(store):
    """Return a run that a worker has begun and that waits for the provider."""
    run = ask(store).run
    Run.objects.filter(pk=run.pk).update(status="processing", starts=1)
    return run


def test_those_who_ask_before_it_begins_share_a_run(shop):
    store = shop()

    asked = [ask(store, priority=priority) for priority in (5, 2, 8)]

    assert [each.created for each in asked] == [True, False, False]
    assert len({each.run.pk for each in asked}) == 1
    assert asked[-1].run.priority == 2


def test_who_asks_while_it_runs_gets_a_run_that_starts_afterwards(shop):
    store = shop()
    running = begun(store)

    first, second = ask(store), ask(store)

    assert first.created
    assert not second.created
    assert first.run == second.run != running


def test_S02_who_looks_at_a_page_joins_the_run_that_has_begun(shop):
    store = shop()
    running = begun(store)

    answers = [ask(store, join=True, forced=True, priority=1) for _ in range(5)]

    assert {each.run.pk for each in answers} == {running.pk}
    assert not any(each.created for each in answers)
    running.refresh_from_db()
    assert running.priority == 5
    assert Run.objects.count() == 1


def test_S37_a_page_load_makes_one_run_and_a_part_of_it_joins(shop):
    store = shop(providers=("market", "stalls"))

    first = ask(store, types=["orders"])
    whole = ask(store, types=["campaigns", "flows", "analytics"])

    assert first.run == whole.run
    assert whole.run.data_types == ["analytics", "campaigns", "flows", "orders"]


def test_S37_a_run_that_does_not_bring_all_of_it_is_not_joined(shop):
    store = shop(providers=("market", "stalls"))
    run = ask(store, types=["orders"]).run
    Run.objects.filter(pk=run.pk).update(status="processing")

    other = ask(store, types=["orders", "flows"], join=True)
    same = ask(store, types=["orders"], join=True)

    assert other.created
    assert same.run == run


def test_a_request_in_a_transaction_that_fails_leaves_nothing(shop):
    from django.db import transaction

    store = shop()

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ask(store)
        raise ZeroDivisionError

    assert not Run.objects.exists()


def test_a_run_asked_for_during_another_is_run_by_the_same_job(stand, shop, sql):
    store = shop()
    first = begun(store)
    second = ask(store).run

    rerun(first)
    rerun(second)

    first.refresh_from_db()
    second.refresh_from_db()
    assert [first.outcome, second.outcome] == [Outcome.SUCCEEDED] * 2
    assert first.completed_at <= second.started_at
    assert sql("SELECT count(*) FROM jobs WHERE type = 'sync-store'") == [(1,)]


def test_a_waiting_run_is_cancelled_at_once(shop):
    run = cancel(ask(shop()).run, reason="wrong store")

    assert (run.status, run.outcome) == (RunStatus.FAILED, Outcome.CANCELLED)
    assert run.error_message == "wrong store"


def test_S55_a_running_run_stops_at_its_next_page(stand, shop):
    stand.pages = 5
    run = ask(shop()).run
    after = "UPDATE sync_queue SET cancel_requested_at = now()"

    with connection.execute_wrapper(after_the_first_page(after)):
        rerun(run)

    run.refresh_from_db()
    assert run.outcome == Outcome.CANCELLED
    assert stand.cursors() == ["1"]


def test_S55_what_has_ended_cannot_be_cancelled(shop):
    run = sync(shop())

    with pytest.raises(AlreadyOver):
        cancel(run)


@pytest.mark.parametrize(
    ("status", "words"),
    [("auth_error", "new token"), ("paused", "paused"), (None, "no connection")],
)
def test_a_store_that_cannot_be_synced_says_what_to_do(shop, status, words):
    store = shop()
    if status is None:
        Connection.objects.all().delete()
    else:
        Connection.objects.update(status=status)

    with pytest.raises(NothingToSync, match=words):
        ask(store)


def test_a_row_written_in_sql_for_a_store_without_connections_ends_failed(sql, shop):
    store = make_store(None, providers=())
    sql(
        "INSERT INTO sync_queue (store_id, period_start, period_end)"
        " VALUES (%s, '2026-11-01', '2026-11-20')",
        store.pk,
    )
    run = Run.objects.get()

    rerun(run)

    run.refresh_from_db()
    assert (run.outcome, run.error_kind) == (Outcome.FAILED, "config")


def test_S58_a_connection_that_is_paused_stops_its_run_at_the_next_page(stand, shop):
    stand.pages = 5
    store = shop()
    run = ask(store).run

    after = "UPDATE store_connections SET status = 'paused'"

    with connection.execute_wrapper(after_the_first_page(after)):
        rerun(run)

    run.refresh_from_db()
    assert (run.outcome, run.error_code) == (Outcome.CANCELLED, "paused")
    assert stand.cursors() == ["1"]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-11-20", "2026-11-01", "before"),
        ("2025-01-01", "2026-11-01", "at most"),
        ("2026-11-01", "2999-01-01", "most|future"),
        ("2999-01-01", "2999-01-02", "future"),
        ("yesterday", "2026-11-01", "written"),
        ("2026-02-30", "2026-11-01", "written"),
        (None, "2026-11-01", "a first and a last"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(shop, start, end, words):
    with pytest.raises(InvalidPeriod, match=words):
        between(shop(), start, end)


def test_words_for_periods_end_today_in_the_zone_of_the_store(shop):
    store = shop()

    week, today = of_word(store, "7d"), of_word(store, "today")

    assert (week.end - week.start).days == 6
    assert today.start == today.end == week.end
    with pytest.raises(InvalidPeriod):
        of_word(store, "fortnight")


@pytest.mark.parametrize("wish", [{"types": ["gossip"]}, {"priority": 11}])
def test_a_wish_that_means_nothing_is_refused(shop, wish):
    with pytest.raises(InvalidRequest):
        ask(shop(), NOVEMBER, **wish)


def after_the_first_page(what):
    """Return a wrapper of statements that does this once the first page is stored."""
    done: list[bool] = []

    def wrapper(execute, statement, values, many, context):
        result = execute(statement, values, many, context)
        if not done and statement.startswith('UPDATE "sync_streams"'):
            done.append(True)
            execute(what, [], False, context)
        return result

    return wrapper
