"""Never sent twice, never lost: scenarios B1 to B16."""

from datetime import timedelta
from typing import Any

import pytest

from cadences.conclude import conclude
from cadences.deliver import deliver
from cadences.errors import IllegalMove
from cadences.intend import Intent, intend, lock
from cadences.mend import give_up, mend, reconcile, settle
from cadences.models import Attempt, Event, Execution, Quota, Run
from cadences.outcomes import Accepted, Found, NotFound, Refused, Unknown, Why
from cadences.pause import resume_run
from cadences.ports import channel
from cadences.resolve import resolve
from tests.cadences.people import (
    T,
    cadence,
    claimed,
    enrolled,
    execution,
    fresh,
    many,
    told,
)
from tests.cadences.providers import run

pytestmark = pytest.mark.django_db

TWO: tuple[dict[str, Any], ...] = ({}, {"delay": 24, "unit": "hours"})


def intended(clock: Any) -> Intent:
    """Commit to the one due run and stop there, as a killed worker does."""
    run_id, _ = claimed(clock)
    decision = intend(lock(run_id), now=clock())
    assert isinstance(decision, Intent)
    return decision


def lost_answer(phones: Any) -> Any:
    """Let the next message arrive, and its answer get lost."""

    def script(letter: Any) -> Unknown:
        phones.reach(letter)
        return Unknown("timeout")

    return script


