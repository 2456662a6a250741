"""Several hands of one process: at once, each run once, and nothing left lying about."""

import threading
import time

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from cadences import clock
from cadences.claim import candidates, claim
from cadences.deliver import deliver
from cadences.hands import HANDS, deliver_all
from cadences.models import Run
from tests.cadences.people import cadence, company, fresh, many

LATER = 1e12


def claimed(count, *steps):
    company(calendar=None)
    many(cadence(*steps), count)
    now = clock.now()
    return claim(candidates(count, now=now), now=now).won


@pytest.mark.django_db(transaction=True)
def test_hands_deliver_at_once_and_each_run_once(phones):
    pairs = claimed(24)
    busy, most, lock = 0, 0, threading.Lock()

    def slowly(letter):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.05)
        with lock:
            busy -= 1
        return phones.reach(letter)

    phones.script = [slowly] * 24
    lines = deliver_all(pairs, until=LATER)

    assert [each["status"] for each in lines] == ["DISPARADO"] * 24
    assert set(phones.counts().values()) == {1}
    assert 1 < most <= HANDS


@pytest.mark.django_db(transaction=True)
def test_without_time_everything_is_handed_back(phones):
    pairs = claimed(10)

    assert deliver_all(pairs, until=0) == []

    assert phones.ledger == []
    assert not Run.objects.exclude(claim_token=None).exists()
    assert Run.objects.filter(next_run_at__lte=clock.now()).count() == 10


@pytest.mark.django_db(transaction=True)
def test_what_stops_one_hand_stops_all_and_the_rest_is_handed_back(phones, monkeypatch):
    pairs = claimed(30)
    done: list[object] = []

    def broken(run_id, token):
        if len(done) >= 8:
            raise OperationalError("the database went away")
        done.append(run_id)
        return deliver(run_id, token)

    monkeypatch.setattr("cadences.hands.deliver", broken)

    with pytest.raises(OperationalError, match="went away"):
        deliver_all(pairs, until=LATER)

    assert len(phones.ledger) == len(done) < 30
    assert not Run.objects.filter(last_step=0).exclude(claim_token=None).exists()


@pytest.mark.django_db
def test_a_step_takes_few_statements(phones):
    first, second = claimed(2, {}, {"delay": 1, "unit": "days"})
    deliver(*first)

    with CaptureQueriesContext(connection) as seen:
        deliver(*second)

    assert len(seen.captured_queries) <= 21, [q["sql"] for q in seen.captured_queries]
    assert fresh(Run.objects.get(pk=second[0])).last_step == 1
