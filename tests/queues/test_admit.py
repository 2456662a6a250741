"""Claims under a limit: never more than it allows, and everybody's turn comes."""

import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from queues.admit import admit
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.errors import InvalidJobData
from queues.handlers import Handler, handler, registry
from queues.keep import due_queues
from queues.limits import Limit
from queues.models import Attempt, Job, LimitKey, LimitRow, LimitUse
from queues.outcomes import Lose, Release, Retry, Snooze, Succeed
from queues.publish import publish
from queues.rescue import rescue
from queues.settle import settle
from queues.work import run_due, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _published():
    publish()


@pytest.fixture
def take(me):
    def take(name, most=1):
        return admit(name, ["default"], worker=me, limit=most).claims

    return take


def seats(*names, **options):
    return [enqueue("seat", {"seat": name}, **options) for name in names]


def tenants(*names, **options):
    return [enqueue("turnstile", {"tenant": name}, **options) for name in names]


def keys(claims):
    return [
        claim.payload.get("seat") or claim.payload.get("tenant") for claim in claims
    ]


def test_a_job_carries_its_limit_and_its_key():
    one, (two, three) = (
        enqueue("seat", {"seat": "a"}),
        enqueue_many("seat", [{"seat": "b"}, {"seat": 7}]),
    )

    stored = Job.objects.order_by("id").values_list("limit_name", "limit_key")
    assert list(stored) == [("hall", "a"), ("hall", "b"), ("hall", "7")]
    assert [each.limit_key for each in (one, two, three)] == ["a", "b", "7"]
    assert enqueue("noop").limit_name is None


def test_data_that_does_not_tell_the_key_is_refused():
    with pytest.raises(InvalidJobData, match="key of its limit"):
        enqueue("seat", {})
    with pytest.raises(InvalidJobData, match="key of its limit"):
        enqueue("turnstile", {"tenancy": 1})
    with pytest.raises(InvalidJobData, match="at most 200"):
        enqueue("seat", {"seat": "x" * 201})

    assert not Job.objects.exists()


def test_no_more_run_at_once_than_allowed_and_one_a_key(take):
    seats("a", "a", "b", "c", "d")

    first, none, more = take("hall", 9), take("hall", 9), []
    assert keys(first) == ["a", "b", "c"]
    assert none == []

    settle([(first[0], Succeed())])
    more = take("hall", 9)
    assert keys(more) == ["d"]


def test_jobs_under_a_limit_are_left_to_admit(me):
    seats("a")
    plain = enqueue("noop")

    assert [each.job_id for each in claim(["default"], worker=me, limit=9)] == [
        plain.id
    ]


@pytest.mark.parametrize(
    "end", [Succeed(), Retry(after=60), Snooze(60), Release(), Lose("gone")]
)
def test_whatever_ends_a_run_frees_its_place(take, end):
    tenants("a", "b")
    (held,) = take("turnstile")
    assert not take("turnstile")

    settle([(held, end)])

    assert len(take("turnstile")) == 1


def test_a_vanished_process_leaks_no_place(take, sql):
    tenants("a", "b")
    take("turnstile")
    sql("UPDATE workers SET gone_at = clock_timestamp()")

    assert rescue() == 1

    assert keys(take("turnstile")) == ["b"]


def test_the_most_urgent_goes_first_whatever_its_key(take):
    tenants("a", "b")
    tenants("z", priority=2)
    tenants("y", priority=7)

    served = []
    while claims := take("turnstile"):
        served += keys(claims)
        settle([(each, Succeed()) for each in claims])

    assert served == ["z", "a", "b", "y"]


def test_the_key_served_least_recently_goes_first(take):
    enqueue_many("turnstile", [{"tenant": "big"}] * 1000)
    (first,) = take("turnstile")
    tenants("small", "other")
    settle([(first, Succeed())])

    served = []
    for _ in range(6):
        (held,) = take("turnstile")
        served += keys([held])
        settle([(held, Succeed())])

    assert served == ["small", "other", "big", "big", "big", "big"]


def test_a_batch_goes_round_the_keys(take):
    LimitRow.objects.filter(name="turnstile").update(running=6)
    tenants("a", "a", "a", "a", "b", "b", "c")

    taken = take("turnstile", 6)

    assert sorted(keys(taken)) == ["a", "a", "a", "b", "b", "c"]


