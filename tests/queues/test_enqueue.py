"""A job is a row in the caller's transaction, or nothing at all."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone

from queues import errors
from queues.enqueue import enqueue, enqueue_many
from queues.models import Job
from queues.payload import MAX_DEPTH
from queues.states import State
from tests.shop.jobs import Receipt

pytestmark = pytest.mark.django_db


def nested(levels: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_the_row_says_what_the_caller_said():
    at = timezone.now() + timedelta(hours=1)

    job = enqueue(
        "send-receipt", {"order_id": 7}, priority=2, run_at=at, max_attempts=4
    )

    row = Job.objects.get()
    assert isinstance(job.id, int)
    assert (row.id, row.payload, row.priority, row.run_at, row.max_attempts) == (
        job.id, {"order_id": 7}, 2, at, 4,
    )  # fmt: skip
    assert row.status == State.PENDING
    for field in Job._meta.concrete_fields:
        assert getattr(job, field.attname) == getattr(row, field.attname), field


@pytest.mark.parametrize("type_", ["noop", "turnstile"])
def test_the_job_returned_is_the_row_field_by_field(type_, django_user_model):
    owner = django_user_model.objects.create(username="ana")
    at = datetime(2027, 3, 1, 9, tzinfo=ZoneInfo("America/Sao_Paulo"))

    for options in ({}, {"run_at": at}, {"owner": owner, "max_attempts": 2}):
        job = enqueue(type_, {"tenant": "a"}, **options)

        row = Job.objects.get(pk=job.pk)
        for field in Job._meta.concrete_fields:
            assert getattr(job, field.attname) == getattr(row, field.attname), field


def test_what_is_left_out_comes_from_the_type():
    enqueue("send-receipt", Receipt(order_id=7))

    row = Job.objects.get()
    assert (row.queue, row.priority, row.max_attempts) == ("default", 5, 5)
    assert row.payload == {"order_id": 7, "copies": 1}
    assert (row.failures, row.source, row.result) == (0, "code", None)


def test_a_type_can_live_in_its_own_queue():
    assert enqueue("reports-queue").queue == "reports"


@pytest.mark.parametrize(
    ("type_", "data", "options", "error"),
    [
        ("nothing-of-the-kind", {}, {}, errors.UnknownJobType),
        ("", {}, {}, errors.InvalidJobType),
        (None, {}, {}, errors.InvalidJobType),
        (7, {}, {}, errors.InvalidJobType),
        ("no spaces", {}, {}, errors.InvalidJobType),
        ("noop", [1], {}, errors.InvalidJobData),
        ("noop", "text", {}, errors.InvalidJobData),
        ("noop", {"a": "\x00"}, {}, errors.InvalidJobData),
        ("noop", {"\x00": 1}, {}, errors.InvalidJobData),
        ("noop", {"a": "\ud800"}, {}, errors.InvalidJobData),
        ("noop", {"a": math.nan}, {}, errors.InvalidJobData),
        ("noop", {"a": [math.inf]}, {}, errors.InvalidJobData),
        ("noop", {"a": object()}, {}, errors.InvalidJobData),
        ("noop", {1: 1}, {}, errors.InvalidJobData),
        ("noop", nested(MAX_DEPTH + 1), {}, errors.InvalidJobData),
        ("noop", nested(5000), {}, errors.InvalidJobData),
        ("noop", {"a": "x" * 262_144}, {}, errors.PayloadTooLarge),
        ("send-receipt", {}, {}, errors.InvalidJobData),
        ("send-receipt", {"order_id": "seven"}, {}, errors.InvalidJobData),
        ("noop", {}, {"priority": 0}, errors.InvalidPriority),
        ("noop", {}, {"priority": 10}, errors.InvalidPriority),
        ("noop", {}, {"priority": True}, errors.InvalidPriority),
        ("noop", {}, {"priority": "5"}, errors.InvalidPriority),
        ("noop", {}, {"priority": 2.5}, errors.InvalidPriority),
        ("noop", {}, {"priority": None}, errors.InvalidPriority),
        ("noop", {}, {"queue": "nowhere"}, errors.UnknownQueue),
        ("noop", {}, {"queue": ""}, errors.UnknownQueue),
        ("noop", {}, {"run_at": datetime(2020, 1, 1, tzinfo=UTC)}, errors.InvalidRunAt),
        ("noop", {}, {"run_at": datetime(9999, 1, 1, tzinfo=UTC)}, errors.InvalidRunAt),
        ("noop", {}, {"run_at": datetime(2027, 1, 1)}, errors.InvalidRunAt),  # noqa: DTZ001
        ("noop", {}, {"run_at": "tomorrow"}, errors.InvalidRunAt),
        ("noop", {}, {"unique_key": ""}, errors.InvalidOption),
        ("noop", {}, {"unique_key": "k" * 201}, errors.InvalidOption),
        ("noop", {}, {"unique_key": "\x00"}, errors.InvalidOption),
        ("noop", {}, {"unique_key": "\ud800"}, errors.InvalidOption),
        ("noop", {}, {"max_attempts": 0}, errors.InvalidOption),
        ("noop", {}, {"max_attempts": True}, errors.InvalidOption),
        ("noop", {}, {"on_conflict": "panic"}, errors.InvalidOption),
    ],
)
def test_a_refused_argument_raises_its_error_and_writes_nothing(
    type_, data, options, error
):
    with pytest.raises(error) as caught:
        enqueue(type_, data, **options)

    assert "\n" not in str(caught.value)
    assert not Job.objects.exists()


def test_refused_data_names_each_field():
    with pytest.raises(errors.InvalidJobData) as caught:
        enqueue("send-receipt", {"order_id": "seven", "copies": []})

    assert [each["loc"] for each in caught.value.fields] == ["order_id", "copies"]
    assert "order_id: " in str(caught.value)


def test_the_largest_and_deepest_payloads_are_accepted():
    enqueue("noop", {"a": "x" * (262_144 - len('{"a":""}'))})
    enqueue("noop", nested(MAX_DEPTH))

    assert Job.objects.count() == 2


def test_a_due_time_of_just_now_is_due_now():
    enqueue("noop", run_at=timezone.now() - timedelta(seconds=30))

    assert Job.objects.count() == 1


def test_one_live_job_a_key_and_the_first_is_kept():
    first = enqueue("noop", {"n": 1}, unique_key="k")
    second = enqueue("noop", {"n": 2}, unique_key="k")
    other = enqueue("ledger", {}, unique_key="k")

    assert second.id == first.id
    assert second.payload == {"n": 1}
    assert other.id != first.id


@pytest.mark.raw_rows
def test_an_ended_job_frees_its_key():
    first = enqueue("noop", unique_key="k")
    Job.objects.update(status=State.COMPLETED, completed_at=timezone.now())

    assert enqueue("noop", unique_key="k").id != first.id


def test_many_are_written_in_order_all_or_none():
    jobs = enqueue_many("noop", [{"n": n} for n in range(12_000)])

    assert [job.payload["n"] for job in jobs] == list(range(12_000))
    assert [job.id for job in jobs] == sorted(job.id for job in jobs)
    assert Job.objects.count() == 12_000
    with pytest.raises(errors.InvalidJobData):
        enqueue_many("send-receipt", [{"order_id": 1}, {"order_id": "x"}])
    with pytest.raises(errors.InvalidOption):
        enqueue_many("noop", [{}, {}], unique_key="k")
    assert Job.objects.count() == 12_000
    assert enqueue_many("noop", []) == []


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_leaves_no_row_and_rings_no_bell(waiting_bells):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("noop")
        raise ZeroDivisionError

    assert not Job.objects.exists()
    assert waiting_bells() == 0


@pytest.mark.django_db(transaction=True)
def test_a_transaction_of_many_rows_rings_once(waiting_bells):
    with transaction.atomic():
        for _ in range(100):
            enqueue("noop")
        assert waiting_bells() == 0

    assert waiting_bells() == 1


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_savepoint_takes_only_its_own_bell_away(waiting_bells):
    with transaction.atomic():
        enqueue("noop")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            enqueue("noop")
            raise ZeroDivisionError
        enqueue("noop")

    assert Job.objects.count() == 2
    assert waiting_bells() >= 1


@pytest.mark.django_db(transaction=True)
def test_ten_thousand_rows_ring_a_few_bells(waiting_bells):
    enqueue_many("noop", [{}] * 10_000)
    for _ in range(20):
        enqueue("noop")

    assert 1 <= waiting_bells() <= 4
