"""One live job a key; what a second request does to it; nothing is swallowed."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from queues.cancel import cancel
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.errors import InvalidOption
from queues.models import Job, UniqueWindow
from queues.outcomes import Bury, Cancel, Release, Retry, Snooze, Succeed
from queues.prune import prune
from queues.settle import settle
from queues.states import State
from tests.queues.runners import race

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


def live(key="k"):
    return list(
        Job.objects.filter(unique_key=key, status__in=["pending", "processing"])
    )


@pytest.fixture
def running(claimed):
    """Return the claim of a running job that holds the key."""
    return claimed(data={"n": 1}, unique_key="k")


def test_replace_gives_a_waiting_job_the_new_data():
    later = timezone.now() + HOUR
    first = enqueue("noop", {"n": 1}, unique_key="k")
    Job.objects.filter(pk=first.id).update(failures=2, error="old", checkpoint=7)

    second = enqueue(
        "noop", {"n": 2}, unique_key="k", priority=2, run_at=later,
        max_attempts=9, on_conflict="replace",
    )  # fmt: skip

    assert second.id == first.id
    assert (second.payload, second.priority, second.run_at, second.max_attempts) == (
        {"n": 2}, 2, later, 9,
    )  # fmt: skip
    assert (second.failures, second.error, second.checkpoint) == (0, None, None)


def test_coalesce_lets_a_waiting_job_come_forward():
    first = enqueue("noop", {"n": 1}, unique_key="k", run_at=timezone.now() + HOUR)

    second = enqueue("noop", {"n": 2}, unique_key="k", on_conflict="coalesce")

    assert (second.id, second.payload) == (first.id, {"n": 1})
    assert second.run_at < timezone.now()


def test_coalesce_never_delays_a_waiting_job():
    first = enqueue("noop", unique_key="k", priority=3)

    second = enqueue(
        "noop", unique_key="k", run_at=timezone.now() + HOUR, on_conflict="coalesce"
    )

    assert (second.run_at, second.priority) == (first.run_at, 3)


@pytest.mark.parametrize(
    "outcome", [Succeed(), Bury("no use"), Cancel(), Retry(error="last")]
)
def test_requests_made_while_it_runs_make_one_more_run(running, outcome):
    Job.objects.filter(pk=running.job_id).update(max_attempts=1)
    running.max_attempts = 1
    for number in (2, 3, 4):
        job = enqueue("noop", {"n": number}, unique_key="k", on_conflict="coalesce")
        assert (job.id, job.status) == (running.job_id, State.PROCESSING)

    settle([(running, outcome)])

    (after,) = live()
    assert after.id != running.job_id
    assert (after.status, after.payload, after.source, after.failures) == (
        State.PENDING, {"n": 2}, "coalesced", 0,
    )  # fmt: skip
    assert Job.objects.get(pk=running.job_id).rerun is None
    assert Job.objects.count() == 2


def test_replace_of_a_running_job_follows_it_with_the_last_data(running):
    later = timezone.now() + HOUR
    enqueue("noop", {"n": 2}, unique_key="k", on_conflict="coalesce")
    enqueue("noop", {"n": 3}, unique_key="k", on_conflict="replace")
    enqueue(
        "noop",
        {"n": 4},
        unique_key="k",
        on_conflict="replace",
        run_at=later,
        priority=8,
    )
    enqueue("noop", {"n": 5}, unique_key="k", on_conflict="keep")

    settle([(running, Succeed())])

    (after,) = live()
    assert (after.payload, after.run_at, after.priority) == ({"n": 4}, later, 8)
    assert Job.objects.get(pk=running.job_id).payload == {"n": 1}


def test_the_owner_stays(running, django_user_model):
    owner = django_user_model.objects.create_user("ana")
    Job.objects.filter(pk=running.job_id).update(owner=owner)
    enqueue("noop", unique_key="k", on_conflict="coalesce")

    settle([(running, Succeed())])

    assert live()[0].owner == owner


@pytest.mark.parametrize("outcome", [Retry(after=600), Snooze(600), Release()])
def test_a_run_that_comes_back_by_itself_serves_the_request(running, outcome):
    enqueue("noop", {"n": 2}, unique_key="k", on_conflict="coalesce")

    settle([(running, outcome)])

    (job,) = live()
    assert (job.id, job.payload, job.rerun) == (running.job_id, {"n": 1}, None)
    assert job.run_at <= timezone.now()


def test_a_run_that_comes_back_takes_the_data_of_a_replace(running):
    enqueue("noop", {"n": 2}, unique_key="k", on_conflict="replace")

    settle([(running, Retry(after=600, error="of the old data"))])

    (job,) = live()
    assert (job.id, job.payload, job.failures) == (running.job_id, {"n": 2}, 0)
    assert job.run_at <= timezone.now()


def test_a_cancel_of_the_running_job_does_not_swallow_the_request(running):
    enqueue("noop", {"n": 2}, unique_key="k", on_conflict="coalesce")
    cancel(running.job_id)

    settle([(running, Snooze(60))])

    assert Job.objects.get(pk=running.job_id).status == State.CANCELLED
    assert [job.payload for job in live()] == [{"n": 2}]


def test_a_batch_settles_with_and_without_requests(me):
    enqueue_many("noop", [{}] * 5)
    enqueue_many("noop", [{}] * 3, unique_keys=["a", "b", "c"])
    taken = claim(["default"], worker=me, limit=8)
    enqueue_many("noop", [{"n": 1}, {"n": 2}], unique_keys=["c", "a"],
                 on_conflict="coalesce")  # fmt: skip

    assert set(settle([(each, Succeed()) for each in taken]).values()) == {"completed"}

    pending = Job.objects.filter(status=State.PENDING).order_by("unique_key")
    assert [(job.unique_key, job.payload["n"]) for job in pending] == [
        ("a", 2),
        ("c", 1),
    ]


def test_a_request_that_rolls_back_asks_nothing(running):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("noop", unique_key="k", on_conflict="coalesce")
        raise ZeroDivisionError

    settle([(running, Succeed())])

    assert live() == []


def test_a_job_is_not_claimed_before_the_request_for_it_commits(me):
    enqueue("noop", {"n": 1}, unique_key="k")
    taken: list[int] = []

    def elsewhere():
        taken.append(len(claim(["default"], worker=me, limit=1)))
        connection.close()

    with transaction.atomic():
        enqueue("noop", {"n": 2}, unique_key="k", on_conflict="coalesce")
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join(10)

    assert taken == [0]


def test_a_verdict_waits_for_the_request_made_before_it(running):
    done: list[float] = []

    def elsewhere():
        settle([(running, Succeed())])
        done.append(time.monotonic())
        connection.close()

    with transaction.atomic():
        enqueue("noop", {"n": 2}, unique_key="k", on_conflict="coalesce")
        thread = threading.Thread(target=elsewhere)
        thread.start()
        time.sleep(0.3)
        assert not done
    thread.join(10)

    assert [job.payload for job in live()] == [{"n": 2}]


def test_bulk_keeps_the_order_and_meets_its_own_rows():
    held = enqueue("noop", {"n": 0}, unique_key="b")

    jobs = enqueue_many(
        "noop", [{"n": n} for n in range(1, 5)], unique_keys=["c", "b", "a", "c"]
    )

    assert [job.payload["n"] for job in jobs] == [1, 0, 3, 1]
    assert jobs[1].id == held.id
    assert jobs[3].id == jobs[0].id
    assert Job.objects.count() == 3


@pytest.mark.parametrize(
    "options",
    [
        {"unique_keys": ["a"]},
        {"unique_keys": ["a", None]},
        {"unique_keys": ["a", ""]},
        {"on_conflict": "merge"},
        {"unique_key": "a"},
        {"unique_for": HOUR},
    ],
)
def test_bulk_refuses_keys_that_mean_nothing(options):
    with pytest.raises(InvalidOption):
        enqueue_many("noop", [{}, {}], **options)
    assert not Job.objects.exists()


def test_a_window_outlasts_its_job(claimed):
    taken = claimed(unique_key="k", unique_for=HOUR)
    settle([(taken, Succeed())])

    assert enqueue("noop", unique_key="k", unique_for=HOUR).id == taken.job_id
    assert enqueue_many(
        "noop", [{}, {}], unique_keys=["j", "k"], unique_for=HOUR
    )[1].id == taken.job_id  # fmt: skip
    UniqueWindow.objects.update(until=timezone.now())
    assert enqueue("noop", unique_key="k", unique_for=HOUR).id != taken.job_id


def test_a_window_that_rolls_back_stays_open_for_others():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("noop", unique_key="k", unique_for=HOUR)
        raise ZeroDivisionError

    assert enqueue("noop", unique_key="k", unique_for=HOUR).status == State.PENDING


@pytest.mark.parametrize(
    "options",
    [
        {"unique_for": HOUR},
        {"unique_for": timedelta(0), "unique_key": "k"},
        {"unique_for": 60, "unique_key": "k"},
        {"unique_for": HOUR, "unique_key": "k", "on_conflict": "replace"},
        {"unique_for": HOUR, "unique_key": "k", "on_conflict": "coalesce"},
        {"unique_for": timedelta(days=10_000), "unique_key": "k"},
    ],
)
def test_a_window_that_means_nothing_is_refused(options):
    with pytest.raises(InvalidOption):
        enqueue("noop", **options)
    assert not Job.objects.exists()


def test_a_deleted_job_and_a_closed_window_are_forgotten():
    enqueue("noop", unique_key="a", unique_for=HOUR).delete()
    enqueue("noop", unique_key="b", unique_for=HOUR)
    assert UniqueWindow.objects.count() == 1
    UniqueWindow.objects.update(until=timezone.now() - HOUR)

    prune()

    assert not UniqueWindow.objects.exists()


def test_one_job_a_window_whatever_the_race(me):
    ids: list[int] = []

    def act(number: int) -> None:
        for _ in range(20):
            ids.append(enqueue("noop", unique_key="k", unique_for=HOUR).id)
            settle(
                [(each, Succeed()) for each in claim(["default"], worker=me, limit=1)]
            )

    race(12, act)

    assert len(set(ids)) == Job.objects.count() == 1


def test_sql_callers_have_the_same_choices(sql, running):
    def call(arguments: str):
        ((said,),) = sql(f"SELECT enqueue_unique_job({arguments})")
        return json.loads(said) if isinstance(said, str) else said

    kept = call("'noop', '{\"n\": 2}', 'k'")
    coalesced = call("'noop', '{\"n\": 3}', 'k', 'coalesce', 2")
    written = call("'noop', '{}', 'j', p_unique_for => interval '1 hour'")

    assert kept == coalesced == {
        "success": True, "jobId": running.job_id, "created": False,
    }  # fmt: skip
    assert written["created"] is True
    settle([(running, Succeed())])
    (after,) = live()
    assert (after.payload, after.priority) == ({"n": 3}, 2)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("'a b', '{}', 'k'", "Invalid job type"),
        ("'noop', '[]', 'k'", "Invalid job data"),
        ("'noop', '{}', NULL", "Invalid unique key"),
        ("'noop', '{}', ''", "Invalid unique key"),
        ("'noop', '{}', 'k', 'merge'", "Invalid on_conflict"),
        ("'noop', '{}', 'k', 'keep', 10", "Invalid priority"),
        ("'noop', '{}', 'k', 'replace', 5, interval '1 s'", "Invalid unique_for"),
    ],
)
def test_a_refused_sql_call_is_an_answer(sql, arguments, error):
    ((said,),) = sql(f"SELECT enqueue_unique_job({arguments})")
    said = json.loads(said) if isinstance(said, str) else said
    assert said == {"success": False, "error": error}
    assert not Job.objects.exists()