def test_many_more_keys_than_one_look_sees_are_served_in_turn(take, monkeypatch):
    monkeypatch.setattr("queues.admit.WINDOW", 10)
    LimitRow.objects.filter(name="turnstile").update(running=1)
    enqueue_many("turnstile", [{"tenant": f"t{n:03}"} for n in range(60)] * 3)

    served = []
    for _ in range(120):
        (held,) = take("turnstile")
        served += keys([held])
        settle([(held, Succeed())])

    assert {served.count(key) for key in set(served)} <= {1, 2, 3}
    assert len(set(served)) == 60


def test_future_jobs_of_many_keys_hide_nobody(take, monkeypatch):
    monkeypatch.setattr("queues.admit.WINDOW", 10)
    later = timezone.now() + timedelta(hours=1)
    enqueue_many("turnstile", [{"tenant": f"a{n}"} for n in range(50)], run_at=later)
    tenants("z")

    assert keys(take("turnstile")) == ["z"]


def test_a_row_locked_by_somebody_else_holds_nobody_up(take):
    (first, second) = tenants("a", "a")

    with transaction.atomic():
        Job.objects.select_for_update().get(pk=first.pk)
        taken = other_thread(lambda: [each.job_id for each in take("turnstile")])

    assert taken == [second.id]


def test_a_lowered_limit_drains_and_a_raised_one_admits(take):
    seats("a", "b", "c", "d")
    held = take("hall", 3)

    LimitRow.objects.filter(name="hall").update(running=1)
    assert Job.objects.filter(status="processing").count() == 3
    settle([(each, Succeed()) for each in held[:2]])
    assert not take("hall")
    settle([(held[2], Succeed())])
    assert len(take("hall", 3)) == 1

    LimitRow.objects.filter(name="hall").update(running=0)
    Attempt.objects.all()
    assert not take("hall")
    LimitRow.objects.filter(name="hall").update(running=None)
    seats("e", "f")
    assert len(take("hall", 9)) == 2 + 0


def test_the_code_declares_and_the_row_rules():
    LimitRow.objects.filter(name="hall").update(running=7)

    publish()

    row = LimitRow.objects.get(name="hall")
    assert (row.running, row.running_per_key, row.rate) == (7, 1, None)
    assert LimitRow.objects.get(name="metered").period_seconds == 1.5


def test_a_deleted_row_comes_back_as_the_code_declares_it(take):
    seats("a", "b", "c", "d")
    LimitRow.objects.all().delete()

    assert len(take("hall", 9)) == 3

    assert LimitRow.objects.get(name="hall").running == 3


def test_starts_are_counted_in_a_window_that_slides(take, sql):
    enqueue_many("metered", [{}] * 25)
    assert len(take("metered", 25)) == 10
    assert not take("metered")

    # Four of them slide out of the window.
    sql(
        "UPDATE limit_uses SET at = at - interval '2 seconds' WHERE id IN"
        " (SELECT id FROM limit_uses ORDER BY id LIMIT 4)"
    )

    assert len(take("metered", 25)) == 4
    assert LimitUse.objects.count() == 10


def test_a_rate_per_key_binds_each_key_alone(take):
    LimitRow.objects.filter(name="turnstile").update(
        running=None, rate_per_key=2, period_seconds=60
    )
    tenants("a", "a", "a", "b")

    assert sorted(keys(take("turnstile", 9))) == ["a", "a", "b"]
    assert not take("turnstile", 9)


def test_a_job_written_by_sql_does_not_evade_its_limit(sql):
    for name in "aab":
        sql(
            "INSERT INTO jobs (type, payload) VALUES ('seat', %s)",
            json.dumps({"seat": name}),
        )
    LimitRow.objects.filter(name="hall").update(running=0)

    assert work("default") == 0
    assert set(Job.objects.values_list("status", "limit_name", "failures")) == {
        ("pending", "hall", 0)
    }

    LimitRow.objects.filter(name="hall").update(running=3)
    assert work("default") == 3
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {
        "released",
        "completed",
    }


def test_a_job_of_sql_without_a_key_dies_with_a_letter(sql):
    sql("INSERT INTO jobs (type, payload) VALUES ('seat', '{}')")

    work("default")

    job = Job.objects.get()
    assert job.status == "failed"
    assert "key of its limit" in job.error


