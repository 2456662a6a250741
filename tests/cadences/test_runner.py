"""The runner keeps the seed's contract: scenarios A1 to A12."""

from datetime import timedelta
from typing import Any

import pytest

from cadences import deliver as delivering
from cadences.enroll import enroll
from cadences.models import (
    Account,
    Attempt,
    Control,
    Event,
    Execution,
    Quota,
    Run,
    RunnerLog,
    Template,
)
from cadences.outcomes import Refused, Why
from cadences.runner import Pass, run_here
from cadences.states import Trigger
from queues.enqueue import enqueue
from queues.models import Job
from queues.testing import inline
from tests.cadences.people import (
    T,
    cadence,
    enrolled,
    execution,
    fresh,
    lead,
    many,
    told,
)

pytestmark = pytest.mark.django_db


def run(trigger: str = "MANUAL", **options: Any) -> Pass:
    """Make one pass here."""
    return run_here(Trigger(trigger), **options)


@pytest.mark.usefixtures("clock", "phones")
def test_a1_a_pass_with_nothing_due_leaves_a_log():
    with inline():
        enqueue("cadence-runner")

    log = RunnerLog.objects.get()
    assert (log.runs_touched, log.steps_executed, log.errors) == (0, 0, 0)
    assert (log.trigger_source, log.status) == ("CRON", "ok")
    assert log.duration_ms >= 0
    assert log.finished_at is not None


@pytest.mark.usefixtures("clock")
def test_a2_seven_due_runs_of_which_one_has_no_template(phones):
    runs = enrolled(cadence(), 6)
    runs += enrolled(cadence({"template_code": "gone"}, code="other"))
    Template.objects.filter(code="gone").update(is_active=False)

    done = run()

    assert done.summary | {"duration_ms": 0, "log_id": ""} == {
        "total": 7, "success": 6, "errors": 1, "skipped": 0, "duration_ms": 0,
        "trigger_source": "MANUAL", "deferred": 0, "uncertain": 0, "concluded": 6,
        "dry_run": False, "log_id": "", "remaining_due": 0,
    }  # fmt: skip
    assert len(phones.ledger) == 6
    log = RunnerLog.objects.get()
    assert (log.runs_touched, log.steps_executed, log.errors) == (7, 6, 1)
    assert (log.trigger_source, log.status) == ("MANUAL", "ok")
    assert set(log.details) == {"results", "started_at", "finished_at"}


@pytest.mark.parametrize("fault", ["contact", "template", "refused"])
def test_a7_an_error_is_told_and_tried_again_by_the_seeds_table(fault, clock, phones):
    (sick,) = enrolled(cadence())
    if fault == "contact":
        sick.lead.contacts.all().delete()
    elif fault == "template":
        Template.objects.update(is_active=False)
    else:
        phones.script.append(Refused(Why.NOT_SENT, "connection refused"))

    done = run()

    minutes = 15 if fault == "refused" else 30
    sick = fresh(sick)
    assert sick.next_run_at == T + timedelta(minutes=minutes)
    assert (sick.status, sick.claim_token) == ("ATIVA", None)
    assert told(sick)[-1] == "ERRO"
    (line,) = done.results
    assert line["status"] == "ERRO"
    assert line["erro"]
    assert phones.ledger == []


@pytest.mark.django_db(transaction=True)
def test_a8_a_claim_that_fails_is_logged_and_leaves_no_claim(
    clock, phones, monkeypatch
):
    enrolled(cadence())
    from django.db import OperationalError

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("cadences.runner.claim", fail)
    with pytest.raises(OperationalError):
        run()

    log = RunnerLog.objects.get()
    assert (log.status, log.errors) == ("error", 1)
    assert not Run.objects.exclude(claim_token=None).exists()


