"""Jobs that wait for others: released by the last, buried with the first that dies."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from queues.cancel import cancel
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.errors import IllegalTransition, InvalidOption
from queues.models import DeadLetter, Job, JobNeed
from queues.needs import FAR, release_stranded
from queues.outcomes import Bury, Retry, Succeed
from queues.prune import prune
from queues.replay import replay
from queues.settle import settle
from queues.states import State
from queues.testing import inline
from queues.work import run_due
from tests.queues.runners import Runners, race, wait_until_idle

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


def state(job):
    return Job.objects.get(pk=job.pk).status


def end(me, outcome):
    (taken,) = claim(["default"], worker=me, limit=1)
    settle([(taken, outcome)])


def test_a_job_runs_after_all_it_waits_for(me):
    first, second = enqueue("noop", priority=1), enqueue("noop", priority=2)
    last = enqueue("noop", priority=1, after=[first, second.id])

    assert (last.status, last.run_at) == (State.PENDING, FAR)
    end(me, Succeed())
    assert Job.objects.get(pk=last.pk).run_at == FAR
    end(me, Succeed())

    released = Job.objects.get(pk=last.pk)
    assert released.held_run_at is None
    assert released.run_at <= timezone.now()
    assert run_due(limit=5, seconds=10).processed == 1
    assert state(last) == State.COMPLETED


def test_the_due_time_asked_for_still_holds(me):
    later = timezone.now() + HOUR
    last = enqueue("noop", run_at=later, after=[enqueue("noop")])

    end(me, Succeed())

    assert Job.objects.get(pk=last.pk).run_at == later


def test_a_retry_releases_nothing(me):
    last = enqueue("noop", after=[enqueue("noop")])

    end(me, Retry(after=60))

    assert Job.objects.get(pk=last.pk).run_at == FAR


def test_a_death_buries_what_waits_and_what_waits_for_that(me):
    first = enqueue("noop")
    second = enqueue("noop", after=[first])
    third = enqueue("noop", after=[second])
    other = enqueue("noop", after=[third], if_dead="run")

    end(me, Bury("no use"))

    assert [state(each) for each in (second, third)] == [State.FAILED] * 2
    letters = {each.job_id: each.reason for each in DeadLetter.objects.all()}
    assert letters[second.pk].endswith(f"did not complete: #{first.pk} died")
    assert letters[third.pk].endswith(f"#{second.pk} died")
    assert Job.objects.get(pk=other.pk).run_at <= timezone.now()


def test_a_cancel_buries_too_or_lets_run(me):
    first = enqueue("noop")
    buried = enqueue("noop", after=[first])
    runs = enqueue("noop", after=[first], if_dead="run")

    cancel(first.pk)

    assert state(buried) == State.FAILED
    assert DeadLetter.objects.get().reason.endswith(f"#{first.pk} cancelled")
    assert Job.objects.get(pk=runs.pk).held_run_at is None


def test_a_waiting_job_can_be_cancelled_and_takes_its_own_along(me):
    first = enqueue("noop")
    second = enqueue("noop", after=[first])
    third = enqueue("noop", after=[second])

    cancelled = cancel(second.pk)

    assert (cancelled.status, cancelled.held_run_at) == (State.CANCELLED, None)
    assert cancelled.run_at < FAR
    assert state(third) == State.FAILED
    end(me, Succeed())
    assert state(second) == State.CANCELLED


def test_run_if_dead_waits_for_all_the_same(me):
    first, second = enqueue("noop", priority=1), enqueue("noop")
    last = enqueue("noop", after=[first, second], if_dead="run")

    end(me, Bury("no use"))
    assert Job.objects.get(pk=last.pk).run_at == FAR
    end(me, Bury("no use"))
    assert Job.objects.get(pk=last.pk).run_at < FAR


def test_jobs_that_have_ended_count_at_once(me):
    done, dead = enqueue("noop", priority=1), enqueue("noop", priority=2)
    end(me, Succeed())
    end(me, Bury("no use"))

    assert enqueue("noop", after=[done]).run_at <= timezone.now()
    assert enqueue("noop", after=[done, dead]).status == State.FAILED
    assert enqueue("noop", after=[dead], if_dead="run").run_at <= timezone.now()
    open_ = enqueue("noop")
    assert enqueue("noop", after=[done, open_]).run_at == FAR


def test_replay_of_the_dead_does_not_resurrect_those_buried_with_it(me):
    first = enqueue("noop")
    second = enqueue("noop", after=[first])
    end(me, Bury("no use"))

    replay(first.pk)
    assert run_due(limit=5, seconds=10).processed == 1
    assert state(second) == State.FAILED

    replay(second.pk)
    assert run_due(limit=5, seconds=10).processed == 1
    assert state(second) == State.COMPLETED


def test_what_cannot_be_waited_for_is_refused():
    first = enqueue("noop", unique_key="k")
    for options in (
        {"after": [first.pk + 1000]},
        {"after": [first], "if_dead": "wait"},
        {"after": [first], "on_conflict": "coalesce", "unique_key": "j"},
        {"after": [first], "unique_key": "k"},
    ):
        with pytest.raises(InvalidOption):
            enqueue("noop", **options)
    assert Job.objects.count() == 1
    assert not JobNeed.objects.exists()


def test_a_key_that_is_held_is_kept_as_it_is():
    first, held = enqueue("noop"), enqueue("noop", unique_key="k")

    assert enqueue("noop", unique_key="k", after=[first]) == held
    assert Job.objects.get(pk=held.pk).run_at < FAR
    waits = enqueue("noop", unique_key="w", after=[first])
    again = enqueue("noop", {"n": 1}, unique_key="w", on_conflict="replace")
    assert (again.pk, again.run_at, again.payload) == (waits.pk, FAR, {"n": 1})
    assert enqueue("noop", unique_key="w", on_conflict="coalesce").run_at == FAR


def test_a_chain_rolls_back_with_its_transaction(me):
    first = enqueue("noop")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("noop", after=[first])
        raise ZeroDivisionError

    end(me, Succeed())

    assert Job.objects.count() == 1


def test_a_parent_that_is_deleted_is_not_waited_for(sql):
    first, second = enqueue("noop"), enqueue("noop")
    last = enqueue("noop", after=[first, second])

    sql("DELETE FROM jobs WHERE id = %s", first.pk)

    assert state(last) == State.FAILED
    assert DeadLetter.objects.get().reason.endswith(f"#{first.pk} deleted")
    assert list(JobNeed.objects.values_list("needs_id", flat=True)) == [second.pk]


def test_a_parent_pruned_after_its_end_still_counts(me, settings):
    first, second = enqueue("noop", priority=1), enqueue("noop")
    last = enqueue("noop", after=[first, second])
    end(me, Succeed())
    Job.objects.filter(pk=first.pk).update(
        completed_at=timezone.now() - timedelta(days=settings.RETENTION_DAYS + 1)
    )
    assert prune() == 1

    end(me, Succeed())

    assert Job.objects.get(pk=last.pk).run_at < FAR


def test_inline_runs_a_chain():
    with inline() as done:
        enqueue("noop", after=[enqueue("noop"), enqueue("noop")])

    assert done.processed == 3


def test_parents_settled_in_one_batch(me):
    parents = enqueue_many("noop", [{}] * 6)
    children = [enqueue("noop", after=parents[n : n + 2]) for n in range(5)]
    taken = claim(["default"], worker=me, limit=6)
    ends = [Bury("no use") if n == 3 else Succeed() for n in range(6)]

    settle(list(zip(taken, ends, strict=True)))

    assert [state(each) for each in children] == [
        "pending", "pending", "failed", "failed", "pending",
    ]  # fmt: skip
    assert Job.objects.filter(run_at=FAR).count() == 0


@pytest.mark.raw_rows
def test_a_parent_ended_by_hand_strands_nobody(sql):
    first, second = enqueue("noop"), enqueue("noop")
    buried = enqueue("noop", after=[first])
    next_ = enqueue("noop", after=[buried])
    free = enqueue("noop", after=[second])
    for job, status in ((first, "cancelled"), (second, "completed")):
        sql(
            "UPDATE jobs SET status = %s, completed_at = now() WHERE id = %s",
            status, job.pk,
        )  # fmt: skip

    assert [release_stranded() for _ in range(3)] == [2, 1, 0]

    assert [state(job) for job in (buried, next_)] == [State.FAILED] * 2
    assert Job.objects.get(pk=free.pk).run_at < FAR


def test_staff_see_what_a_job_waits_for(admin_client):
    first = enqueue("noop")
    last = enqueue("noop", after=[first])

    page = admin_client.get(f"/admin/queues/job/{last.pk}/change/")
    rows = admin_client.get("/admin/queues/job/")

    assert "waiting for others" in page.text
    assert (
        f'<a href="/admin/queues/job/{first.pk}/change/">#{first.pk}</a>' in page.text
    )
    assert "9999" not in page.text + rows.text


def weave(number: int) -> None:
    """Write fifty jobs that wait for recent ones, and cancel a few of those."""
    dice = random.Random(number)
    for _ in range(50):
        known = list(Job.objects.order_by("-pk").values_list("pk", flat=True)[:12])
        enqueue(
            "noop",
            after=dice.sample(known, min(len(known), dice.randint(0, 4))),
            if_dead=dice.choice(["bury", "run"]),
        )
        if known and dice.random() < 0.05:
            with suppress(IllegalTransition):
                cancel(dice.choice(known))


def test_a_web_of_jobs_ends_whole_whatever_the_race(me):
    """Threads weave, run, bury and cancel at once: no deadlock, nobody left waiting."""

    def end_(claim, dice):
        return Bury("x") if dice.random() < 0.1 else Succeed()

    with Runners(me, 4, end_, limit=10) as runners:
        race(8, weave)
        wait_until_idle()

    assert runners.errors == []
    assert Job.objects.count() == 400
    done = JobNeed.objects.filter(job__status=State.COMPLETED)
    assert done.exists()
    assert (
        not done.filter(run_if_dead=False).exclude(needs__status="completed").exists()
    )
    # Nobody began before those it needs had ended.
    slack = timedelta(milliseconds=50)
    for need in done.select_related("job", "needs"):
        assert need.job.started_at > need.needs.completed_at - slack
