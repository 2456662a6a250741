"""Cadences are opened, closed, paused and archived; funnels count what became of it."""

from datetime import timedelta

import pytest

from cadences.errors import IllegalMove
from cadences.funnel import funnel, living, standing
from cadences.mend import mend
from cadences.models import Cadence, Execution, Run
from cadences.outcomes import Refused, Unknown, Why
from cadences.publish import draft
from cadences.runner import run_here
from cadences.states import RunStatus, Trigger
from cadences.steer_cadence import may_go, steer
from queues.models import AuditEntry
from tests.cadences.people import cadence, company, enrolled, fresh

pytestmark = pytest.mark.django_db
State = Cadence.State


def test_runs_go_on_with_the_wait_that_was_left(clock, phones):
    which = cadence({}, {"delay": 2, "unit": "hours"})
    (run,) = enrolled(which)
    run_here(Trigger.MANUAL)
    clock.pass_(hours=2)
    steer(which, State.PAUSED)
    run_here(Trigger.MANUAL)
    assert fresh(run).status == RunStatus.PAUSED

    clock.pass_(hours=22)
    Run.objects.update(remaining=timedelta(minutes=7))
    steer(which, State.ACTIVE)
    Run.objects.update(resume_at=clock.moment)
    mend(limit=10)

    again = fresh(run)
    assert again.status == RunStatus.ACTIVE
    assert again.next_run_at == clock.moment + timedelta(minutes=7)
    told = AuditEntry.objects.filter(action="cadence.active").get()
    assert told.after == {"state": "active", "runs": 1}


def test_a_cadence_goes_only_where_it_can():
    bare = Cadence.objects.create(company=company(), code="bare")
    which = cadence()

    with pytest.raises(IllegalMove):
        steer(bare, State.ACTIVE)
    assert steer(bare, State.ARCHIVED).state == State.ARCHIVED
    assert not may_go(bare, State.CLOSED)
    assert steer(which, State.ARCHIVED).state == State.ARCHIVED
    with pytest.raises(IllegalMove):
        steer(which, State.ACTIVE)
    assert steer(which, State.CLOSED).state == State.CLOSED


def test_a_funnel_tells_what_became_of_each_step(clock, phones):
    which = cadence({}, {"delay": 1})
    enrolled(which, 4)
    phones.script = [Unknown("lost"), Refused(Why.NOT_SENT, "refused")]
    run_here(Trigger.MANUAL)
    one, two = Execution.objects.filter(state="sent").order_by("pk")
    Execution.objects.filter(pk=one.pk).update(delivery="read", delivery_rank=3)
    Execution.objects.filter(pk=two.pk).update(delivery="delivered", delivery_rank=2)
    Run.objects.filter(pk=one.run_id).update(
        status="CONCLUIDA", exit_reason="replied", next_run_at=None, claim_token=None
    )

    found = funnel(which.pk)

    (count,) = found.counts.values()
    assert (found.runs, found.is_cut, count.position) == (4, False, 1)
    assert (count.sent, count.delivered, count.read) == (2, 2, 1)
    assert (count.replied, count.unknown, count.refused) == (1, 1, 1)
    assert funnel(which.pk, newest=3).is_cut
    assert standing([which.pk])[which.pk] == {"ATIVA": 3, "CONCLUIDA": 1}
    draft(which)
    assert living(which.pk) == {which.published.pk: 3}