def test_a_pass_honours_limits():
    seats("a", "b")
    enqueue("noop")
    LimitRow.objects.filter(name="hall").update(running=0)

    assert run_due(limit=10, seconds=5).processed == 1
    LimitRow.objects.filter(name="hall").update(running=1)
    assert run_due(limit=10, seconds=5).processed == 2


def test_priority_counts_between_limited_and_free_jobs():
    ran = []

    def spy(data, job):
        ran.append(job.id)

    for name, limit in (("free", None), ("bound", Limit("bound", running=1))):
        registry.add(Handler(name, spy, limit=limit))
    try:
        jobs = [
            enqueue(name, priority=priority)
            for name, priority in (
                ("free", 5), ("bound", 3), ("free", 4), ("bound", 6), ("free", 2),
                ("bound", 1), ("free", 7),
            )
        ]  # fmt: skip
        run_due(limit=10, seconds=5)
    finally:
        registry.discard("free")
        registry.discard("bound")

    order = [jobs[ran_id - jobs[0].id].priority for ran_id in ran]
    # A batch of jobs without a limit is claimed as a whole: looks are 0.2 s apart.
    assert order.index(1) == 0
    assert order.index(3) < order.index(4)
    assert sorted(order) == [1, 2, 3, 4, 5, 6, 7]


def test_a_full_limit_keeps_nobody_else_waiting():
    LimitRow.objects.filter(name="hall").update(running=0)
    seats("a", priority=1)
    enqueue_many("noop", [{}] * 20)

    assert work("default") == 20


def test_the_claim_of_free_jobs_looks_at_no_limited_one(me, touched):
    enqueue_many("seat", [{"seat": n} for n in range(3000)], priority=1)
    enqueue_many("noop", [{}] * 3000)
    scans, rows = touched()

    assert len(claim(["default"], worker=me, limit=10)) == 10

    after = touched()
    assert after[0] == scans
    # Ten to lock, to write and to step over, and the one behind them.
    assert after[1] - rows <= 40


def test_admit_looks_at_live_rows_of_its_limit_alone(me, touched):
    enqueue_many("noop", [{}] * 3000)
    enqueue_many("turnstile", [{"tenant": n % 5} for n in range(3000)])

    with transaction.atomic():
        admit("turnstile", ["default"], worker=me, limit=1)
        scanned, fetched = touched()

    assert scanned == 0
    assert fetched < 100


@pytest.mark.parametrize(
    "options",
    [
        {"limit": Limit("x", running_per_key=1)},
        {"exclusive": True},
        {"key": "field"},
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(options):
    with pytest.raises(ValueError, match="limit"):
        handler("bad", **options)


def test_two_values_of_one_limit_are_refused():
    with pytest.raises(ValueError, match="two ways"):
        registry.add(Handler("other", print, limit=Limit("hall", running=9)))
    with pytest.raises(ValueError, match="negative"):
        Limit("x", running=-1)
    with pytest.raises(ValueError, match="bad name"):
        Limit("x", period=0)


@pytest.mark.raw_rows
def test_keys_that_nobody_asks_for_are_forgotten(take, sql):
    from queues.prune import prune

    tenants("a")
    take("turnstile")
    LimitKey.objects.update(served_at=Now() - timedelta(hours=2))

    prune()

    assert not LimitKey.objects.exists()


def other_thread(act):
    from concurrent.futures import ThreadPoolExecutor

    def run():
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(20)


def test_the_pacemaker_sees_queues_where_only_limited_jobs_wait(sql):
    later = timezone.now() + timedelta(hours=1)
    enqueue_many("seat", [{"seat": n} for n in range(3000)], run_at=later)
    enqueue_many("noop", [{}] * 3000, run_at=later)
    assert due_queues() == []

    tenants("a", queue="default")

    with transaction.atomic(), connection.cursor() as cursor:
        assert due_queues() == ["default"]
        cursor.execute(
            "SELECT seq_scan, idx_tup_fetch + idx_scan FROM pg_stat_xact_user_tables"
            " WHERE relname = 'jobs'"
        )
        scanned, looked = cursor.fetchone()
    assert scanned == 0
    assert looked < 100