def test_b1_an_answer_that_got_lost_is_found_again_and_never_sent_twice(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    phones.script.append(lost_answer(phones))

    assert run().summary["uncertain"] == 1
    for _ in range(4):
        clock.pass_(minutes=15)
        run()
    clock.go_to(T + timedelta(seconds=40))
    phones.trace = Found("3EB0")
    assert reconcile(limit=10) == 1

    step = execution(one)
    assert (step.state, step.provider_message_id) == ("sent", "3EB0")
    assert told(one)[1:] == ["INCERTO", "RECONCILIADO", "AGENDADO"]
    assert fresh(one).next_run_at == T + timedelta(hours=24)
    assert len(phones.ledger) == 1


@pytest.mark.parametrize("policy", ["assume", "review"])
def test_b2_after_an_hour_the_step_says_what_an_unknown_send_means(
    policy, clock, phones
):
    (one,) = enrolled(cadence({"on_unknown": policy}, TWO[1]))
    phones.script.append(lost_answer(phones))
    run()

    for _ in range(7):
        clock.pass_(minutes=11)
        mend(limit=10)
        run()

    one = fresh(one)
    if policy == "assume":
        assert execution(one).state == "assumed"
        assert one.next_run_at == T + timedelta(hours=24)
    else:
        assert execution(one).state == "unknown"
        assert (one.status, one.pause_reason) == ("PAUSADA", "unknown_send")
    assert len(phones.ledger) == 1


def test_b3_a_worker_killed_before_the_call_leaves_an_unknown_send(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    intended(clock)

    clock.pass_(minutes=11)
    run()
    assert give_up(limit=10) == 0

    assert execution(one).state == "unknown"
    assert phones.ledger == []
    with pytest.raises(IllegalMove, match="how you know"):
        resolve(execution(one).pk, "not_sent", actor="ana")
    resolve(execution(one).pk, "not_sent", actor="ana", evidence="not on the phone")
    run()
    assert len(phones.ledger) == 1
    assert Attempt.objects.filter(execution__run=one).count() == 2


def test_b3_an_unknown_send_needs_two_minutes_of_patience(clock, phones):
    (one,) = enrolled(cadence())
    phones.script.append(Unknown("timeout"))
    run()

    with pytest.raises(IllegalMove, match="two minutes"):
        resolve(execution(one).pk, "not_sent", actor="ana", evidence="I looked")
    resolve(execution(one).pk, "sent", actor="ana")
    assert fresh(one).status == "CONCLUIDA"
    with pytest.raises(IllegalMove, match="unknown"):
        resolve(execution(one).pk, "skip", actor="ana")


def test_b4_a_worker_killed_after_the_call_sent_once_for_ever(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    intent = intended(clock)
    channel(intent.adapter).send(intent.letter)

    for _ in range(3):
        clock.pass_(minutes=2)
        mend(limit=10)
        run()
    assert settle(intent.execution_id, Found("echo"), via="echo")

    assert execution(one).state == "sent"
    assert len(phones.ledger) == 1


def test_b5_a_claim_that_nobody_delivered_runs_out_as_planned(clock, phones):
    (one,) = enrolled(cadence())
    claimed(clock)

    assert run().summary["total"] == 0
    clock.pass_(minutes=10)
    run()

    assert len(phones.ledger) == 1
    assert fresh(one).planned_run_at is None
    assert "ERRO" not in told(one)
    assert execution(one).state == "sent"


def test_b6_a_worker_that_slept_past_its_claim_sends_nothing(clock, phones):
    enrolled(cadence())
    sleeper = claimed(clock)
    clock.pass_(minutes=10)
    run()

    line = deliver(*sleeper)

    assert line.result == "SKIPPED"
    assert len(phones.ledger) == 1


def test_b7_a_call_that_outlives_its_claim_counts_once(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    intent = intended(clock)
    clock.pass_(minutes=10)
    give_up(limit=10)
    run()
    assert phones.calls == []

    conclude(intent, channel(intent.adapter).send(intent.letter), duration_ms=600_000)

    one = fresh(one)
    assert execution(one).state == "sent"
    assert (one.last_step, one.next_step) == (1, 2)
    assert told(one).count("DISPARADO") == 1
    again = conclude(intent, Accepted("late"), duration_ms=1)
    assert again.result == "SKIPPED"
    assert fresh(one).next_step == 2


def test_b8_what_was_certainly_not_sent_is_tried_again_after_15_minutes(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    phones.script += [Refused(Why.NOT_SENT, "refused")] * 2

    for minutes in (15, 15, 15):
        run()
        clock.pass_(minutes=minutes)

    one = fresh(one)
    assert Attempt.objects.count() == 3
    assert told(one).count("ERRO") == 2
    assert (len(phones.ledger), one.errors_in_a_row) == (1, 0)


def test_b8_the_third_error_in_a_row_pauses_and_a_resume_counts_anew(clock, phones):
    (one,) = enrolled(cadence())
    phones.script += [Refused(Why.NOT_SENT, "refused")] * 3
    for _ in range(3):
        run()
        clock.pass_(minutes=15)

    one = fresh(one)
    assert (one.status, one.pause_reason) == ("PAUSADA", "errors")
    assert Event.objects.filter(details__limit="max_retries_exceeded").count() == 1
    assert phones.ledger == []
    resume_run(one.pk, actor="ana", at_once=True)
    assert fresh(one).errors_in_a_row == 0
    run()
    assert len(phones.ledger) == 1


def test_b10_an_adapter_that_breaks_leaves_an_unknown_send(clock, phones):
    (one,) = enrolled(cadence())

    def explode(letter: Any) -> Any:
        phones.reach(letter)
        raise OSError("reset")

    phones.script.append(explode)
    run()
    clock.pass_(minutes=15)
    run()

    assert execution(one).state == "unknown"
    assert len(phones.calls) == 1


def test_b11_a_rate_limit_waits_as_asked_and_gives_the_quota_back(clock, phones):
    (one,) = enrolled(cadence())
    account = one.company.accounts.get(medium="whatsapp")
    account.per_day = 5
    account.save(update_fields=["per_day"])
    phones.script.append(Refused(Why.BUSY, retry_after=120))

    done = run()

    one = fresh(one)
    assert (done.summary["errors"], done.summary["deferred"]) == (0, 1)
    assert one.next_run_at == T + timedelta(seconds=120)
    assert one.errors_in_a_row == 0
    assert Quota.objects.get().used == 0
    assert told(one)[-1] == "AGENDADO"


def test_b13_the_same_chunk_twice_sends_once(clock, phones):
    enrolled(cadence(*TWO))
    pair = claimed(clock)

    first, second = deliver(*pair), deliver(*pair)

    assert (first.result, second.result) == ("DISPARADO", "SKIPPED")
    assert len(phones.ledger) == 1


def test_b16_a_retry_is_a_new_call_with_its_own_correlation(clock, phones):
    enrolled(cadence())
    phones.script.append(Refused(Why.NOT_SENT))
    run()
    clock.pass_(minutes=15)
    run()

    first, second = (call.correlation for call in phones.calls)
    assert first != second
    assert first.partition(".")[0] == second.partition(".")[0]
    assert [a.number for a in Attempt.objects.order_by("pk")] == [1, 2]


@pytest.mark.usefixtures("clock")
def test_b17_one_refused_in_a_batch_is_the_only_one_refused(phones):
    many(cadence(), 50)
    phones.script += [phones.reach] * 19 + [Refused(Why.RECIPIENT, "554")]

    done = run()

    assert (done.summary["success"], len(phones.ledger)) == (49, 49)
    assert Execution.objects.filter(state="sent").count() == 49
    assert Run.objects.filter(exit_reason="invalid_number").count() == 1


def test_a_look_up_that_proves_nothing_was_sent_allows_another_try(clock, phones):
    (one,) = enrolled(cadence())
    phones.script.append(Unknown("timeout"))
    run()
    clock.pass_(seconds=31)
    phones.trace = NotFound(certain=True)

    assert reconcile(limit=10) == 1

    assert execution(one).state == "refused"
    clock.pass_(minutes=15)
    run()
    assert len(phones.ledger) == 1


def test_late_evidence_confirms_an_assumption(clock, phones):
    (one,) = enrolled(cadence(*TWO))
    phones.script.append(lost_answer(phones))
    run()
    clock.pass_(minutes=62)
    mend(limit=10)
    run()
    step = execution(one)
    assert step.state == "assumed"
    before = fresh(one).next_run_at

    assert settle(step.pk, Found("late"), via="echo")

    assert execution(one).state == "sent"
    assert fresh(one).next_run_at == before


def test_an_account_that_is_refused_rests_and_no_run_is_paused(clock, phones):
    runs = enrolled(cadence(), 5)
    phones.script += [Refused(Why.SENDER, "not connected")] * 3

    done = run()

    account = runs[0].company.accounts.get(medium="whatsapp")
    assert account.broken_until == T + timedelta(minutes=5)
    assert len(phones.calls) == 3
    assert (done.summary["deferred"], done.summary["errors"]) == (5, 0)
    clock.pass_(minutes=5)
    run()
    assert len(phones.ledger) == 5
    account.refresh_from_db()
    assert account.failures == 0
