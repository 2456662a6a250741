"""Every pending job can say in one sentence what it waits for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from queues.admit import admit
from queues.cancel import cancel
from queues.claim import claim
from queues.claims import Claim
from queues.enqueue import enqueue
from queues.models import Job, LimitRow, Queue, Worker
from queues.outcomes import Retry, Snooze, Succeed
from queues.publish import publish
from queues.settle import settle
from queues.waits import Reason, Wait, wait_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crew() -> Callable[..., Worker]:
    """Return a function that adds a living worker."""

    def add(kind: Worker.Kind = Worker.Kind.NODE, queues: str = "default") -> Worker:
        return Worker.objects.create(
            kind=kind, name="there", machine="there", pid=1, born="1", queues=queues
        )

    return add


def waits(job: Job) -> Wait:
    found = wait_of(Job.objects.get(pk=job.pk))
    assert found is not None
    return found


def test_one_that_runs_or_has_ended_waits_for_nothing(claimed: Any):
    running = Job.objects.get(pk=claimed().job_id)
    ended = cancel(enqueue("noop").pk)

    assert wait_of(running) is None
    assert wait_of(ended) is None


def test_for_its_parents(crew: Any):
    crew()
    parents = [enqueue("noop") for _ in range(7)]
    one = enqueue("noop", after=parents[:1])
    many = enqueue("noop", after=parents)

    assert waits(one) == Wait(Reason.OTHERS, count=1, jobs=(parents[0].pk,))
    assert str(waits(one)) == f"It waits for the end of job #{parents[0].pk}."
    assert waits(many).count == 7
    assert f"the end of 7 jobs: #{parents[0].pk}, " in str(waits(many))
    assert str(waits(many)).endswith(f"#{parents[4].pk} ….")


def test_for_its_time():
    at = timezone.now() + timedelta(hours=1)

    wait = waits(enqueue("noop", run_at=at))

    assert wait == Wait(Reason.SCHEDULED, until=at)
    assert str(wait) == f"It is not due before {at:%Y-%m-%d %H:%M:%S} UTC."


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(Retry(60.0, "away"), Reason.BACKOFF), (Snooze(60.0), Reason.SNOOZED)],
)
def test_after_a_try(claimed: Any, outcome: Any, reason: Reason):
    taken = claimed()
    settle([(taken, outcome)])

    wait = wait_of(job := Job.objects.get(pk=taken.job_id))

    assert wait == Wait(reason, until=job.run_at)
    assert str(wait).startswith("Its last ")


def test_for_a_worker():
    assert waits(enqueue("noop")).reason == Reason.NO_WORKER


def test_a_worker_that_fell_silent_is_none(crew: Any):
    gone = crew()
    Worker.objects.filter(pk=gone.pk).update(
        seen_at=timezone.now() - timedelta(minutes=1)
    )

    assert waits(enqueue("noop")).reason == Reason.NO_WORKER


def test_for_a_worker_of_its_queue(crew: Any):
    crew(queues="default,mail")

    wait = waits(enqueue("reports-queue"))

    assert wait == Wait(Reason.UNHEARD, name="reports")
    assert "takes jobs of the queue “reports”" in str(wait)


@pytest.mark.parametrize(
    ("note", "said"), [("", ""), ("mail is down", ": mail is down")]
)
def test_for_its_queue_to_be_resumed(crew: Any, note: str, said: str):
    crew()
    Queue.objects.update_or_create(
        name="default", defaults={"paused_at": timezone.now(), "pause_note": note}
    )

    wait = waits(enqueue("noop"))

    assert wait == Wait(Reason.PAUSED, name="default", note=note)
    assert str(wait) == f"Its queue “default” is paused{said}."


def test_of_a_type_that_nobody_knows(crew: Any, sql: Any):
    crew()
    sql("INSERT INTO jobs (type) VALUES ('from-elsewhere')")

    wait = waits(Job.objects.get())

    assert wait == Wait(Reason.UNKNOWN_TYPE, name="from-elsewhere")


def test_for_those_before_it(crew: Any):
    crew()
    later = enqueue("noop", priority=9)
    enqueue("noop", priority=1)
    second = enqueue("noop", priority=9)

    assert waits(later) == Wait(Reason.BEHIND, name="default", count=1)
    assert str(waits(later)) == "It is due; 1 job stands before it in its line."
    assert waits(second).count == 2


def test_for_a_free_process(crew: Any, me: int):
    crew()
    busy = crew(Worker.Kind.CHILD)
    enqueue("noop")
    claim(["default"], worker=busy.pk, limit=1)
    Worker.objects.filter(pk=me).update(gone_at=timezone.now())

    job = enqueue("noop")

    assert waits(job).reason == Reason.BUSY
    crew(Worker.Kind.CHILD)
    assert waits(job).reason == Reason.NEXT


@pytest.fixture
def limited(crew: Any, me: int) -> Callable[[str], list[Claim]]:
    """Return a function that claims under a limit, as a worker that is there."""
    crew()
    publish()
    return lambda name: admit(name, ["default"], worker=me, limit=1).claims


def test_for_a_limit_that_is_zero(limited: Any):
    job = enqueue("turnstile", {"tenant": "a"})
    LimitRow.objects.filter(name="turnstile").update(running=0)

    assert waits(job) == Wait(Reason.CLOSED, name="turnstile")


def test_for_a_place_under_a_limit(limited: Any):
    first = enqueue("turnstile", {"tenant": "a"})
    limited("turnstile")

    wait = waits(enqueue("turnstile", {"tenant": "b"}))

    assert wait == Wait(Reason.FULL, "turnstile", "b", 1, 1, (first.pk,))
    assert str(wait) == (
        f"The limit “turnstile” is full: 1 of 1 run, held by #{first.pk}."
    )


def test_for_a_place_of_its_key(limited: Any):
    first = enqueue("seat", {"seat": "A1"})
    limited("hall")

    wait = waits(enqueue("seat", {"seat": "A1"}))
    other = waits(enqueue("seat", {"seat": "B2"}))

    assert wait == Wait(Reason.FULL_KEY, "hall", "A1", 1, 1, (first.pk,))
    assert other.reason == Reason.BEHIND


@pytest.mark.parametrize(
    ("field", "reason"), [("rate", Reason.RATE), ("rate_per_key", Reason.RATE_KEY)]
)
def test_for_the_next_start_of_a_rate(limited: Any, field: str, reason: Reason):
    free = {"running": None, "rate": None, "period_seconds": 3600.0}
    enqueue("turnstile", {"tenant": "a"})
    LimitRow.objects.filter(name="turnstile").update(**{**free, field: 1})
    (taken,) = limited("turnstile")
    settle([(taken, Succeed())])

    wait = waits(enqueue("turnstile", {"tenant": "a"}))

    assert (wait.reason, wait.count, wait.most) == (reason, 1, 1)
    assert wait.until is not None
    assert wait.until > timezone.now()
    assert "may start at" in str(wait)


def test_a_limit_without_a_row_stops_nothing(limited: Any):
    job = enqueue("turnstile", {"tenant": "a"})
    LimitRow.objects.all().delete()

    assert waits(job).reason in {Reason.NEXT, Reason.BUSY}
