"""Workers that die at every point of a sync, and at any: nothing lost, nothing twice."""

import os
import random
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from queues.invariants import violations
from queues.models import Job
from syncs import tick
from syncs.invariants import INVARIANTS
from syncs.models import CacheEntry, Connection, Event, Run, StreamRun, StreamState
from syncs.read import look
from syncs.states import OPEN, Outcome
from tests.market.models import Sale
from tests.market.traps import NAMES
from tests.processes import celery, running, until, worker
from tests.syncs.stores import NOVEMBER, ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]

PATIENCE = 240.0
BOTH = ("market", "stalls")
TYPES = ["orders", "campaigns", "flows", "analytics"]
PUBLICATIONS = int(os.environ.get("SYNC_PUBLICATIONS", "3"))
READS = int(os.environ.get("SYNC_READS", "2000"))
RUNS = int(os.environ.get("SYNC_RUNS", "18"))
DEATHS, FAULTS, STORES = 0.02, 0.01, 12


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A file that names the point at which a worker dies."""
    return tmp_path / "trap"


def are_over() -> bool:
    return not Run.objects.filter(status__in=OPEN).exists()


def sync(store: Any) -> Run:
    """Ask, and wait for the end."""
    run = ask(store, forced=True).run
    until(lambda: not Run.objects.filter(pk=run.pk, status__in=OPEN).exists(), PATIENCE)
    until(lambda: not Job.objects.filter(status="processing").exists(), PATIENCE)
    run.refresh_from_db()
    return run


def left(store: Any) -> dict[str, Any]:
    """Return all that a sync leaves behind: facts, numbers, places and its story."""
    links = {each.pk: each.provider for each in Connection.objects.filter(store=store)}
    sales = Sale.objects.filter(connection_id__in=links)
    told = Event.objects.filter(run__store=store).values_list("code", flat=True)
    return {
        "runs": list(
            Run.objects.filter(store=store).values_list("status", "outcome", "slices")
        ),
        "facts": sorted(
            (links[key], *rest)
            for key, *rest in sales.values_list(
                "connection_id", "external_id", "day", "amount"
            )
        ),
        "numbers": list(
            CacheEntry.objects.filter(store=store).order_by("data_type").values_list(
                "data_type", "data", "version", "record_count", "sync_status"
            )
        ),
        "places": list(
            StreamState.objects.filter(connection__in=links).order_by("stream")
            .values_list("stream", "page_cursor", "pages_done", "generation", "counts")
        ),
        "streams": list(
            StreamRun.objects.filter(run__store=store).order_by("stream").values_list(
                "stream", "status", "pages", "rows_seen", "restarts", "passes"
            )
        ),
        "story": {code: list(told).count(code) for code in ("published", "ended")},
    }  # fmt: skip


def wasted(stand: Any, store: Any) -> int:
    """Return how many pages were asked for more often than once."""
    accounts = Connection.objects.filter(store=store)
    names = set(accounts.values_list("external_account", flat=True))
    calls = Counter(
        (call.account, call.stream, call.cursor)
        for call in stand.calls
        if call.account in names
    )
    return sum(calls.values()) - len(calls)


def test_S07_a_worker_that_dies_at_any_point_leaves_what_an_undisturbed_one_does(
    stand, shop, trap
):
    stand.pages, stand.per_page = 3, 1
    with worker("-c", "1", TRAP=str(trap)):
        calm = shop("Calma", providers=BOTH)
        sync(calm)
        expected = left(calm)
        for point in NAMES:
            store = shop(point, providers=BOTH)
            trap.write_text(point)
            run = sync(store)

            assert not trap.exists(), f"nobody died {point}"
            assert run.outcome == Outcome.SUCCEEDED, (point, run.error_message)
            assert left(store) == expected, point
            assert wasted(stand, store) <= 1, point
    assert expected["story"] == {"published": 1, "ended": 1}


class Readers:
    """Threads that read the numbers of a store all the time."""

    def __init__(self, store: Any, count: int = 3) -> None:
        self.store, self.seen, self.reads = store, set[Any](), 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(count)]

    def __enter__(self) -> "Readers":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join()

    def _read(self) -> None:
        while not self._over.wait(0.002):
            found = look(self.store, NOVEMBER, TYPES)
            self.seen.add(
                tuple((each.version, each.data["total_orders"]) for each in found)
            )
            self.reads += 1
        connection.close()


def test_S38_readers_never_see_half_of_a_publication(stand, shop, trap):
    stand.pages, stand.per_page = 1, 1
    store = shop(providers=BOTH)
    with worker("-c", "1", TRAP=str(trap)):
        sync(store)
        with Readers(store) as readers:
            for number in range(PUBLICATIONS):
                stand.pages = 2 + number % 4
                trap.write_text("inside publication")
                assert sync(store).outcome == Outcome.SUCCEEDED
                assert not trap.exists()
            until(lambda: readers.reads >= READS, PATIENCE)

    assert all(len(set(each)) == 1 for each in readers.seen)
    assert {each[0][0] for each in readers.seen} == set(range(1, PUBLICATIONS + 2))


def faulty(dice: random.Random, share: float) -> Any:
    """Return a script that commits each of the faults by chance."""
    soon = {"retry-after": "1"}
    faults = [
        lambda _: (500, {}),
        lambda _: (429, {"headers": dict(soon)}),
        lambda _: (403, {"headers": dict(soon)}),
        lambda _: (410, {}),
        lambda _: (200, b"<!doctype html>"),
        lambda _: (200, b'{"rows": ['),
        lambda _: (200, b""),
        lambda _: (200, {"next": None}),
        lambda call: (200, {"rows": [], "next": call.cursor, "total": 0}),
        lambda _: (200, {"rows": [], "next": None, "total": 999}),
        lambda _: (200, {"rows": [{"id": "b", "bad": 1}], "next": None, "total": 0}),
    ]

    def script(call: Any, _: int) -> Any:
        for each in faults:
            if dice.random() < share:
                return each(call)
        return None

    return script


class Watch:
    """A thread that looks at the invariants all the time, and after the queue."""

    def __init__(self) -> None:
        self.broken: list[Any] = []
        self.looks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            self.broken += list(violations(INVARIANTS))
            self.looks += 1
            if self.looks % 5 == 0:
                tick.tick()
        connection.close()


@contextmanager
def mortals(**environment: str) -> Any:
    """Run a worker of eight processes that die by chance."""
    command = celery("worker", "-Q", "default", "-c", "8")
    with running(command, RITMO_PROCESS="worker", **environment) as process:
        process.wait_for("ready.", PATIENCE)
        yield process


def test_S61_whatever_dies_or_errs_the_facts_are_those_of_the_provider(stand, shop):
    dice = random.Random(61)
    stand.pages, stand.per_page, stand.delay = 4, 2, 0.01
    stores = [shop(f"Loja {n}") for n in range(STORES)]
    stand.script = faulty(dice, FAULTS)

    with mortals(DEATHS=str(DEATHS), HASTE="200"), Watch() as watch:
        for _ in range(RUNS // STORES):
            for store in stores:
                ask(store, forced=True)
            until(are_over, PATIENCE)
        dead = Event.objects.filter(code="lease_expired").count()
        stand.script = None
        Connection.objects.update(breaker_until=None, consecutive_errors=0)
    with worker("-c", "3"):
        last = [sync(store) for store in stores]

    assert watch.broken == []
    assert watch.looks > RUNS / STORES
    assert dead > 0
    assert {each.outcome for each in last} == {Outcome.SUCCEEDED}
    assert Run.objects.count() >= RUNS
    seed = sorted((f"o-{n}", float(f"{n}.50")) for n in range(8))
    for link in Connection.objects.all():
        facts = Sale.objects.filter(connection_id=link.pk)
        found = facts.values_list("external_id", "amount")
        assert sorted((key, float(amount)) for key, amount in found) == seed
