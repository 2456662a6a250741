"""Behind PgBouncer in transaction mode: everything works, and nothing needs a session."""

import re
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from config.env import BASE_DIR
from queues.admit import admit
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.models import CronLog, DeadLetter, Job
from queues.publish import publish
from queues.schedule import schedule
from queues.states import LIVE
from tests.pooler import SIZE, pooler
from tests.processes import beat, free_port, until, web, worker
from tests.queues.callers import ENQUEUE
from tests.queues.runners import race
from tests.queues.test_limit_races import ledger_crowd

__all__ = ["pooler"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

PATIENCE = 120.0
APPS = ("config", "queues", "cadences", "syncs")


@pytest.fixture(autouse=True)
def _published():
    publish()


# What belongs to a session: behind a pooler it is another client's, or nobody's.
OF_A_SESSION = re.compile(
    r"\bLISTEN [a-z]|\bNOTIFY [a-z]|pg_notify|\bPREPARE [a-z]|DEALLOCATE"
    r"|pg_(try_)?advisory_lock|CREATE TEMP|WITH HOLD|\bSET (SESSION|TIME|[a-z_]+_timeout)"
    r"|set_config\([^)]*false|currval|lastval"
)


def test_nothing_is_used_that_belongs_to_a_session(sql):
    sources = [path for app in APPS for path in Path(BASE_DIR, app).rglob("*.py")]
    found = {
        f"{path.relative_to(BASE_DIR)}: {match.group()}"
        for path in sources
        for match in OF_A_SESSION.finditer(path.read_text())
    }
    functions = sql(
        "SELECT proname, prosrc FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace"
    )

    assert len(sources) > 200
    assert len(functions) > 5
    assert found == set()
    assert [name for name, text in functions if OF_A_SESSION.search(text)] == []


def test_a_look_at_our_health_limits_nobody_else(pooler, client, sql):
    before = sql("SHOW statement_timeout")

    assert client.get("/readyz").json()["checks"]["database"] == "ok"

    assert {sql("SHOW statement_timeout")[0] for _ in range(SIZE)} == set(before)


def are_over():
    return not Job.objects.filter(status__in=LIVE).exists()


def test_jobs_of_every_kind_run_once_through_few_connections(pooler):
    receipts = enqueue_many("send-receipt", [{"order_id": n} for n in range(100)])
    enqueue_many("seat", [{"seat": n % 5, "seconds": 0.05} for n in range(20)])
    first = enqueue("noop", priority=9)
    last = enqueue("async-echo", {"seconds": 0.01}, after=[first], priority=1)
    dead = enqueue("fail", max_attempts=2)
    dies = enqueue("step", {"steps": 5, "die_at": 3})

    with worker("-c", "4"):
        until(are_over, PATIENCE)
        clients = pooler.show("CLIENTS")
        servers = pooler.show("SERVERS")

    assert len([each for each in clients if each["database"] != "pgbouncer"]) > SIZE
    assert 1 <= len(servers) <= SIZE
    jobs = Job.objects.in_bulk()
    assert {jobs[each.pk].result["attempt"] for each in receipts} == {1}
    assert jobs[last.pk].status == "completed"
    assert jobs[last.pk].completed_at > jobs[first.pk].completed_at
    assert DeadLetter.objects.get().job_id == dead.pk
    assert jobs[dies.pk].result == {"resumed_at": 3}
    most, twice = ledger_crowd()
    assert (1 < most <= 3, twice) == (True, 1)
    ends = Job.objects.exclude(pk=dead.pk).values_list("status", flat=True)
    assert set(ends) == {"completed"}


def test_two_beats_fire_each_due_time_once(pooler):
    every = timedelta(seconds=1)
    schedule("every-1s", type="noop", every=every, misfire="all")

    with beat(), beat(), worker("-c", "1"):
        until(lambda: CronLog.objects.filter(status="success").count() >= 4, PATIENCE)
        schedule("every-1s", type="noop", every=every, misfire="all", enabled=False)
        until(are_over, PATIENCE)

    times = list(CronLog.objects.order_by("due_at").values_list("due_at", flat=True))
    assert times == [times[0] + n * every for n in range(len(times))]
    assert Job.objects.count() == len(times)


def test_the_web_takes_jobs_and_knows_that_all_is_well(pooler):
    home = f"http://127.0.0.1:{(port := free_port())}"
    secret = {"Authorization": "Bearer cron-test-secret"}
    wish = {"type": "noop", "data": {}}

    def ask(_):
        with httpx2.Client(base_url=home, headers=secret, trust_env=False) as caller:
            return [caller.post(ENQUEUE, json=wish).status_code for _ in range(5)]

    with web(port), worker("-c", "2"), beat():
        until(lambda: httpx2.get(f"{home}/readyz", trust_env=False).is_success)
        answers = race(8, ask)
        until(are_over, PATIENCE)

    assert {status for each in answers for status in each} == {200}
    assert Job.objects.filter(status="completed").count() == 40


def test_threads_that_race_agree(pooler, me):
    keys = race(12, lambda _: enqueue("noop", unique_key="one").pk)
    enqueue_many("turnstile", [{"tenant": "t"}] * 6)
    claimed = race(6, lambda _: claim(["default"], worker=me, limit=1))
    admitted = race(6, lambda _: admit("turnstile", ["default"], worker=me, limit=1))

    assert len(set(keys)) == 1
    assert [each.job_id for some in claimed for each in some] == keys[:1]
    assert sum(len(each.claims) for each in admitted) == 1
