"""Syncs in real worker processes that are killed: nothing lost, nothing doubled."""

import os
import random
import signal
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
from django.db import connection

from queues.errors import ClaimLost
from queues.models import Job
from queues.outcomes import Lose
from queues.running import RunningJob
from queues.settle import settle
from queues.testing import _open
from syncs import clock
from syncs.models import CacheEntry, Event, Run
from syncs.states import OPEN, Outcome
from syncs.work import work
from tests.market.models import Sale
from tests.processes import celery, command, manage, running, until, worker
from tests.queues.runners import race
from tests.syncs.stores import ask, entry, rerun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

REQUESTS = int(os.environ.get("SYNC_REQUESTS", "240"))
STORES, CHILDREN, ASKERS = 12, 8, 4
KILLS = int(os.environ.get("SYNC_KILLS", "10"))
PATIENCE = 240.0

# How many tries were open at the moment when each of them was opened. A claim that
# only put a job under its limit was released at once, and ran nothing.
AT_ONCE = """
SELECT max(others), max(of_store) FROM (
    SELECT (SELECT count(*) FROM job_attempts AS b JOIN jobs ON jobs.id = b.job_id
            WHERE jobs.type = 'sync-store' AND b.claimed_at <= a.claimed_at
              AND b.finished_at > a.claimed_at
              AND b.outcome <> 'released') AS others,
           (SELECT count(*) FROM job_attempts AS b JOIN jobs ON jobs.id = b.job_id
            WHERE jobs.type = 'sync-store' AND b.claimed_at <= a.claimed_at
              AND b.finished_at > a.claimed_at
              AND b.outcome <> 'released' AND jobs.limit_key = mine.limit_key) AS of_store
    FROM job_attempts AS a JOIN jobs AS mine ON mine.id = a.job_id
    WHERE mine.type = 'sync-store' AND a.outcome <> 'released') AS seen
"""


@contextmanager
def crowd():
    """Run a worker of eight processes, however busy the machine is."""
    command = celery("worker", "-Q", "default", "-c", str(CHILDREN))
    with running(command, RITMO_PROCESS="worker") as process:
        process.wait_for("ready.", PATIENCE)
        yield process


def are_over():
    return not Run.objects.filter(status__in=OPEN).exists()


def most_at_once():
    """Return how many syncs ran at once at most, of all stores and of one."""
    with connection.cursor() as cursor:
        cursor.execute(AT_ONCE)
        return cursor.fetchone()


def kill(process, lucky):
    """SIGKILL one process of the pool."""
    with suppress(ProcessLookupError, IndexError):
        os.kill(lucky.choice(process.children()), signal.SIGKILL)


def test_S06_a_sync_that_dies_on_page_37_of_80_goes_on_there(stand, shop):
    stand.pages, stand.per_page = 80, 5
    reached, killed = threading.Event(), threading.Event()

    def script(call, times):
        if call.cursor == "37" and times == 1:
            reached.set()
            killed.wait(PATIENCE)

    stand.script = script
    store = shop()
    run = ask(store).run

    with worker("-c", "1") as process:
        assert reached.wait(PATIENCE)
        kill(process, random.Random(1))
        until(are_over, PATIENCE)

    run.refresh_from_db()
    assert (run.outcome, run.retry_count) == (Outcome.SUCCEEDED, 1)
    asked = [int(each) for each in stand.cursors()]
    assert asked == [*range(1, 38), *range(37, 81)]
    whole = [stand.row(n)["amount"] for n in range(400)]
    assert entry(store).record_count == Sale.objects.count() == len(whole)
    assert float(entry(store).data["total_sales"]) == sum(map(float, whole))
    assert Event.objects.filter(run=run, code="lease_expired").count() == 1