@pytest.mark.usefixtures("clock")
def test_a9_one_poisoned_run_does_not_stop_the_other_nineteen(phones, monkeypatch):
    runs = enrolled(cadence(), 20)
    poison = runs[7]
    from cadences.intend import intend as real

    def intend(each: Run, **options: Any) -> Any:
        if each.pk == poison.pk:
            raise RuntimeError("broken")
        return real(each, **options)

    monkeypatch.setattr(delivering, "intend", intend)
    done = run()

    assert (done.summary["success"], done.summary["errors"]) == (19, 1)
    assert len(phones.ledger) == 19
    event = Event.objects.get(run=poison, type="ERRO")
    assert event.details["reason"] == "EXCECAO"
    assert fresh(poison).next_run_at == T + timedelta(minutes=15)


@pytest.mark.usefixtures("clock")
def test_a10_the_last_step_concludes_the_run_and_counts_once(phones):
    (one,) = enrolled(cadence())

    done = run()

    one = fresh(one)
    assert (one.status, one.exit_reason) == ("CONCLUIDA", "no_more_steps")
    assert (one.next_run_at, one.last_step) == (None, 1)
    (line,) = done.results
    assert (line["status"], line["runStatus"]) == ("DISPARADO", "CONCLUIDA")
    assert done.summary["success"] == 1
    assert told(one) == ["INSCRITO", "DISPARADO", "CONCLUIDA"]


@pytest.mark.usefixtures("clock")
def test_a11_two_passes_in_the_same_minute_send_once(phones):
    enrolled(cadence({}, {"delay": 60}))

    assert (run().summary["success"], run().summary["total"]) == (1, 0)
    assert len(phones.ledger) == 1


@pytest.mark.usefixtures("clock")
def test_a12_a_test_pass_tells_the_plan_and_changes_nothing(phones):
    (one,) = enrolled(cadence())
    Account.objects.update(per_day=5, gap_seconds=60)
    (poor,) = enrolled(cadence(code="other"))
    poor.lead.contacts.all().delete()
    before = list(Run.objects.values())

    done = run("TEST")

    assert {line["runId"]: line["status"] for line in done.results} == {
        str(one.pk): "PLANEJADO", str(poor.pk): "ERRO",
    }  # fmt: skip
    assert list(Run.objects.values()) == before
    assert not Execution.objects.exists()
    assert not Quota.objects.exists()
    assert set(Account.objects.values_list("last_intended_at", flat=True)) == {None}
    assert phones.calls == []
    log = RunnerLog.objects.get()
    assert (log.trigger_source, log.is_dry) == ("TEST", True)


@pytest.mark.usefixtures("clock")
def test_the_job_hands_chunks_to_workers_and_the_last_one_closes_the_log(phones):
    many(cadence(), 120)

    with inline() as done:
        enqueue("cadence-runner", {"trigger": "CRON"})

    assert done.failed == 0
    assert Job.objects.filter(type="cadence-steps").count() == 3
    assert len(phones.ledger) == 120
    log = RunnerLog.objects.get()
    assert (log.runs_touched, log.steps_executed, log.errors) == (120, 120, 0)
    assert (log.status, log.concluded) == ("ok", 120)


@pytest.mark.usefixtures("clock", "phones")
def test_the_kill_switch_is_an_answer_and_claims_nothing():
    (one,) = enrolled(cadence())
    Control.objects.update_or_create(pk=1, defaults={"is_on": False})

    done = run()

    assert (done.summary["total"], done.summary["paused"]) == (0, True)
    assert fresh(one).next_run_at == one.next_run_at


@pytest.mark.usefixtures("clock")
def test_a_fallback_channel_is_used_in_the_same_pass_after_a_refused_address(phones):
    which = cadence({"fallbacks": ["email"]})
    person = lead(email="ana@company.com.br")
    one = enroll(person, which)
    phones.script.append(Refused(Why.RECIPIENT, "not on WhatsApp"))

    run()

    (letter,) = phones.ledger
    assert letter.address == "ana@company.com.br"
    assert Attempt.objects.filter(execution__run=one).count() == 2
    assert execution(one).state == "sent"
    assert person.contacts.get(medium="whatsapp").standing == "invalid"
