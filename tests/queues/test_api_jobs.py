"""The jobs of a person: theirs alone, unless staff may see more."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from queues.claim import claim
from queues.enqueue import enqueue
from queues.models import ApiToken, Job
from queues.outcomes import Bury, Snooze, Succeed
from queues.settle import settle
from queues.tokens import issue_token
from tests.queues.callers import CRON, call, get, nothing_was_written, person, post

pytestmark = pytest.mark.django_db

JOBS = "/api/jobs"
RECEIPT = {"type": "send-receipt", "payload": {"order_id": 7}}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def ana() -> tuple[User, str]:
    return person("ana")


@pytest.fixture
def bob() -> tuple[User, str]:
    return person("bob")


def test_a_person_enqueues_and_owns_a_job(ana):
    answer = post(JOBS, RECEIPT, secret=ana[1])

    job = Job.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {"jobId": job.id, "status": "pending"}
    assert (job.owner, job.source, job.payload) == (ana[0], "api", {"order_id": 7})


def test_a_session_does_as_well_with_csrf(ana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana[0])
    cookie = {"cookies": "csrf"}
    client.cookies["csrftoken"] = cookie["cookies"] * 8

    refused = post(JOBS, RECEIPT, secret=None, client=client)
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    let_in = post(JOBS, RECEIPT, secret=None, client=client, headers=headers)

    assert refused.status_code == 403
    assert refused.json() == {"error": "CSRF verification failed"}
    assert let_in.status_code == 201
    assert Job.objects.get().owner == ana[0]
    assert get(JOBS, secret=None, client=client).status_code == 200


def test_the_token_of_the_docs_page_opens_for_a_session(ana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana[0])
    page = client.get("/api/docs").content.decode()
    token = re.search(r'data-csrf-token="(\w+)"', page)

    headers = {"X-CSRFToken": token[1]}

    assert (
        post(JOBS, RECEIPT, secret=None, client=client, headers=headers).status_code
        == 201
    )


@pytest.mark.parametrize(
    "secret", [None, "", "None", CRON, "ritmo_unknown", "service-test-key"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", JOBS), ("GET", JOBS), ("GET", f"{JOBS}/1"), ("POST", f"{JOBS}/1/cancel"),
     ("POST", f"{JOBS}/1/retry")],
)  # fmt: skip
def test_nobody_else_is_let_in(method, path, secret):
    answer = call(method, path, RECEIPT, secret=secret)

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert answer["WWW-Authenticate"] == "Bearer"
    assert nothing_was_written()


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now() - timedelta(minutes=1)},
    ],
)
def test_an_ended_token_is_refused_even_beside_a_session(ana, change):
    ApiToken.objects.update(**change)
    client = Client()
    client.force_login(ana[0])

    assert post(JOBS, RECEIPT, secret=ana[1], client=client).status_code == 401
    assert nothing_was_written()


def test_a_token_elsewhere_grants_nothing(ana):
    answer = post(f"{JOBS}?token={ana[1]}", {**RECEIPT, "token": ana[1]}, secret=None)

    assert answer.status_code == 401
    assert nothing_was_written()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": None}, "Invalid job type"),
        ({"payload": []}, "Invalid job data"),
        ({"type": "unknown"}, "Unknown job type: unknown"),
        ({"priority": "5"}, "Invalid priority"),
        ({"payload": {}}, "Invalid job data: order_id: Field required"),
        ({"scheduledFor": "2020-01-01T00:00:00Z"}, "The due time lies in the past"),
        ({"uniqueKey": 7}, "uniqueKey must be a text"),
    ],
)
def test_refusals(ana, change, said):
    answer = post(JOBS, RECEIPT | change, secret=ana[1])

    assert (answer.status_code, answer.json()["error"]) == (400, said)
    assert nothing_was_written()


def test_data_is_not_payload(ana):
    body = {"type": "send-receipt", "data": {"order_id": 7}}

    assert post(JOBS, body, secret=ana[1]).json() == {"error": "Invalid job data"}
    assert nothing_was_written()


def test_a_unique_key_of_somebody_else_is_a_conflict(ana, bob):
    body = {**RECEIPT, "uniqueKey": "order-7"}
    first = post(JOBS, body, secret=ana[1])
    again = post(JOBS, body, secret=ana[1])

    other = post(JOBS, body, secret=bob[1])

    assert first.json() == again.json()
    assert other.status_code == 409
    assert "jobId" not in other.json()
    assert Job.objects.count() == 1


def test_nobody_replaces_the_job_of_somebody_else(ana, bob):
    post(JOBS, {**RECEIPT, "uniqueKey": "k"}, secret=ana[1])
    body = {**RECEIPT, "uniqueKey": "k", "priority": 1, "onConflict": "replace"}

    assert post(JOBS, body, secret=bob[1]).status_code == 409
    assert Job.objects.get().priority == 5


def test_a_job_that_waits_for_another_shows_the_due_time_asked_for(ana):
    first = enqueue("noop")
    waits = enqueue("noop", after=[first], owner=ana[0])

    said = get(f"{JOBS}/{waits.pk}", secret=ana[1]).json()

    assert (said["status"], said["scheduledFor"][:2]) == ("pending", "20")


def test_a_waiting_job_is_shown(ana):
    made = post(JOBS, RECEIPT, secret=ana[1]).json()["jobId"]

    said = get(f"{JOBS}/{made}", secret=ana[1]).json()

    created, due = said.pop("createdAt"), said.pop("scheduledFor")
    assert MOMENT.fullmatch(created)
    assert MOMENT.fullmatch(due)
    assert said == {
        "id": made, "type": "send-receipt", "status": "pending", "priority": 5,
        "payload": {"order_id": 7}, "result": None, "error": None, "attempts": 0,
        "maxAttempts": 5, "progress": None, "startedAt": None, "completedAt": None,
        "waitsFor": "It is due, but no worker is running.",
    }  # fmt: skip


@pytest.mark.raw_rows
def test_attempts_are_failures_and_the_try_that_runs_or_succeeded(ana, me):
    job = enqueue("fail", owner=ana[0])

    def seen():
        said = get(f"{JOBS}/{job.id}", secret=ana[1]).json()
        return said["status"], said["attempts"], said["maxAttempts"]

    def end(outcome):
        settle([(each, outcome) for each in claim(["default"], worker=me, limit=1)])

    end(Snooze(0))
    assert seen() == ("pending", 0, 3)
    (running,) = claim(["default"], worker=me, limit=1)
    assert seen() == ("processing", 1, 3)
    settle([(running, Succeed({"done": True}))])
    assert seen() == ("completed", 1, 3)
    Job.objects.update(status="pending", completed_at=None, failures=2)
    end(Bury("no"))
    assert seen() == ("failed", 3, 3)


def test_a_job_written_by_sql_has_the_attempts_of_its_type(ana, sql):
    for type_ in ("send-receipt", "unknown"):
        sql(
            "INSERT INTO jobs (type, payload, user_id) VALUES (%s, '{}', %s)",
            type_,
            ana[0].pk,
        )

    said = get(JOBS, secret=ana[1]).json()["jobs"]

    assert [each["maxAttempts"] for each in said] == [3, 5]


def test_the_job_of_another_is_forbidden(ana, bob):
    job = enqueue("noop", owner=ana[0])
    nobodys = enqueue("noop")

    for each in (job, nobodys):
        for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry")):
            answer = call(method, f"{JOBS}/{each.id}{path}", secret=bob[1])
            assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})

    assert set(Job.objects.values_list("status", flat=True)) == {"pending"}


@pytest.mark.parametrize("name", ["0", "999999999", "9" * 30, "9" * 5000])
def test_a_job_that_is_not_there(ana, name):
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry")):
        answer = call(method, f"{JOBS}/{name}{path}", secret=ana[1])
        assert answer.status_code == 404
        assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("name", ["abc", "1.5", "-1", "1e3", "None", "%00", "१"])
def test_an_id_that_is_no_number(ana, name):
    answer = get(f"{JOBS}/{name}", secret=ana[1])

    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


def test_staff_see_and_change_as_far_as_they_are_permitted(ana):
    job = enqueue("noop", owner=ana[0])
    viewer = person("viewer", "view_job", staff=True)[1]
    changer = person("changer", "view_job", "cancel_job", "retry_job", staff=True)[1]
    former = person("former", "view_job", "cancel_job", "retry_job")[1]

    assert get(f"{JOBS}/{job.id}", secret=viewer).status_code == 200
    assert post(f"{JOBS}/{job.id}/cancel", secret=viewer).status_code == 403
    assert get(f"{JOBS}/{job.id}", secret=former).status_code == 403
    assert post(f"{JOBS}/{job.id}/cancel", secret=former).status_code == 403
    assert Job.objects.get().status == "pending"
    assert post(f"{JOBS}/{job.id}/cancel", secret=changer).status_code == 200
    assert Job.objects.get().status == "cancelled"


def test_cancel_ends_a_waiting_job_once(ana):
    job = enqueue("noop", owner=ana[0])

    first = post(f"{JOBS}/{job.id}/cancel", secret=ana[1])
    second = post(f"{JOBS}/{job.id}/cancel", secret=ana[1])

    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    said = {"error": "Cannot cancel a cancelled job"}
    assert (second.status_code, second.json()) == (409, said)


def test_cancel_asks_a_running_job(ana, me):
    job = enqueue("noop", owner=ana[0])
    claim(["default"], worker=me, limit=1)

    answer = post(f"{JOBS}/{job.id}/cancel", secret=ana[1])

    assert (answer.status_code, answer.json()["status"]) == (200, "processing")
    assert Job.objects.get().cancel_requested_at is not None


def test_retry_gives_a_dead_job_another_life(ana, me):
    job = enqueue("noop", owner=ana[0])
    early = post(f"{JOBS}/{job.id}/retry", secret=ana[1])
    settle([(each, Bury("no")) for each in claim(["default"], worker=me, limit=1)])

    answer = post(f"{JOBS}/{job.id}/retry", secret=ana[1])

    said = {"error": "Cannot retry a pending job"}
    assert (early.status_code, early.json()) == (409, said)
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")


def test_the_list_goes_page_by_page(ana, bob):
    mine = [enqueue("noop", owner=ana[0]).id for _ in range(25)]
    enqueue("noop", owner=bob[0])

    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get(f"{JOBS}?limit=10&cursor={cursor}", secret=ana[1]).json()
        seen += [each["id"] for each in page["jobs"]]
        cursor = page["nextCursor"]

    assert seen == mine[::-1]
    assert len(get(JOBS, secret=ana[1]).json()["jobs"]) == 20


def test_a_page_that_is_just_full_is_the_last(ana):
    enqueue("noop", owner=ana[0])

    assert get(f"{JOBS}?limit=1", secret=ana[1]).json()["nextCursor"] is None


def test_the_list_is_narrowed(ana):
    first = enqueue("noop", owner=ana[0])
    second = enqueue("send-receipt", {"order_id": 7}, owner=ana[0])
    post(f"{JOBS}/{first.id}/cancel", secret=ana[1])

    def ids(query):
        return [
            each["id"] for each in get(f"{JOBS}?{query}", secret=ana[1]).json()["jobs"]
        ]

    assert ids("status=cancelled") == ids("type=noop") == [first.id]
    assert ids("status=pending&type=send-receipt") == [second.id]
    assert ids("status=failed") == ids("type=unknown") == []
    assert ids("status=&type=&cursor=") == [second.id, first.id]


@pytest.mark.parametrize(
    "query",
    [
        "status=done", "type=two+words", "cursor=abc", "cursor=-1",
        "cursor=0", "cursor=9223372036854775808", "cursor=%D9%A1", "limit=0", "limit=101",
        "limit=", "limit=ten", "limit=1.5", "all=maybe",
    ],
)  # fmt: skip
def test_a_filter_that_is_none(ana, query):
    answer = get(f"{JOBS}?{query}", secret=ana[1])

    name = query.partition("=")[0]
    assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid {name}"})


@pytest.mark.parametrize("name", ["status", "type", "cursor"])
def test_a_filter_that_no_database_holds(ana, name):
    answer = get(f"{JOBS}?{name}=%00", secret=ana[1])

    assert (answer.status_code, answer.json()) == (400, {"error": "Bad request"})


def test_all_jobs_are_for_permitted_staff(ana):
    enqueue("noop", owner=ana[0])
    enqueue("noop")
    viewer = person("viewer", "view_job", staff=True)[1]

    assert get(f"{JOBS}?all=true", secret=ana[1]).status_code == 403
    assert len(get(f"{JOBS}?all=true", secret=viewer).json()["jobs"]) == 2
    assert get(JOBS, secret=viewer).json()["jobs"] == []


def test_the_list_is_read_from_its_index(ana):
    User.objects.bulk_create(User(username=f"user-{n}") for n in range(500))
    columns = "type, queue, payload, user_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobs ({columns}) SELECT 'noop', 'default', '{{}}', id"
            " FROM auth_user CROSS JOIN generate_series(1, 40)"
        )
        cursor.execute("ANALYZE jobs")
    page = Job.objects.filter(owner_id=ana[0].pk, pk__lt=10**9).order_by("-pk")[:21]

    plan = page.explain()

    assert "job_owned" in plan
    assert "Sort" not in plan


def test_no_secret_is_shown(ana):
    made = post(JOBS, RECEIPT, secret=ana[1]).json()["jobId"]

    for text in (get(JOBS, secret=ana[1]), get(f"{JOBS}/{made}", secret=ana[1])):
        assert "ritmo_" not in text.content.decode()
        assert "secret" not in text.content.decode()


def test_answers_are_not_stored_by_caches(ana):
    assert get(JOBS, secret=ana[1])["Cache-Control"] == "no-store"


def test_a_second_token_of_the_same_person_sees_the_same_jobs(ana):
    made = post(JOBS, RECEIPT, secret=ana[1]).json()["jobId"]
    second, _ = issue_token(ana[0], "second")

    assert get(f"{JOBS}/{made}", secret=second).status_code == 200
