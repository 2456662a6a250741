"""Several runners at once: scenarios A6, F2, F9, and what a lost claim reports."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from cadences import claim as claiming
from cadences.models import Account, Attempt, Event, Quota, Run, RunnerLog
from cadences.runner import run_here
from cadences.states import Trigger
from tests.cadences.ledger import doubled
from tests.cadences.people import cadence, company, many

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def at_once(count: int, act: Callable[[], Any]) -> list[Any]:
    """Let threads do something at the same time; return what each returned."""
    start, ends = threading.Barrier(count), []

    def target() -> None:
        start.wait()
        try:
            ends.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=target) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == count
    return ends


def manual() -> Any:
    return run_here(Trigger.MANUAL)


@pytest.mark.parametrize(("runners", "due"), [(2, 50), (4, 200), (8, 400)])
def test_a6_runners_at_once_send_each_step_once(runners, due, phones):
    many(cadence(), due)

    passes = at_once(runners, manual)

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

    at_once(3, manual)

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
