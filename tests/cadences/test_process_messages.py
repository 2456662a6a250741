"""process-messages: oldest first, one at a time, poison contained, lateness told."""

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from cadences import apply, drain
from cadences.models import Message
from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.errors import InvalidJobData, SoftTimeout
from queues.models import Job
from queues.testing import inline

TYPE = "process-messages"


def write(count: int = 1, *, minutes: float = 0, **fields: object) -> list[Message]:
    """Write messages; the first is the oldest, `minutes` ago."""
    start = timezone.now() - timedelta(minutes=minutes)
    return Message.objects.bulk_create(
        Message(created_at=start + timedelta(milliseconds=each), **fields)
        for each in range(count)
    )


def run(**data: object) -> Any:
    """Run the job to its end and return it."""
    with inline():
        job = enqueue(TYPE, data)
    job.refresh_from_db()
    return job


@pytest.fixture
def applier() -> Iterator[list[apply.Applier]]:
    """Put other appliers in the port by appending; the old one comes back."""
    before = apply.use(apply.read)
    chosen: list[apply.Applier] = []
    apply.use(lambda message: chosen[-1](message))  # noqa: PLW0108 - not chosen yet
    yield chosen
    apply.use(before)


@pytest.mark.django_db
def test_the_oldest_are_processed_first_up_to_the_limit(applier):
    young, old = write(3, minutes=1), write(2, minutes=10)
    order: list[int] = []
    applier.append(lambda message: order.append(message.pk))

    job = run(maxMessages=4)

    assert job.status == "completed"
    assert order == [each.pk for each in [*old, *young[:2]]]
    assert job.result | {"oldestAgeSeconds": 0} == {
        "found": 4, "processed": 4, "failed": 0, "stale": 0,
        "oldestAgeSeconds": 0, "errors": [],
    }  # fmt: skip
    assert list(Message.objects.filter(status="pending")) == [young[2]]
    assert Message.objects.get(pk=old[0].pk).processed_at is not None


@pytest.mark.django_db
def test_the_seeds_payloads_are_accepted_with_their_extras():
    write(6)

    job = run(maxMessages=5, test=True)
    assert job.result["processed"] == 5
    assert job.payload == {"maxMessages": 5, "test": True}

    job = run(maxMessages=50, maxAgeMinutes=5, priority="high")
    assert job.result["processed"] == 1

    assert run().result["found"] == 0


@pytest.mark.django_db
def test_a_message_that_sql_wrote_with_one_column_is_processed(sql):
    sql("INSERT INTO messages (body) VALUES ('oi')")

    assert run().result["processed"] == 1
    ((status, processed_at),) = sql("SELECT status, processed_at FROM messages")
    assert (status, processed_at is not None) == ("processed", True)


@pytest.mark.django_db
def test_h12_of_120_with_one_poison_50_are_taken_up_and_the_next_call_goes_on():
    write(30)
    write(channel="webhook", body='{"EventType": ')
    write(89)

    first = run(maxMessages=50)
    assert (first.result["processed"], first.result["failed"]) == (49, 1)
    assert Message.objects.filter(status="pending").count() == 70
    second, third = run(maxMessages=50), run(maxMessages=50)

    assert (second.result["found"], third.result["found"]) == (50, 20)
    assert Message.objects.filter(status="processed").count() == 119
    assert run().result["found"] == 0


@pytest.mark.django_db
def test_h12_one_poison_message_is_marked_and_the_others_go_on():
    write(20)
    (poison,) = write(channel="webhook", body='{"EventType": ')
    write(28)
    (fine,) = write(channel="webhook", body='{"EventType": "messages"}')

    job = run(maxMessages=50)

    assert job.status == "completed"
    assert (job.result["processed"], job.result["failed"]) == (49, 1)
    (error,) = job.result["errors"]
    assert error["messageId"] == poison.pk
    assert "UnreadableMessage: The body is not JSON" in error["error"]
    poison.refresh_from_db()
    assert (poison.status, poison.error) == ("failed", error["error"])
    fine.refresh_from_db()
    assert fine.status == "processed"
    assert run().result["found"] == 0


@pytest.mark.django_db
@pytest.mark.parametrize("body", ["[1]", "", "[" * 100_000, "nul"])
def test_a_delivery_must_be_a_json_object(body):
    write(channel="webhook", body=body)

    assert run().result["failed"] == 1


@pytest.mark.django_db
def test_a_message_that_breaks_its_transaction_breaks_nothing_else(applier, sql):
    bad, good = write(2)

    def corrupt(message: Message) -> None:
        sql("UPDATE messages SET body = 'touched' WHERE id = %s", message.pk)
        if message.pk == bad.pk:
            sql("SELECT no_such_function()")

    applier.append(corrupt)
    job = run()

    assert (job.result["processed"], job.result["failed"]) == (1, 1)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, bad.body) == ("failed", "")
    assert (good.status, good.body) == ("processed", "touched")


@pytest.mark.django_db
def test_at_most_ten_errors_are_listed_and_all_are_counted():
    write(12, channel="webhook", body="?")

    result = run().result

    assert (result["failed"], len(result["errors"])) == (12, 10)


@pytest.mark.django_db
def test_late_messages_are_reported_and_processed_all_the_same(caplog):
    write(2, minutes=20)
    write(3, minutes=1)

    with caplog.at_level(logging.WARNING, "cadences.jobs"):
        result = run(maxMessages=1, maxAgeMinutes=5).result

    assert (result["stale"], result["processed"]) == (2, 1)
    assert 1200 <= result["oldestAgeSeconds"] < 1300
    assert "2 messages have waited for more than 5 minutes" in caplog.text
    assert Message.objects.filter(status="pending").count() == 4


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("gone"), SoftTimeout("too long")])
def test_our_own_trouble_is_not_the_fault_of_a_message(applier, error):
    write(2)

    def fail(message: Message) -> None:
        raise error

    applier.append(fail)
    job = run()

    assert (job.status, job.failures) == ("pending", 1)
    assert Message.objects.filter(status="pending", error=None).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_cancel_stops_between_two_messages(applier, monkeypatch):
    monkeypatch.setattr("queues.running.GLANCE", 0.0)
    first, _second = write(2)
    applier.append(lambda message: cancel(Job.objects.get(type=TYPE).pk))

    job = run()

    assert job.status == "cancelled"
    assert [each.pk for each in Message.objects.filter(status="processed")] == [
        first.pk
    ]


@pytest.mark.django_db(transaction=True)
def test_runs_at_the_same_time_apply_every_message_once(applier):
    messages = write(120)
    seen: list[int] = []
    applier.append(lambda message: seen.append(message.pk))
    found: list[int] = []

    def work() -> None:
        found.append(drain.drain(50).found)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(seen) == sorted(each.pk for each in messages)
    assert sum(found) == 120


@pytest.mark.django_db
@pytest.mark.parametrize("data", [
    {"maxMessages": 0}, {"maxMessages": 1001}, {"maxMessages": "many"},
    {"maxAgeMinutes": 0}, {"priority": 7},
])  # fmt: skip
def test_bad_data_is_refused_and_writes_nothing(data):
    with pytest.raises(InvalidJobData, match=next(iter(data))):
        enqueue(TYPE, data)

    assert not Job.objects.exists()
