"""cleanup-old-data: old rows go in batches, counted; unknown tables are named."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cadences import cleanup
from cadences.models import Conversation, Message
from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.errors import InvalidJobData
from queues.models import DeadLetter, Job
from queues.testing import inline

TYPE = "cleanup-old-data"
BOTH = ["messages", "conversations"]


def ago(days: float) -> datetime:
    """Return the moment that many days ago."""
    return timezone.now() - timedelta(days=days)


def run(**data: object) -> Any:
    """Run the job to its end and return it."""
    with inline():
        job = enqueue(TYPE, data)
    job.refresh_from_db()
    return job


@pytest.mark.django_db
def test_old_rows_go_in_batches_and_are_counted(sql):
    sql(
        "INSERT INTO messages (created_at)"
        " SELECT now() - interval '31 days' FROM generate_series(1, 2500)"
    )
    sql("INSERT INTO messages (created_at) VALUES (now() - interval '29 days')")

    job = run(olderThanDays=30, tables=["messages"])

    assert job.status == "completed"
    assert job.result["deleted"] == {"messages": 2500}
    cut = datetime.fromisoformat(job.result["olderThan"])
    assert abs((cut - ago(30)).total_seconds()) < 10
    assert Message.objects.count() == 1
    assert job.progress["done"] == 2500


@pytest.mark.django_db
def test_a_conversation_that_has_messages_stays():
    alive = Conversation.objects.create(created_at=ago(400))
    Message.objects.create(conversation=alive, created_at=ago(1))
    Message.objects.create(conversation=alive, created_at=ago(300))
    over = Conversation.objects.create(created_at=ago(400))
    Message.objects.create(conversation=over, created_at=ago(300))
    Conversation.objects.create(created_at=ago(2))

    job = run(olderThanDays=30, tables=["conversations", "messages"])

    assert job.result["deleted"] == {"messages": 2, "conversations": 1}
    assert alive.messages.count() == 1
    assert not Conversation.objects.filter(pk=over.pk).exists()


@pytest.mark.django_db
def test_a_table_that_is_not_asked_for_is_not_touched():
    talk = Conversation.objects.create(created_at=ago(400))
    Message.objects.create(conversation=talk, created_at=ago(300))
    Conversation.objects.create(created_at=ago(400))

    assert run(tables=["conversations"]).result["deleted"] == {"conversations": 1}
    assert Message.objects.count() == 1
    assert run(tables=[]).result["deleted"] == {}


@pytest.mark.django_db
def test_an_unknown_table_is_refused_by_name_and_nothing_is_written():
    Message.objects.create(created_at=ago(300))

    with pytest.raises(InvalidJobData, match=r"Unknown table: auth_user") as refusal:
        enqueue(TYPE, {"olderThanDays": 1, "tables": ["messages", "auth_user"]})

    assert "conversations, enrollment_rows, messages" in str(refusal.value)
    assert refusal.value.fields[0]["loc"] == "tables.1"
    assert not Job.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("data", [
    {}, {"tables": "messages"}, {"tables": [], "olderThanDays": 0},
    {"tables": [], "olderThanDays": 3651}, {"tables": ["messages; DROP TABLE jobs"]},
])  # fmt: skip
def test_bad_data_is_refused(data):
    with pytest.raises(InvalidJobData):
        enqueue(TYPE, data)


@pytest.mark.django_db
def test_an_unknown_table_from_sql_ends_as_a_dead_letter_that_names_it(sql):
    Message.objects.create(created_at=ago(300))

    with inline() as done:
        sql("""SELECT enqueue_job('cleanup-old-data', '{"tables": ["users"]}')""")

    assert done.failed == 1
    assert "Unknown table: users" in DeadLetter.objects.get().reason
    assert Message.objects.count() == 1


@pytest.mark.django_db
def test_a_later_try_goes_on_from_the_checkpoint_with_the_same_line():
    Message.objects.create(created_at=ago(9))
    line = ago(10).isoformat()
    job = enqueue(TYPE, {"olderThanDays": 5, "tables": ["messages"]})
    Job.objects.update(checkpoint={"olderThan": line, "deleted": {"messages": 4000}})

    from queues.work import run_due

    run_due(limit=1, seconds=5)

    job.refresh_from_db()
    assert job.result == {"olderThan": line, "deleted": {"messages": 4000}}
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_cancel_stops_between_two_batches(monkeypatch):
    monkeypatch.setattr("queues.running.GLANCE", 0.0)
    monkeypatch.setattr(cleanup, "BATCH", 1)
    for _ in range(3):
        Message.objects.create(created_at=ago(40))

    def delete(table: str, *, older_than: datetime) -> Iterator[int]:
        for count in cleanup.cleanup(table, older_than=older_than):
            cancel(Job.objects.get(type=TYPE).pk)
            yield count

    monkeypatch.setattr("cadences.jobs.cleanup", delete)
    job = run(tables=["messages"])

    assert job.status == "cancelled"
    assert Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_row_that_someone_holds_is_left_for_the_next_time(monkeypatch):
    monkeypatch.setattr(cleanup, "BATCH", 2)
    held, *_ = [Message.objects.create(created_at=ago(40)) for _ in range(5)]
    deleted: list[int] = []

    def work() -> None:
        deleted.extend(cleanup.cleanup("messages", older_than=ago(30)))
        connection.close()

    with transaction.atomic():
        Message.objects.select_for_update().get(pk=held.pk)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert deleted == [1, 2, 1]
    assert list(Message.objects.all()) == [held]


@pytest.mark.django_db(transaction=True)
def test_a_message_that_arrives_meanwhile_keeps_its_conversation():
    talk = Conversation.objects.create(created_at=ago(40))
    deleted: list[int] = []

    def work() -> None:
        deleted.extend(cleanup.cleanup("conversations", older_than=ago(30)))
        connection.close()

    with transaction.atomic():
        Message.objects.create(conversation=talk)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert sum(deleted) == 0
    assert talk.messages.count() == 1


@pytest.mark.django_db
def test_a_delete_in_sql_takes_the_messages_along(sql):
    talk = Conversation.objects.create()
    Message.objects.create(conversation=talk)
    Message.objects.create()

    sql("DELETE FROM conversations WHERE id = %s", talk.pk)

    assert Message.objects.count() == 1
