"""People who reply, opt out, pause and take over: scenarios C1 to C15."""

import threading
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from cadences.answer import bounce, hear, hold, leave, opt_out, takes_over
from cadences.conclude import conclude
from cadences.deliver import deliver
from cadences.enroll import enroll
from cadences.errors import Conflict, IllegalMove, NotEnrolled
from cadences.intend import Intent, intend, lock
from cadences.models import Event, Execution, Lead, Run, Suppression, Task
from cadences.pause import (
    cancel,
    finish_task,
    pause,
    reschedule,
    resume_run,
    run_now,
    skip_step,
)
from cadences.ports import channel
from cadences.replies import Kind, Reading
from cadences.states import ExitReason
from tests.cadences.people import (
    SAO_PAULO,
    T,
    cadence,
    claimed,
    enrolled,
    execution,
    fresh,
    lead,
    told,
)
from tests.cadences.providers import run

pytestmark = pytest.mark.django_db

TWO: tuple[dict[str, Any], ...] = ({}, {"delay": 3, "unit": "days"})
HUMAN = Reading(Kind.HUMAN)


def say(one: Run, reading: Reading = HUMAN, **said: Any) -> None:
    hear(one.lead_id, reading, medium="whatsapp", **said)


def on_the_wire(clock: Any) -> Intent:
    """Commit to the one due run; its call has not ended."""
    decision = intend(lock(claimed(clock)[0]), now=clock())
    assert isinstance(decision, Intent)
    return decision


def land(intent: Intent) -> None:
    """Let the call end well."""
    conclude(intent, channel(intent.adapter).send(intent.letter), duration_ms=5)


def test_c1_a_reply_between_claim_and_commit_stops_the_message(clock, phones):
    (one,) = enrolled(cadence())
    pair = claimed(clock)
    say(one)

    assert deliver(*pair).result == "SKIPPED"

    one = fresh(one)
    assert (one.status, one.exit_reason) == ("CONCLUIDA", "replied")
    assert "RESPOSTA_DETECTADA" in told(one)
    assert phones.ledger == []


def test_c1_the_gate_stops_a_reply_that_stopped_nothing_else(clock, phones):
    (one,) = enrolled(cadence())
    clock.pass_(minutes=1)
    Lead.objects.update(replied_at=clock())
    clock.pass_(minutes=1)

    run()

    assert fresh(one).exit_reason == "replied"
    assert phones.ledger == []


