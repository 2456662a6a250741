"""Every arrow of the state diagram in docs/lifecycle.md, and no other."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from queues.cancel import cancel
from queues.claim import claim
from queues.claims import Claim
from queues.enqueue import enqueue
from queues.errors import ClaimLost, IllegalTransition
from queues.expire import expire
from queues.handlers import handler, registry
from queues.models import Attempt, DeadLetter, Job, Worker
from queues.outcomes import Bury, Cancel, Lose, Outcome, Release, Retry, Snooze, Succeed
from queues.presence import present
from queues.replay import replay
from queues.settle import settle
from queues.states import State

pytestmark = pytest.mark.django_db

DIAGRAM = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def take() -> Claim:
    Job.objects.update(run_at="2020-01-01T00:00Z")
    (taken,) = claim(["default"], worker=present(Worker.Kind.CHILD), limit=1)
    return taken


def end(outcome: Outcome, **options: object) -> Callable[[], None]:
    def walk() -> None:
        enqueue("noop", **options)
        settle([(take(), outcome)])

    return walk


def cancel_while_running() -> None:
    enqueue("noop")
    taken = take()
    cancel(taken.job_id)
    settle([(taken, Cancel())])


def revive() -> None:
    end(Bury("no use"))()
    replay(Job.objects.get().pk)


def orphan() -> None:
    first = enqueue("noop")
    enqueue("noop", after=[first])
    first.delete()


def grow_old() -> None:
    handler("milk", max_age=timedelta(hours=1))(lambda data, job: None)
    enqueue("milk")
    Job.objects.update(created_at="2020-01-01T00:00Z")
    expire()
    registry.discard("milk")


# (from, to): ways to walk that arrow
ARROWS: dict[tuple[str, str], list[Callable[[], object]]] = {
    ("[*]", "pending"): [lambda: enqueue("noop")],
    ("pending", "processing"): [lambda: (enqueue("noop"), take())],
    ("pending", "cancelled"): [lambda: cancel(enqueue("noop").pk)],
    ("pending", "failed"): [grow_old, orphan],
    ("processing", "completed"): [end(Succeed())],
    ("processing", "pending"): [
        end(Snooze(60)), end(Retry(error="x")), end(Lose("x")), end(Release()),
    ],
    ("processing", "failed"): [
        end(Bury("x")), end(Retry(error="x"), max_attempts=1),
        end(Lose("x"), max_attempts=1),
    ],
    ("processing", "cancelled"): [cancel_while_running],
    ("failed", "pending"): [revive],
}  # fmt: skip


@pytest.mark.parametrize(
    ("arrow", "walk"),
    [(arrow, walk) for arrow, ways in ARROWS.items() for walk in ways],
)
def test_every_arrow_of_the_diagram_is_walked(arrow, walk):
    walk()

    job = Job.objects.get()
    assert job.status == arrow[1]
    assert (job.completed_at is not None) == (
        arrow[1] in {"completed", "failed", "cancelled"}
    )
    assert Attempt.objects.filter(finished_at=None).exists() == (
        arrow[1] == "processing"
    )
    assert DeadLetter.objects.filter(replayed_at=None).exists() == (
        arrow[1] == "failed"
    )


def test_the_diagram_and_the_arrows_agree():
    drawn = re.findall(r"^\s+(\S+) --> (\w+)\s*:", DIAGRAM.read_text(), re.MULTILINE)

    assert set(drawn) == set(ARROWS)


def reach(state: str) -> int:
    if state == "pending":
        return enqueue("noop").pk
    ways = {
        arrow[1]: walks[0] for arrow, walks in ARROWS.items() if arrow[1] != "pending"
    }
    ways[state]()
    return Job.objects.get().pk


@pytest.mark.parametrize("state", State.values)
def test_every_other_arrow_is_refused(state):
    job_id = reach(state)
    if state not in {"pending", "processing"}:
        with pytest.raises(IllegalTransition):
            cancel(job_id)
    if state != "failed":
        with pytest.raises(IllegalTransition):
            replay(job_id)
    if state != "pending":
        assert claim(["default"], worker=present(Worker.Kind.CHILD), limit=9) == []
    if state not in {"processing", "pending"}:
        ghost = Attempt.objects.first()
        if ghost is not None:
            with pytest.raises(ClaimLost):
                settle([(claim_of(ghost), Succeed("ghost"))])
    assert Job.objects.get().status == state


def claim_of(attempt: Attempt) -> Claim:
    job = attempt.job
    return Claim(
        attempt.pk, job.pk, job.type, job.queue, {}, 5, 1, 0, 0, 3, "code", None, None,
        job.run_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "status = 'sleeping'",
        "status = 'completed'",
        "completed_at = now()",
        "priority = 0",
        "priority = 10",
        "queue = NULL",
    ],
)
def test_the_database_refuses_rows_that_lie(sql, change):
    enqueue("noop")

    with pytest.raises(IntegrityError), transaction.atomic():
        sql(f"UPDATE jobs SET {change}")
