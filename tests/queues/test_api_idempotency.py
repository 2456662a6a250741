"""Idempotency-Key: the same key and the same body give the same answer."""

import time

import pytest

from queues import figures
from queues.models import IdempotencyKey, Job
from tests.queues.callers import (
    CRON,
    ENQUEUE,
    RECEIPT,
    SERVICE,
    nothing_was_written,
    person,
    post,
)
from tests.queues.runners import race

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = "/api/jobs"
MINE = {"type": "send-receipt", "payload": {"order_id": 7}}


def keyed(path, body, key, secret=CRON):
    return post(path, body, secret=secret, headers={"Idempotency-Key": key})


def test_the_same_request_gets_the_same_answer():
    first = keyed(ENQUEUE, RECEIPT, "a")
    post(ENQUEUE, RECEIPT)
    reordered = {"data": {"order_id": 7}, "type": "send-receipt"}

    for again in (keyed(ENQUEUE, RECEIPT, "a"), keyed(ENQUEUE, reordered, "a")):
        assert (again.status_code, again.json()) == (200, first.json())
        assert again["Idempotency-Replayed"] == "true"

    assert "Idempotency-Replayed" not in first
    assert Job.objects.count() == 2


def test_a_person_gets_the_same_answer_too():
    token = person("ana")[1]
    first, again = (keyed(JOBS, MINE, "a", token) for _ in range(2))

    assert (again.status_code, again.json()) == (201, first.json())
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    "body", [{**RECEIPT, "priority": 1}, {"type": "noop", "data": {}}, {}, []]
)
def test_another_request_under_the_key_is_a_conflict(body):
    keyed(ENQUEUE, RECEIPT, "a")

    answer = keyed(ENQUEUE, body, "a")

    assert answer.status_code == 409
    assert answer.json() == {
        "error": "This Idempotency-Key was used for another request"
    }
    assert Job.objects.count() == 1


def test_each_caller_has_keys_of_its_own():
    ana, bob = person("ana")[1], person("bob")[1]

    for secret in (CRON, SERVICE):
        assert keyed(ENQUEUE, RECEIPT, "a", secret).status_code == 200
    for token in (ana, bob):
        assert keyed(JOBS, MINE, "a", token).status_code == 201

    assert Job.objects.count() == 4
    assert (
        keyed(ENQUEUE, RECEIPT, "a", "cron-rotated")["Idempotency-Replayed"] == "true"
    )


@pytest.mark.parametrize(
    "body", [{}, {**RECEIPT, "priority": 0}, {"type": "x", "data": {}}]
)
def test_a_refused_request_leaves_the_key_free(body):
    assert keyed(ENQUEUE, body, "a").status_code == 400
    assert nothing_was_written()

    assert keyed(ENQUEUE, RECEIPT, "a").status_code == 200


@pytest.mark.parametrize("key", ["", "k" * 256, "\xe9t\xe9", "a\tb", "\x7f"])
def test_a_key_that_is_none(key):
    answer = keyed(ENQUEUE, RECEIPT, key)

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]
    assert nothing_was_written()


def test_a_key_of_full_length():
    assert keyed(ENQUEUE, RECEIPT, "k" * 255).status_code == 200


def test_a_key_without_the_right_secret_tells_nothing():
    keyed(ENQUEUE, RECEIPT, "a")

    assert keyed(ENQUEUE, RECEIPT, "a", "wrong").status_code == 401
    assert Job.objects.count() == 1


def test_requests_at_once_make_one_job():
    answers = race(8, lambda _: keyed(ENQUEUE, RECEIPT, "a"))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["jobId"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert Job.objects.count() == IdempotencyKey.objects.count() == 1


def test_when_the_first_of_two_fails_the_second_takes_its_place(monkeypatch):
    place, turns = figures.place, []

    def slow_then_broken(job):
        turns.append(job)
        if len(turns) == 1:
            time.sleep(0.3)
            raise RuntimeError("broken")
        return place(job)

    monkeypatch.setattr(figures, "place", slow_then_broken)

    answers = race(2, lambda _: keyed(ENQUEUE, RECEIPT, "a"))

    assert sorted(answer.status_code for answer in answers) == [200, 500]
    assert Job.objects.count() == 1