def test_c2_a_reply_during_the_call_ends_the_run_for_good(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    intent = on_the_wire(clock)
    say(one)
    land(intent)

    one = fresh(one)
    assert (one.status, one.exit_reason) == ("CONCLUIDA", "replied")
    assert one.next_run_at is None
    assert Event.objects.get(type="DISPARADO").details["concorrente"] == "true"
    assert execution(one).state == "sent"
    assert len(phones.ledger) == 1


def test_c3_an_opt_out_ends_every_run_in_every_channel(clock, phones):
    which = cadence(
        {}, {"medium": "email", "delay": 1, "unit": "days"}, is_exclusive=False
    )
    other = cadence({"delay": 9}, code="other", is_exclusive=False)
    person = lead(email="ana@acme.com.br")
    runs = [enroll(person, which), enroll(person, other)]
    run()
    pause(runs[1].pk, actor="ana")

    say(runs[0], Reading(Kind.OPT_OUT), text="SAIR")

    assert [fresh(each).exit_reason for each in runs] == ["opt_out", "opt_out"]
    assert Suppression.objects.count() == 2
    with pytest.raises(NotEnrolled, match="SUPRIMIDO"):
        enroll(person, cadence(code="third"))
    clock.pass_(days=9)
    run()
    assert len(phones.ledger) == 1


def test_c4_an_opt_out_during_the_call_is_the_last_word(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    intent = on_the_wire(clock)
    clock.pass_(seconds=1)
    opt_out(one.lead_id, medium="whatsapp", source="portal")
    land(intent)
    clock.pass_(days=9)
    run()

    assert fresh(one).exit_reason == "opt_out"
    assert len(phones.ledger) == 1


def test_c5_a_pause_between_claim_and_commit_holds_and_a_resume_sends_once(
    clock, phones
):
    (one,) = enrolled(cadence())
    pair = claimed(clock)
    pause(one.pk, actor="ana")
    assert deliver(*pair).result == "SKIPPED"
    assert phones.ledger == []

    resume_run(one.pk, actor="ana")
    run()
    assert len(phones.ledger) == 1


def test_c6_a_cancel_during_the_call_stays_a_cancel(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    intent = on_the_wire(clock)
    cancel(one.pk, actor="ana")
    land(intent)

    one = fresh(one)
    assert (one.status, one.exit_reason, one.next_run_at) == (
        "CANCELADA",
        "manual",
        None,
    )
    assert execution(one).state == "sent"
    assert one.last_step == 1


def test_a_pause_during_the_call_keeps_the_wait_of_the_next_step(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    intent = on_the_wire(clock)
    pause(one.pk, actor="ana")
    land(intent)

    one = fresh(one)
    assert (one.status, one.next_step) == ("PAUSADA", 2)
    assert one.remaining == timedelta(days=3)


def test_c7_a_pause_keeps_what_is_left_of_a_wait(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    run()
    clock.pass_(days=1)
    pause(one.pk, actor="ana")
    clock.pass_(days=10)
    resume_run(one.pk, actor="ana")

    due = fresh(one).next_run_at
    assert due == datetime(2026, 9, 15, 10, 0, tzinfo=SAO_PAULO)
    run()
    assert len(phones.ledger) == 1
    clock.go_to(due)
    run()
    assert len(phones.ledger) == 2


def test_c8_overdue_steps_after_a_pause_do_not_burst(clock, phones):
    steps = [{"base": "start", "delay": n, "unit": "days"} for n in range(5)]
    (one,) = enrolled(cadence(*steps))
    run()
    clock.pass_(hours=1)
    pause(one.pk, actor="ana")
    anchor = fresh(one).anchor_at
    clock.pass_(days=14)
    resume_run(one.pk, actor="ana")

    assert fresh(one).anchor_at == anchor + timedelta(days=14)
    moments = []
    for _ in range(40):
        before = len(phones.ledger)
        run()
        if len(phones.ledger) > before:
            moments.append(clock())
        clock.pass_(hours=4)
    gaps = [b - a for a, b in pairwise(moments)]
    assert len(phones.ledger) == 5
    assert min(gaps) >= timedelta(minutes=60)


def test_c8_five_steps_that_an_outage_made_overdue_do_not_burst(clock, phones):
    steps = [{"base": "start", "delay": 5 * n} for n in range(5)]
    (one,) = enrolled(cadence(*steps))
    pause(one.pk, actor="ana")
    anchor = fresh(one).anchor_at
    clock.pass_(days=14)
    resume_run(one.pk, actor="ana")
    assert fresh(one).anchor_at == anchor + timedelta(days=14)
    clock.pass_(hours=2)  # nobody came: all five are overdue by their plan

    moments = []
    for _ in range(60):
        before = len(phones.ledger)
        run()
        moments += [clock()] * (len(phones.ledger) - before)
        clock.pass_(minutes=5)

    assert len(moments) == 5
    assert all(b - a == timedelta(minutes=60) for a, b in pairwise(moments))
    assert "ERRO" not in told(one)


@pytest.mark.parametrize("stops", [True, False])
def test_c9_the_last_step_says_whether_a_reply_stops(stops, clock, phones):
    (one,) = enrolled(cadence({"stop_on_reply": stops}, *TWO[1:]))
    run()
    clock.pass_(hours=1)
    say(one)
    for _ in range(6):
        clock.pass_(days=1)
        run()

    assert "RESPOSTA_DETECTADA" in told(one)
    assert len(phones.ledger) == (1 if stops else 2)


def test_c10_a_seller_who_takes_over_pauses_and_giving_back_resumes_nothing(
    clock, phones
):
    (one,) = enrolled(cadence(*TWO))
    takes_over(one.lead_id, manual=True, actor="ana")
    assert (fresh(one).pause_reason, told(one)[-1]) == ("taken_over", "PAUSADA")

    takes_over(one.lead_id, manual=False, actor="ana")
    run()

    assert fresh(one).status == "PAUSADA"
    assert phones.ledger == []


def test_c11_what_may_be_an_opt_out_pauses_and_suppresses_nothing(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    say(one, Reading(Kind.MAYBE_OPT_OUT))

    assert fresh(one).pause_reason == "maybe_opt_out"
    assert not Suppression.objects.exists()


def test_c12_an_absence_waits_for_the_return_and_then_for_the_rest(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    run()
    clock.pass_(days=1)
    say(one, Reading(Kind.ABSENCE, date(2026, 9, 14)))

    one = fresh(one)
    assert (one.pause_reason, one.remaining) == ("absence", timedelta(days=2))
    assert one.resume_at == datetime(2026, 9, 14, 8, 0, tzinfo=SAO_PAULO)
    assert one.lead.replied_at is None
    clock.go_to(one.resume_at)
    from cadences.mend import mend

    mend(limit=10)
    assert fresh(one).next_run_at == datetime(2026, 9, 16, 8, 0, tzinfo=SAO_PAULO)


def test_c12_an_absence_without_a_date_waits_for_three_business_days(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    say(one, Reading(Kind.ABSENCE))

    assert fresh(one).resume_at == datetime(2026, 9, 8, 10, 0, tzinfo=SAO_PAULO)


def test_c13_a_greeting_machine_stops_nothing_and_a_person_after_it_does(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    run()
    say(one, Reading(Kind.PROBABLY_MACHINE))
    assert fresh(one).status == "ATIVA"
    assert told(one)[-1] == "RESPOSTA_AUTOMATICA"

    say(one)
    assert fresh(one).exit_reason == "replied"


def test_c14_two_people_who_skip_at_once_skip_one_step(clock, phones):
    (one,) = enrolled(cadence({}, {"delay": 5}, {"delay": 5}))
    version = fresh(one).row_version

    skip_step(one.pk, actor="ana", row_version=version)
    with pytest.raises(Conflict):
        skip_step(one.pk, actor="bia", row_version=version)

    assert fresh(one).next_step == 2
    assert Execution.objects.filter(state="skipped").count() == 1


def test_c15_a_meeting_ends_the_runs_before_the_next_pass(clock, phones):
    (one,) = enrolled(cadence())
    leave(one.lead_id, ExitReason.MEETING)
    run()

    assert fresh(one).exit_reason == "meeting"
    assert phones.ledger == []


def test_g6_a_reply_of_one_of_several_leads_holds_them_all(clock, phones):
    runs = enrolled(cadence(*TWO), 2)

    hold([each.lead_id for each in runs])

    assert {fresh(each).pause_reason for each in runs} == {"ambiguous"}


def test_a_bounce_ends_the_run_and_suppresses_the_address(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    run()
    clock.pass_(minutes=1)
    bounce(one.lead.contacts.get(), detail="550 user unknown")

    assert fresh(one).exit_reason == "bounce"
    assert Suppression.objects.get().reason == "bounce"


def test_h4_a_restart_is_a_new_round_with_the_first_steps_again(clock, phones):
    which = cadence()
    (one,) = enrolled(which)
    run()
    clock.pass_(minutes=1)

    again = enroll(one.lead, which)
    clock.pass_(hours=2)
    run()

    assert (again.round, len(phones.ledger)) == (2, 2)
    assert execution(one).round == 1


def test_h5_a_blocking_task_holds_the_run_until_it_is_done(clock, phones):
    (one,) = enrolled(cadence({"kind": "task", "title": "Call"}, {"delay": 60}))
    run()
    assert fresh(one).pause_reason == "task"
    task = Task.objects.get()

    clock.pass_(hours=2)
    finish_task(task.pk, actor="ana")
    run()
    one = fresh(one)
    assert (one.status, one.next_step) == ("ATIVA", 2)
    assert one.next_run_at == clock() + timedelta(minutes=60)
    with pytest.raises(IllegalMove):
        finish_task(task.pk, actor="bia")


def test_h5_a_cancel_takes_the_task_along(clock, phones):
    (one,) = enrolled(cadence({"kind": "task", "title": "Call"}, {}))
    run()
    cancel(one.pk, actor="ana")

    assert Task.objects.get().state == "cancelled"


def test_a_person_may_hurry_a_step_out_of_hours_and_the_row_says_so(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    clock.go_to(T.replace(hour=22))
    run()
    assert phones.ledger == []

    run_now(one.pk, actor="ana")
    run()

    assert len(phones.ledger) == 1
    assert execution(one).is_forced
    assert not fresh(one).is_forced


def test_a_step_is_moved_to_another_moment(clock, phones):
    (one,) = enrolled(cadence())
    later = T + timedelta(hours=3)
    reschedule(one.pk, later, actor="ana")

    assert fresh(one).next_run_at == later
    with pytest.raises(IllegalMove):
        resume_run(one.pk, actor="ana")


@pytest.mark.django_db(transaction=True)
def test_h1_twenty_enrolments_at_once_make_one_run(clock, phones):
    which, person = cadence(), lead()
    start, ends = threading.Barrier(20), []

    def target() -> None:
        start.wait()
        try:
            enroll(person, which)
            ends.append("enrolled")
        except NotEnrolled as error:
            ends.append(error.motive)
        finally:
            connection.close()

    threads = [threading.Thread(target=target) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == ["JA_ATIVA"] * 19 + ["enrolled"]
    assert Run.objects.count() == 1
