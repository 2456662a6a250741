"""The doors of the seed, and the API for the people of a store."""

import pytest
from django.contrib.auth.models import User

from syncs.models import Connection, Run, StoreMember
from tests.queues.callers import CRON, SERVICE, WORKER, get, person, post
from tests.syncs.stores import NOVEMBER, rerun, sync

pytestmark = pytest.mark.django_db

WORKER_DOOR, STORE_DOOR = "/functions/v1/sync-worker", "/functions/v1/sync-store"
DAYS = {"start": "2026-11-01", "end": "2026-11-20"}


@pytest.fixture
def store(shop):
    return shop()


@pytest.fixture
def ana(store) -> tuple[User, str]:
    """Return a member of the store, and her token."""
    user, token = person("ana")
    StoreMember.objects.create(store=store, user=user)
    return user, token


def data_of(store):
    return f"/api/syncs/stores/{store.pk}/data?start=2026-11-01&end=2026-11-20"


def asked(store, **more):
    return {
        "store_id": str(store.pk), "period_start": "2026-11-01",
        "period_end": "2026-11-20", **more,
    }  # fmt: skip


@pytest.mark.parametrize("secret", [CRON, SERVICE])
def test_the_seeds_cron_makes_a_tick(store, secret):
    answer = post(WORKER_DOOR, {}, secret=secret)

    assert answer.status_code == 200
    assert answer.json() == {
        "success": True, "claimed": 0, "processing": 0, "reset": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[1]", 400), (b" " * 1_048_577, 413), (b"", 200)],
)
def test_the_tick_reads_no_body_and_still_refuses_a_broken_one(body, status):
    assert post(WORKER_DOOR, body, secret=SERVICE).status_code == status


@pytest.mark.parametrize("secret", [None, "wrong", WORKER])
def test_nobody_else_does(secret):
    assert post(WORKER_DOOR, {}, secret=secret).status_code == 401


def test_sync_store_queues_a_sync(store):
    answer = post(STORE_DOOR, asked(store), secret=SERVICE)

    run = Run.objects.get()
    assert answer.status_code == 202
    assert answer.json()["created"] is True
    assert answer.json()["run"]["id"] == str(run.pk)
    assert answer.json()["run"]["status"] == "queued"


def test_sync_store_answers_from_the_cache_unless_forced(store):
    sync(store)

    cached = post(STORE_DOOR, asked(store), secret=SERVICE)
    forced = post(STORE_DOOR, asked(store, force=True), secret=SERVICE)

    assert cached.status_code == 200
    assert cached.json()["entries"][0]["data"]["total_orders"] == 2
    assert forced.status_code == 202
    assert Run.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"store_id": "7"}, 404),
        ({"store_id": None}, 400),
        ({"store_id": 7}, 400),
        ({"store_id": ""}, 400),
        ({"period_end": None}, 422),
        ({"store_id": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"period_start": "2026-13-01"}, 422),
        ({"period_end": "2999-01-01"}, 422),
        ({"force": "yes"}, 400),
    ],
)
def test_sync_store_refuses_what_makes_no_sense(store, change, status):
    answer = post(STORE_DOOR, {**asked(store), **change}, secret=SERVICE)

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert not Run.objects.exists()


def test_sync_store_wants_an_object():
    for body in (None, b"[1]", b"null", b'"x"'):
        answer = post(STORE_DOOR, body, secret=SERVICE)
        assert answer.status_code == 400


def test_sync_store_says_when_a_store_cannot_be_synced(store):
    Connection.objects.update(status="paused")

    assert post(STORE_DOOR, asked(store), secret=SERVICE).status_code == 409
    assert post(STORE_DOOR, asked(store), secret=CRON).status_code == 401


def test_S40_a_miss_is_202_and_what_is_there_is_200(store, ana):
    miss = get(data_of(store), secret=ana[1])
    rerun(Run.objects.get())
    hit = get(data_of(store), secret=ana[1])

    assert miss.status_code == 202
    assert miss.json()["entries"][0]["state"] == "MISS"
    assert miss.json()["poll_after_ms"] == 2000
    assert miss["Retry-After"] == "2"
    assert hit.status_code == 200
    assert hit.json()["entries"][0]["state"] == "FRESH"
    assert hit.json()["run"] is None


def test_S40_what_did_not_change_is_304_without_a_body(store, ana):
    sync(store)
    first = get(data_of(store), secret=ana[1])

    headers = {"If-None-Match": f'W/"x", {first["ETag"]}'}
    again = get(data_of(store), secret=ana[1], headers=headers)
    other = get(data_of(store), secret=ana[1], headers={"If-None-Match": '"x"'})

    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


def test_a_reader_may_ask_for_nothing_to_be_renewed(store, ana):
    answer = get(data_of(store) + "&refresh=none", secret=ana[1])

    assert answer.status_code == 202
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("types=gossip", 400), ("period=fortnight", 422), ("refresh=maybe", 400),
        ("start=2026-11-20&end=2026-11-01", 422),
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(store, ana, query, status):
    path = f"/api/syncs/stores/{store.pk}/data?{query}"

    assert get(path, secret=ana[1]).status_code == status


