"""One store with much to do delays the others by little: the real queue, simulated time."""

import heapq
from datetime import timedelta
from itertools import count
from statistics import median

import pytest

from queues.admit import admit
from queues.bind import bind
from queues.claim import claim
from queues.models import Job
from queues.outcomes import Snooze, Succeed
from queues.settle import settle
from syncs.models import Store
from syncs.ports import Period
from syncs.request import Wish, request
from tests.syncs.stores import NOVEMBER, connect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

SLOW, LONG, OTHERS, QUICK = 40, 300.0, 99, 20.0
SLICE, SLOTS = 120.0, 3
ORIGINAL = 4340.0
"""Seconds that the others waited in the seed's order: the median."""


class Simulation:
    """Three places; a sync takes as long as it is said to, and gives way after a slice."""

    def __init__(self, me, left):
        self.me = me
        self.left, self.now, self.number = left, 0.0, count()
        self.begun, self.ended = {}, {}
        self.slices = []
        self.most = 0

    def run(self):
        """Go from one end of a slice to the next until nothing is left."""
        busy = self._fill([])
        while busy:
            self.most = max(self.most, len(busy))
            stores = [claim.payload["store"] for *_, claim in busy]
            assert len(stores) == len(set(stores))
            self.now, _, claim = heapq.heappop(busy)
            self._end(claim)
            busy = self._fill(busy)

    def _fill(self, busy):
        while len(busy) < SLOTS:
            found = admit("sync", ["default"], worker=self.me, limit=1)
            if not found.claims:
                break
            (taken,) = found.claims
            key = taken.unique_key
            self.begun.setdefault(key, self.now)
            over = self.now + min(self.left[key], SLICE)
            heapq.heappush(busy, (over, next(self.number), taken))
        return busy

    def _end(self, claim):
        self.slices.append((claim.unique_key, self.now))
        self.left[claim.unique_key] -= min(self.left[claim.unique_key], SLICE)
        if self.left[claim.unique_key] > 0:
            settle([(claim, Snooze(0))])
            return
        self.ended[claim.unique_key] = self.now
        settle([(claim, Succeed())])


def ask(name, stand, periods, seconds, priority):
    """Ask for those days of a store; return how long each takes."""
    store = Store.objects.create(name=name, timezone="UTC", currency="BRL")
    connect(store, stand)
    return {
        request(store, days, Wish(priority=priority)).run.dedupe_key: seconds
        for days in periods
    }


@pytest.fixture
def me():
    from queues.models import Worker
    from queues.presence import forget, present

    forget()
    yield present(Worker.Kind.CHILD)
    forget()


def test_S35_a_slow_store_delays_the_others_by_little(stand, me):
    first = NOVEMBER.start - timedelta(days=SLOW)
    days = [Period(first + timedelta(days=n), NOVEMBER.end) for n in range(SLOW)]
    slow = ask("Lenta", stand, days, LONG, 1)
    others: dict[str, float] = {}
    for number in range(OTHERS):
        others |= ask(f"Loja {number}", stand, [NOVEMBER], QUICK, 5)

    # What SQL enqueued is put under its limit by whoever meets it first.
    assert bind(claim(["default"], worker=me, limit=SLOW + OTHERS)) == []
    simulation = Simulation(me, slow | others)
    simulation.run()

    waits = [simulation.begun[key] for key in others]
    assert len(simulation.ended) == SLOW + OTHERS
    assert simulation.most == SLOTS
    assert median(waits) <= 0.15 * ORIGINAL
    # It gets on meanwhile, by a slice a round, and is done in its own time.
    last = max(simulation.ended[key] for key in others)
    assert any(key in slow and at <= last for key, at in simulation.slices)
    assert simulation.now <= SLOW * LONG + last
    assert not Job.objects.filter(status__in=["pending", "processing"]).exists()
