"""Several tell of one lead at once: what each said is kept."""

import threading
import time

import pytest
from django.db import connection, transaction

from cadences.admit import Stranger, admit
from cadences.meet import meet, read
from cadences.models import Lead
from tests.cadences.people import company
from tests.queues.runners import race

pytestmark = pytest.mark.django_db(transaction=True)
WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def somebody_waits() -> None:
    """Return once another connection waits for a lock."""
    over = time.monotonic() + 20
    while time.monotonic() < over:
        with connection.cursor() as cursor:
            cursor.execute(WAITS)
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_facts_that_a_sync_brings_meanwhile_are_kept():
    acme = company()
    stranger = Stranger(external_id="7", name="Ana", data={"plan": "gold"})
    admit(acme.pk, [stranger])
    is_held = threading.Event()

    def act(number: int) -> None:
        with transaction.atomic():
            if number:
                is_held.wait()
                meet(acme, read({"external_id": "7", "data": {"city": "Recife"}}))
                return
            admit(acme.pk, [Stranger(external_id="7", data={"plan": "black"})])
            is_held.set()
            somebody_waits()

    race(2, act)

    assert Lead.objects.get().data == {"plan": "black", "city": "Recife"}


def test_a_lead_that_a_sync_brings_meanwhile_is_met():
    acme = company()
    is_there = threading.Event()

    def act(number: int) -> None:
        with transaction.atomic():
            if number:
                is_there.wait()
                meet(acme, read({"external_id": "7", "name": "Ana Lima"}))
                return
            admit(acme.pk, [Stranger(external_id="7", data={"plan": "gold"})])
            is_there.set()
            somebody_waits()

    race(2, act)

    lead = Lead.objects.get()
    assert (lead.name, lead.data) == ("Ana Lima", {"plan": "gold"})