def test_S65_what_is_of_another_store_is_not_there(store, ana, shop):
    other = shop("Outra")
    run = sync(other)
    token = ana[1]

    answers = [
        get(data_of(other), secret=token),
        post(f"/api/syncs/stores/{other.pk}/refresh", {}, secret=token),
        get(f"/api/syncs/runs/{run.pk}", secret=token),
        post(f"/api/syncs/runs/{run.pk}/cancel", {}, secret=token),
        post(f"/api/syncs/runs/{run.pk}/retry", {}, secret=token),
        get("/api/syncs/runs/7", secret=token),
    ]

    assert {each.status_code for each in answers} == {404}
    assert get(data_of(other), secret=person("eva", "view_store")[1]).status_code == 200
    assert get(data_of(other), secret=None).status_code == 401


def test_a_member_asks_for_new_numbers_and_others_join(store, ana):
    path = f"/api/syncs/stores/{store.pk}/refresh"

    first = post(path, DAYS, secret=ana[1])
    again = post(path, {**DAYS, "force": True}, secret=ana[1])

    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert first.json()["run"]["id"] == again.json()["run"]["id"]
    run = Run.objects.get()
    assert (run.user, run.triggered_by, run.trigger) == (ana[0], "ana", "user")


def test_the_same_idempotency_key_gets_the_same_answer(store, ana):
    path = f"/api/syncs/stores/{store.pk}/refresh"
    headers = {"Idempotency-Key": "once"}

    first = post(path, DAYS, secret=ana[1], headers=headers)
    again = post(path, DAYS, secret=ana[1], headers=headers)

    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    "body",
    [{"types": []}, {"types": "orders"}, {"force": 1}, {"priority": "1"}, {"priority": 0}],
)  # fmt: skip
def test_a_refresh_that_makes_no_sense_is_refused(store, ana, body):
    path = f"/api/syncs/stores/{store.pk}/refresh"

    assert post(path, {**DAYS, **body}, secret=ana[1]).status_code == 400


def test_S65_ten_forced_refreshes_an_hour_are_enough(store, ana):
    path = f"/api/syncs/stores/{store.pk}/refresh"
    for _ in range(10):
        assert post(path, {**DAYS, "force": True}, secret=ana[1]).status_code == 201
        Run.objects.filter(status="queued").update(status="failed")

    answer = post(path, {**DAYS, "force": True}, secret=ana[1])

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert not Run.objects.filter(status="queued").exists()
    assert post(path, DAYS, secret=ana[1]).status_code == 201


def test_a_run_shows_its_streams_and_answers_304(store, ana):
    run = sync(store)
    path = f"/api/syncs/runs/{run.pk}"

    answer = get(path, secret=ana[1])
    again = get(path, secret=ana[1], headers={"If-None-Match": answer["ETag"]})

    body = answer.json()
    assert (body["status"], body["outcome"]) == ("completed", "succeeded")
    assert body["poll_after_ms"] is None
    assert body["streams"][0]["rows"] == body["streams"][0]["expected"] == 2
    assert again.status_code == 304


def test_a_run_that_waits_says_until_when(store, ana, stand):
    stand.script = lambda call, times: (429, {"headers": {"Retry-After": "120"}})
    run = sync(store)

    body = get(f"/api/syncs/runs/{run.pk}", secret=ana[1]).json()

    assert (body["status"], body["waiting_for"]) == ("queued", "rate_limit")
    assert 100_000 < body["poll_after_ms"] <= 120_000
    assert body["streams"][0]["status"] == "waiting"


def test_a_member_cancels_and_asks_again(store, ana):
    run = post(f"/api/syncs/stores/{store.pk}/refresh", DAYS, secret=ana[1]).json()[
        "run"
    ]
    path = f"/api/syncs/runs/{run['id']}"

    cancelled = post(f"{path}/cancel", {}, secret=ana[1])
    twice = post(f"{path}/cancel", {}, secret=ana[1])
    again = post(f"{path}/retry", {}, secret=ana[1])

    assert cancelled.json()["outcome"] == "cancelled"
    assert twice.status_code == 409
    assert again.status_code == 201
    assert Run.objects.get(pk=again.json()["run"]["id"]).retry_of_id is not None


def test_the_same_key_asks_anew_once(store, ana):
    refresh = f"/api/syncs/stores/{store.pk}/refresh"
    run = post(refresh, DAYS, secret=ana[1]).json()["run"]["id"]
    post(f"/api/syncs/runs/{run}/cancel", secret=ana[1])
    key = {"Idempotency-Key": "again"}

    first = post(f"/api/syncs/runs/{run}/retry", secret=ana[1], headers=key)
    Run.objects.filter(status="queued").update(status="failed", outcome="failed")
    second = post(f"/api/syncs/runs/{run}/retry", secret=ana[1], headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Run.objects.count() == 2


def test_the_routes_are_in_the_one_document():
    paths = get("/api/openapi.json", secret=None).json()["paths"]

    assert {WORKER_DOOR, STORE_DOOR, "/api/syncs/runs/{run_id}"} <= set(paths)
    assert NOVEMBER.start.isoformat() == DAYS["start"]
