"""Stores that are all due at once: how long, how fair, as foretold, and read meanwhile."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.test.utils import override_settings

from queues.ask import ask
from syncs.everyone import request_all
from syncs.forecast import forecast
from syncs.models import Run
from tests.bench.console import UNHASHED
from tests.bench.shelf import NAME, SECONDS
from tests.processes import celery, running, until

PLACES = 3
WARM = 60
"""Syncs from which the forecast learns how long one takes."""
PATIENCE = 3600.0
URGENT, USUAL = 3, 7
"""Every tenth store is of the first class."""

STORES = f"""
WITH made AS (
    INSERT INTO stores (name, timezone)
    SELECT 'Loja ' || n, 'UTC' FROM generate_series(1, %s) AS n RETURNING id)
INSERT INTO store_connections (store_id, provider) SELECT id, '{NAME}' FROM made
"""
# What people look at: a month of figures a store, current for an hour.
ENTRIES = """
INSERT INTO store_sync_cache (store_id, data_type, period_start, period_end, source,
    data, record_count, timezone, as_of, fresh_until, hard_until)
SELECT id, 'orders', today - 6, today, 'shopify',
    jsonb_build_object('total_orders', 12, 'total_sales', '1200.50', 'currency', 'BRL',
        'by_day', (SELECT jsonb_agg(jsonb_build_object('date', today - day,
            'total_orders', day, 'net_sales', '40.01', 'total_sales', '44.02'))
            FROM generate_series(0, 29) AS day)),
    12, 'UTC', now(), now() + interval '9 hours', now() + interval '20 hours'
FROM stores, (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS clock
"""
CLASSES = """
UPDATE sync_queue SET priority = %s WHERE status = 'queued'
AND abs(hashtext(store_id::text)) %% 10 = 0
"""
WAITS = """
SELECT priority, extract(epoch FROM started_at - %s)::float8
FROM sync_queue WHERE queued_at >= %s - interval '1 hour' AND started_at > %s
"""


@dataclass(frozen=True, slots=True)
class Morning:
    """What came of it; times in seconds, reads in milliseconds."""

    enqueued: float
    foretold: float
    took: float
    worst: float
    """The longest wait of a store, in medians of its class."""
    reads: Sequence[float]

    @property
    def off(self) -> float:
        """By how much the forecast was off, in percent."""
        return 100 * abs(self.foretold - self.took) / self.took

    @property
    def read_p95(self) -> float:
        """What 95 of 100 reads took at most."""
        return quantiles(self.reads, n=20, method="inclusive")[-1]


def prepare(count: int) -> None:
    """Fill the tables with so many stores, all with numbers of the last week."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE stores, jobs, job_attempts, sync_queue CASCADE")
        cursor.execute(STORES, [count])
        cursor.execute(ENTRIES)
        cursor.execute("VACUUM ANALYZE stores, store_connections, store_sync_cache")


def reads(count: int, times: int) -> list[float]:
    """Return the milliseconds of so many reads among that many entries, all whole."""
    prepare(count)
    with _reader() as read:
        return [read() for _ in range(times)]


def morning(count: int, seconds: float) -> Morning:
    """Let so many stores be due at once, each of which takes so long; watch."""
    prepare(count)
    command = celery(
        "worker", "-Q", "default", "-c", str(PLACES),
        "--without-gossip", "--without-mingle",
    )  # fmt: skip
    environment = {"RITMO_PROCESS": "worker", SECONDS: str(seconds)}
    with running(command, **environment) as process:
        process.wait_for("ready.")
        _warm()
        _allow(0)
        began = time.perf_counter()
        request_all(days=30, spread=0, skip=0)
        enqueued = time.perf_counter() - began
        _classes()
        _allow(PLACES)
        foretold = forecast().span.total_seconds()
        taken, start = _watched()
    return Morning(enqueued, foretold, *_ended(start), taken)


def _warm() -> None:
    """Sync some stores, of other days, so that a forecast has something to go by."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sync_queue (store_id, period_start, period_end)"
            " SELECT id, '2026-01-01', '2026-01-31' FROM stores LIMIT %s",
            [WARM],
        )
    until(lambda: not _open(), PATIENCE, every=0.5)


def _allow(places: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE limits SET running = %s WHERE name = 'sync'", [places])


def _classes() -> None:
    with connection.cursor() as cursor:
        cursor.execute(CLASSES, [URGENT])


def _watched() -> tuple[list[float], object]:
    """Read now and then until all is done; return the times, and when it began."""
    ((start,),) = ask("SELECT clock_timestamp()")
    taken: list[float] = []
    over = threading.Event()
    thread = threading.Thread(target=_look_on, args=[over, taken])
    thread.start()
    try:
        until(lambda: not _open(), PATIENCE, every=0.5)
    finally:
        over.set()
        thread.join()
    return taken, start


def _look_on(over: threading.Event, taken: list[float]) -> None:
    with _reader() as read:
        while not over.wait(0.1):
            taken.append(read())
    connections.close_all()


def _open() -> int:
    return Run.objects.filter(status__in=["queued", "processing"]).count()


def _ended(start: object) -> tuple[float, float]:
    """Return how long all took, and the longest wait in medians of its class."""
    ((took,),) = ask(
        "SELECT extract(epoch FROM max(completed_at) - %s)::float8 FROM sync_queue",
        start,
    )
    waits: dict[int, list[float]] = {}
    for priority, wait in ask(WAITS, start, start, start):
        waits.setdefault(priority, []).append(wait)
    return took, max(max(each) / median(each) for each in waits.values())


@contextmanager
def _reader() -> "Iterator[Read]":
    """Yield a function that opens the numbers of some store, and times it."""
    user, _ = User.objects.get_or_create(username="bench", is_superuser=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    stores = [each for (each,) in ask("SELECT id FROM stores")]
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": UNHASHED}):
        yield Read(client, stores)


class Read:
    """Opens the page and the API of stores in turn, as their people do."""

    def __init__(self, client: Client, stores: Sequence[UUID]) -> None:
        self.client, self.stores, self.turn = client, stores, 0
        for _ in range(4):
            self()

    def __call__(self) -> float:
        """Return the milliseconds of one read."""
        self.turn += 1
        store = random.choice(self.stores)
        page, data = f"/stores/{store}/", f"/api/syncs/stores/{store}/data"
        began = time.perf_counter()
        answer = self.client.get(f"{page if self.turn % 2 else data}?period=7d")
        took = time.perf_counter() - began
        assert answer.status_code == 200, answer.content
        return took * 1000
