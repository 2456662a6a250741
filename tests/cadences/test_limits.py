"""Open hours, quotas, gaps and lateness as runs meet them: scenarios E5 to E15, F1 to F8."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from cadences.control import switch
from cadences.enroll import enroll
from cadences.explain import explain
from cadences.jobs import CadenceSteps, cadence_steps
from cadences.journal import open_log
from cadences.models import Account, Calendar, Control, Event, Execution, Lead, Quota
from cadences.outcomes import Refused, Unknown, Why
from cadences.runner import hand_out
from cadences.senders import day_limit
from cadences.states import Trigger
from queues.models import Job
from tests.cadences.people import (
    SAO_PAULO,
    T,
    cadence,
    company,
    contact,
    enrolled,
    execution,
    fresh,
    lead,
    told,
)
from tests.cadences.providers import run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("number", "hour"), [
    ("68 99876-5432", 13), ("92 99876-5432", 12), ("11 99876-5432", 11),
])  # fmt: skip
def test_e6_the_area_code_tells_whose_morning_it_is(number, hour, clock, phones):
    one = enroll(lead(whatsapp=number), cadence())
    clock.go_to(datetime(2026, 9, 2, 8, 0, tzinfo=SAO_PAULO) - timedelta(minutes=1))
    type(one).objects.update(next_run_at=clock(), planned_run_at=clock())

    run()

    assert fresh(one).next_run_at == datetime(2026, 9, 2, hour, 0, tzinfo=UTC)


def test_e6_the_leads_own_zone_comes_first(clock, phones):
    person = lead(whatsapp="68 99876-5432", time_zone="America/Sao_Paulo")

    assert explain(enroll(person, cadence()).pk).zone_told_by == "lead"


def test_e5_a_holiday_defers_to_the_next_opening_and_is_told_once(clock, phones):
    (one,) = enrolled(cadence(late_hours=999))
    clock.go_to(datetime(2026, 9, 7, 10, 0, tzinfo=SAO_PAULO))
    for _ in range(3):
        run()
        type(one).objects.update(next_run_at=clock())

    opening = datetime(2026, 9, 8, 8, 0, tzinfo=SAO_PAULO)
    run()
    assert fresh(one).next_run_at == opening
    event = Event.objects.get(type="AGENDADO", run=one)
    assert event.details["reason"] == "holiday"
    assert "Independência" in event.details["detail"]
    assert "ERRO" not in told(one)


def test_e12_far_too_late_is_for_a_person(clock, phones):
    (one,) = enrolled(cadence())
    clock.pass_(hours=73)
    clock.go_to(clock().replace(hour=10) + timedelta(days=4))
    run()

    assert (fresh(one).pause_reason, phones.ledger) == ("late", [])


@pytest.mark.parametrize(("policy", "sent"), [("send", 1), ("skip", 0)])
def test_e12_or_as_the_cadence_says(policy, sent, clock, phones):
    (one,) = enrolled(cadence(on_late=policy))
    clock.pass_(days=7)
    run()

    assert (fresh(one).status, len(phones.ledger)) == ("CONCLUIDA", sent)


def test_e13_delays_after_the_start_do_not_drift(clock, phones):
    steps = ({}, *({"base": "start", "delay": n, "unit": "days"} for n in (1, 2)))
    (one,) = enrolled(cadence(*steps))
    for _ in range(3):
        clock.pass_(seconds=59)
        phones.script.append(Refused(Why.NOT_SENT))
        run()
        clock.pass_(minutes=30)
        run()
        if fresh(one).next_run_at:
            clock.go_to(fresh(one).next_run_at)

    days = [each.intended_at.astimezone(SAO_PAULO).date() for each in Execution.objects.order_by("position")]  # fmt: skip
    assert [(day - days[0]).days for day in days] == [0, 1, 2]
    last = Execution.objects.get(position=3)
    assert last.intended_at - T < timedelta(days=2, hours=1)


def test_e14_hours_that_never_open_pause_the_run(clock, phones):
    which = cadence()
    (one,) = enrolled(which)
    which.calendar = Calendar.objects.create(name="never")
    which.save(update_fields=["calendar"])
    run()

    assert fresh(one).pause_reason == "no_opening"


def test_e15_a_greeting_is_of_the_hour_of_the_send(clock, phones):
    which = cadence({"template_code": "greet"})
    from tests.cadences.people import template

    template("greet", "{{ saudacao }}, {{ primeiro_nome }}")
    clock.go_to(T.replace(hour=18))
    (one,) = enrolled(which)
    run()
    clock.go_to(fresh(one).next_run_at)
    run()

    assert phones.ledger[0].body.startswith("Bom dia, Ana")


def test_f1_what_is_over_the_quota_waits_for_the_next_day_without_an_error(
    clock, phones
):
    company()
    Account.objects.update(per_day=5)
    runs = enrolled(cadence(), 8)
    for _ in range(3):
        run()
        clock.pass_(hours=1)

    assert len(phones.ledger) == 5
    assert not Event.objects.filter(type="ERRO").exists()
    waiting = [each for each in runs if fresh(each).status == "ATIVA"]
    assert all(told(each).count("AGENDADO") == 1 for each in waiting)
    clock.go_to(datetime(2026, 9, 3, 8, 0, tzinfo=SAO_PAULO))
    run()
    assert len(phones.ledger) == 8


def test_f3_messages_of_an_account_stand_apart(clock, phones):
    company()
    Account.objects.update(gap_seconds=60)
    runs = enrolled(cadence(), 6)
    moments = []
    for _ in range(40):
        before = len(phones.ledger)
        run()
        moments += [clock()] * (len(phones.ledger) - before)
        clock.pass_(seconds=17)

    assert len(moments) == 6
    assert all(b - a >= timedelta(seconds=60) for a, b in pairwise(moments))  # fmt: skip
    assert all(told(each).count("AGENDADO") <= 1 for each in runs)


def test_f4_a_ramp_climbs_to_its_ceiling():
    account = Account(
        ramp_from=T.date(), ramp_start=10, ramp_step=5, per_day=50, company=company()
    )
    limits = [day_limit(account, T.date() + timedelta(days=n)) for n in range(12)]

    assert limits == [10, 15, 20, 25, 30, 35, 40, 45, 50, 50, 50, 50]


def test_f6_a_lead_hears_from_one_number(clock, phones):
    home = company()
    for number in range(2, 6):
        Account.objects.create(
            company=home, medium="whatsapp", adapter="recorder", name=f"wa-{number}"
        )
    enrolled(cadence({}, {"delay": 60}), 12)
    run()
    clock.pass_(minutes=60)
    run()

    by_lead: dict[str, set[str]] = {}
    for letter in phones.ledger:
        by_lead.setdefault(letter.address, set()).add(letter.sender.id)
    assert {len(each) for each in by_lead.values()} == {1}
    assert len({each for ids in by_lead.values() for each in ids}) > 1


def test_f6_an_account_that_is_paused_makes_its_leads_wait(clock, phones):
    (one,) = enrolled(cadence({}, {"delay": 60}))
    run()
    Account.objects.filter(medium="whatsapp").update(state="paused")
    clock.pass_(minutes=60)
    run()

    assert fresh(one).status == "ATIVA"
    assert fresh(one).next_run_at == clock() + timedelta(minutes=5)


def test_f7_two_cadences_do_not_write_at_the_same_minute(clock, phones):
    person = lead()
    both = [
        enroll(person, cadence(code=code, is_exclusive=False)) for code in ("a", "b")
    ]
    run()
    run()

    assert len(phones.ledger) == 1
    first, second = sorted(
        map(fresh, both), key=lambda each: each.status != "CONCLUIDA"
    )
    assert (first.status, second.status) == ("CONCLUIDA", "ATIVA")
    assert second.next_run_at == T + timedelta(minutes=60)
    clock.pass_(minutes=60)
    run()
    assert len(phones.ledger) == 2


@pytest.mark.parametrize(("outcome", "used"), [
    (Unknown("timeout"), 1), (Refused(Why.NOT_SENT), 0),
])  # fmt: skip
def test_f8_only_what_was_certainly_not_sent_is_given_back(
    outcome, used, clock, phones
):
    company()
    Account.objects.update(per_day=5)
    enrolled(cadence())
    phones.script.append(outcome)
    run()

    assert Quota.objects.get().used == used


def test_g1_a_missing_value_sends_nothing_and_the_third_time_pauses(clock, phones):
    from tests.cadences.people import template

    which = cadence({"template_code": "named"})
    template("named", "Olá {{ primeiro_nome }}")
    one = enroll(lead(name=""), which)
    for _ in range(3):
        run()
        clock.pass_(minutes=30)

    assert (fresh(one).pause_reason, phones.calls) == ("missing_data", [])
    assert Event.objects.filter(details__reason="VARIAVEL_AUSENTE").count() == 3
    Lead.objects.update(first_name="Ana")
    from cadences.pause import resume_run

    resume_run(one.pk, actor="ana", at_once=True)
    run()
    assert phones.ledger[0].body == "Olá Ana"


def test_g15_a_suppressed_address_is_refused_under_any_id(clock, phones):
    from cadences.answer import opt_out
    from cadences.errors import NotEnrolled

    which = cadence()
    first = lead(whatsapp="11 98765-4321")
    opt_out(first.pk, medium="whatsapp", source="portal")
    clock.pass_(minutes=1)

    with pytest.raises(NotEnrolled, match="SUPRIMIDO"):
        enroll(lead(whatsapp="(11) 8765-4321"), which)


def test_g16_a_lead_who_is_erased_leaves_only_counts_and_a_hash(clock, phones):
    from cadences.erase import erase
    from cadences.models import Suppression

    (one,) = enrolled(cadence({}, {"delay": 60}))
    run()
    clock.pass_(minutes=1)
    erase(one.lead_id, actor="ana")

    one = fresh(one)
    assert (one.exit_reason, one.lead.name) == ("lead_removed", "")
    assert execution(one).body == execution(one).address == ""
    assert execution(one).state == "sent"
    assert not one.lead.contacts.exists()
    assert Suppression.objects.get().reason == "erasure"


def test_h9_a_deferred_run_explains_itself(clock, phones):
    (one,) = enrolled(cadence(late_hours=999))
    clock.go_to(datetime(2026, 9, 7, 10, 0, tzinfo=SAO_PAULO))
    told_ = explain(one.pk)

    assert "Independência" in told_.answer
    assert "08/09/2026 08:00 -0300" in told_.answer
    assert told_.next_at == datetime(2026, 9, 8, 8, 0, tzinfo=SAO_PAULO)
    assert [gate.name for gate in told_.gates if not gate.is_open] == ["window"]
    assert told_.preview.startswith("Olá Ana")
    assert (told_.account, told_.quota) == ("whatsapp-1", "0/∞")


def test_h9_every_state_has_an_answer(clock, phones):
    from cadences.pause import pause

    (one,) = enrolled(cadence({}, {"delay": 60}))
    assert "Nothing holds it" in explain(one.pk).answer
    run()
    assert "It is due on" in explain(one.pk).answer
    pause(one.pk, actor="ana")
    assert explain(one.pk).answer == "Paused: by hand."
    phones.script.append(Unknown("timeout"))
    (two,) = enrolled(cadence(code="b"))
    run()
    assert "Nobody knows yet" in explain(two.pk).answer
    (three,) = enrolled(cadence(code="c"))
    run()
    assert explain(three.pk).answer == "Ended: all steps are done."
    (four,) = enrolled(cadence(code="d"))
    four.lead.contacts.all().delete()
    assert "Held by address" in explain(four.pk).answer


def test_h10_in_test_mode_everything_goes_to_the_one_address(clock, phones):
    (one,) = enrolled(cadence())
    Control.objects.update_or_create(
        pk=1, defaults={"redirects": {"whatsapp": "+5511900000000"}}
    )
    run()

    assert [letter.address for letter in phones.ledger] == ["+5511900000000"]
    assert execution(one).address != "+5511900000000"


def test_b18_a_database_from_the_past_switches_the_runner_off(clock, phones):
    for _ in range(3):
        run()
    Control.objects.update(epoch=1)
    enrolled(cadence())

    done = run()

    assert (done.summary["paused"], phones.ledger) == (True, [])
    assert "restored" in Control.objects.get().reason
    for _ in range(4):
        clock.pass_(minutes=5)
        assert run().summary["paused"] is True
    assert phones.ledger == []
    switch(on=True, actor="ana")
    run()
    run()
    assert len(phones.ledger) == 1


def test_b18_a_chunk_of_a_database_from_the_past_sends_nothing(clock, phones):
    for _ in range(3):
        run()
    runs = enrolled(cadence(), 3)
    hand_out(open_log(Trigger.CRON))
    Control.objects.update(epoch=1)
    chunk = Job.objects.get(type="cadence-steps")

    cadence_steps(CadenceSteps.model_validate(chunk.payload), None)

    assert phones.calls == []
    assert not Control.objects.get().is_on
    assert {fresh(each).status for each in runs} == {"ATIVA"}
    switch(on=True, actor="ana")
    clock.pass_(minutes=5)
    run()
    assert set(phones.counts().values()) == {1}
    assert len(phones.ledger) == 3


def test_g5_a_contact_without_the_ninth_digit_is_the_same_person():
    person = lead(whatsapp=False)
    found = contact(person, "whatsapp", "551187654321@s.whatsapp.net")

    assert (found.address, found.identity) == ("+5511987654321", "551187654321m")