def ask_often(stores, asked, number):
    """Ask for the numbers of stores by chance, and note when and for which run."""
    dice = random.Random(number)
    for _ in range(REQUESTS // ASKERS):
        before = clock.now()
        asked.append((before, ask(dice.choice(stores)).run.pk))
        time.sleep(dice.uniform(0.02, 0.2))


def test_S04_S05_three_at_once_one_a_store_and_every_request_answered(stand, shop):
    stand.pages, stand.delay = 3, 0.02
    stores = [shop(f"Loja {n}") for n in range(STORES)]
    lucky = random.Random(7)
    asked: list[Any] = []
    ask_all = partial(ask_often, stores, asked)

    with crowd() as process:
        asking = threading.Thread(
            target=race, args=[ASKERS, ask_all], kwargs={"seconds": PATIENCE}
        )
        asking.start()
        for _ in range(KILLS):
            time.sleep(lucky.uniform(0.5, 1.5))
            kill(process, lucky)
        asking.join(PATIENCE)
        until(are_over, PATIENCE)

    runs = Run.objects.in_bulk()
    assert len(asked) == REQUESTS
    assert {each.outcome for each in runs.values()} == {Outcome.SUCCEEDED}
    assert all(runs[key].started_at > before for before, key in asked)
    assert most_at_once() == (3, 1)
    published = Event.objects.filter(code="published")
    assert published.count() == len(runs)
    versions = sum(CacheEntry.objects.values_list("version", flat=True))
    assert versions == len(runs)


def test_a_row_written_in_sql_is_executed(stand, shop, sql):
    store = shop()
    with worker("-c", "1"):
        sql(
            "INSERT INTO sync_queue (store_id, period_start, period_end)"
            " VALUES (%s, '2026-11-01', '2026-11-20')",
            store.pk,
        )
        until(are_over)

    assert Run.objects.get().outcome == Outcome.SUCCEEDED
    assert entry(store).record_count == 2


def test_S01_who_asks_at_the_same_moment_shares_one_run(stand, shop):
    store = shop()

    answers = [race(16, lambda _: ask(store)) for _ in range(3)]

    for each in answers:
        assert sum(one.created for one in each) <= 1
    assert len({one.run.pk for each in answers for one in each}) == 1
    assert Run.objects.count() == 1


def test_S39_many_readers_of_old_numbers_start_one_run(stand, shop, sql):
    from syncs.read import read
    from tests.syncs.stores import NOVEMBER

    store = shop()
    sql(
        "INSERT INTO store_sync_cache"
        " (store_id, data_type, period_start, period_end, data, source)"
        " VALUES (%s, 'orders', %s, %s, '{\"total_orders\": 7}', 'shopify')",
        store.pk, NOVEMBER.start, NOVEMBER.end,
    )  # fmt: skip

    answers = race(40, lambda _: read(store, NOVEMBER))

    assert {one.found[0].data["total_orders"] for one in answers} == {7}
    assert len({one.run.pk for one in answers}) == 1
    assert Run.objects.count() == 1
    assert not stand.calls


def taken_away(claim):
    """Let another process close the attempt, as if its worker were dead."""

    def close():
        settle([(claim, Lose("taken for dead"))])
        connection.close()

    thread = threading.Thread(target=close)
    thread.start()
    thread.join()


def test_S08_a_ghost_writes_nothing(stand, shop):
    stand.pages = 3
    run = ask(shop()).run
    claim = _open(Job.objects.get())
    stand.script = lambda call, times: (
        taken_away(claim) if call.cursor == "2" and times == 1 else None
    )

    with pytest.raises(ClaimLost):
        work(run.dedupe_key, RunningJob(claim))

    assert Sale.objects.count() == 2  # the page before
    assert stand.cursors() == ["1", "2"]
    assert not CacheEntry.objects.exists()
    rerun(run)
    run.refresh_from_db()
    assert run.outcome == Outcome.SUCCEEDED
    assert stand.cursors() == ["1", "2", "2", "3"]


def test_S53_the_command_attaches_to_a_sync_that_runs_and_follows_it(stand, shop):
    stand.pages, go_on = 8, threading.Event()
    stand.script = lambda call, _: (
        (call.cursor == "4" and not go_on.wait(PATIENCE)) or None
    )
    store = shop()
    days = ("--from", "2026-11-01", "--to", "2026-11-20")
    run = ask(store).run
    with worker("-c", "1"):
        until(lambda: "4" in stand.cursors(), PATIENCE)
        early = command(
            "sync_store", str(store.pk), *days, "--wait", "0", seconds=PATIENCE
        )
        with running(manage("sync_store", str(store.pk), *days)) as following:
            following.wait_for(f"{run.pk} joined", PATIENCE)
            go_on.set()
            code = following.wait(PATIENCE)
            said = following.output

    assert (early.returncode, code) == (3, 0), said
    assert "orders: complete, 16 / 16" in said
    assert Run.objects.count() == 1
    # On a busy machine the page that waited is asked for again.
    assert set(stand.cursors()) == {str(n) for n in range(1, 9)}


def test_S53_what_the_command_starts_says_who_started_it(stand, shop):
    store = shop()
    with worker("-c", "1"):
        done = command("sync_store", str(store.pk), "--force", seconds=PATIENCE)

    run = Run.objects.get()
    assert (done.returncode, run.trigger) == (0, "command")
    assert run.triggered_by
