"""Several runners at once: scenarios A6, F2, F9, F10, H6, and what a lost claim reports.

RITMO_CROWD=100000 makes that many runs due at once instead of some thousands.
"""

import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from cadences import claim as claiming
from cadences.control import switch
from cadences.hands import HANDS
from cadences.journal import open_log
from cadences.models import Account, Attempt, Event, Quota, Run, RunnerLog
from cadences.runner import CHUNK, MOST, PAGE, STEPS, hand_out, run_here
from cadences.states import Trigger
from queues.models import Job
from tests.cadences.ledger import doubled
from tests.cadences.people import cadence, company, crowd, many
from tests.queues.runners import race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


CROWD = int(os.environ.get("RITMO_CROWD", "6000"))


def resident() -> float:
    """Return the memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def manual() -> Any:
    return run_here(Trigger.MANUAL)


@pytest.mark.parametrize(("runners", "due"), [(2, 50), (4, 200), (8, 400)])
def test_a6_runners_at_once_send_each_step_once(runners, due, phones):
    many(cadence(), due)

    passes = race(runners, lambda _: manual())

    assert len(phones.ledger) == due
    assert doubled(phones) == {}
    sent = Counter(
        line["runId"]
        for each in passes
        for line in each.results
        if line["status"] == "DISPARADO"
    )
    assert set(sent.values()) == {1}
    assert len(sent) == due
    assert RunnerLog.objects.aggregate(n=Sum("steps_executed"))["n"] == due
    assert Event.objects.filter(type="DISPARADO").count() == due
    others = {line["status"] for each in passes for line in each.results}
    assert others <= {"DISPARADO", "SKIPPED"}


def test_a6_a_lost_compare_and_set_is_skipped(clock, phones):
    many(cadence(), 3)
    seen = claiming.candidates(10, now=clock())
    first = claiming.claim(seen[:2], now=clock())

    second = claiming.claim(seen, now=clock())

    assert [run_id for run_id, _ in first.won] == [each.run_id for each in seen[:2]]
    assert [each.run_id for each in second.lost] == [each.run_id for each in seen[:2]]
    assert len(second.won) == 1


def test_f2_the_last_message_of_a_quota_goes_once(phones):
    home = company()
    Account.objects.filter(company=home).update(per_day=7)
    many(cadence(), 20)

    race(3, lambda _: manual())

    assert len(phones.ledger) == 7
    assert Quota.objects.get().used == 7
    assert Run.objects.filter(status="ATIVA").count() == 13
    assert Attempt.objects.count() == 7


def test_f9_a_company_with_few_is_not_behind_one_with_many(phones):
    many(cadence(at="big"), 60)
    few = many(cadence(at="small"), 5)

    done = run_here(Trigger.MANUAL, limit=10)

    ids = {str(each.pk) for each in few}
    assert ids <= {line["runId"] for line in done.results}


def test_f9_f10_a_crowd_is_handed_out_once_and_a_small_company_among_the_first(phones):
    crowd(cadence(at="big"), CROWD)
    few = many(cadence(at="small"), 10)
    before = resident()
    log = open_log(Trigger.CRON)

    assert hand_out(log, limit=CROWD + 10) == CROWD + 10
    assert resident() - before < 64  # MB

    chunks = Job.objects.filter(type=STEPS).order_by("pk")
    pairs = [chunk for (chunk,) in chunks.values_list("payload__runs").iterator()]
    ids = [run_id for chunk in pairs for run_id, _ in chunk]
    assert len(ids) == len(set(ids)) == CROWD + 10
    assert {len(chunk) for chunk in pairs[:-1]} == {CHUNK}
    assert {str(each.pk) for each in few} <= set(ids[:PAGE])
    assert not Run.objects.filter(claim_token=None).exists()
    with connection.cursor() as cursor:  # the others are not delivered: forget them
        cursor.execute("TRUNCATE jobs, job_batches CASCADE")


def test_f10_a_tick_takes_no_more_than_workers_deliver_before_its_claims_run_out():
    crowd(cadence(at="big"), MOST + 100)
    log = open_log(Trigger.CRON)

    assert hand_out(log) == MOST

    assert Run.objects.filter(claim_token=None).count() == 100
    log.refresh_from_db()
    assert log.runs_touched == MOST


def test_h6_with_the_switch_calls_on_the_wire_end_and_none_begins(clock, phones):
    many(cadence(), 40)
    begun, go, ends = threading.Semaphore(0), threading.Event(), []

    def slowly(letter):
        begun.release()
        assert go.wait(30)
        return phones.reach(letter)

    phones.script = [slowly] * HANDS

    def one_pass() -> None:
        ends.append(manual())
        connection.close()

    busy = threading.Thread(target=one_pass)
    busy.start()
    for _ in range(HANDS):
        assert begun.acquire(timeout=30)
    switch(on=False, actor="ana", reason="fire")
    go.set()
    busy.join()

    assert len(phones.ledger) == len(phones.calls) == HANDS
    assert Counter(line["status"] for line in ends[0].results) == {
        "DISPARADO": HANDS, "ADIADO": 40 - HANDS,
    }  # fmt: skip
    clock.pass_(minutes=5)
    assert manual().summary["paused"] is True
    assert len(phones.ledger) == HANDS
    switch(on=True, actor="ana")
    manual()
    assert len(phones.ledger) == 40
    assert doubled(phones) == {}
