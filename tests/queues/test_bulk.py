"""Many dead letters at once: replayed, changed, paced, dismissed, and taken back."""

from datetime import timedelta
from uuid import uuid4

import pytest

from queues import repair as pages
from queues.bulk import begin, preview, restore
from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.errors import (
    CannotRestore,
    InvalidJobData,
    InvalidOption,
    NothingSelected,
    UnknownBulk,
)
from queues.letters import Selection
from queues.models import AuditEntry, DeadLetter, Job, LetterBulk, LetterRefusal
from queues.repair import repair
from queues.replay import dismiss, replay
from queues.replay import restore as reopen
from queues.states import State
from queues.work import run_due
from tests.queues.graves import bury, carry_out, done, order, still_open

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 4)


def job_of(bulk: LetterBulk) -> Job:
    """Return the job that carries the bulk out."""
    assert bulk.job_id is not None
    return Job.objects.get(pk=bulk.job_id)


def test_a_bulk_replays_what_matches_and_leaves_the_rest():
    meant = bury(10)
    others = bury(3, reason="KeyError:")

    bulk = done(selection=Selection(search="no order"), reason="fixed upstream")

    assert (bulk.total, bulk.done, bulk.refused) == (10, 10, 0)
    assert set(
        Job.objects.filter(status=State.PENDING, type="noop").values_list(
            "pk", flat=True
        )
    ) == set(meant)
    assert Job.objects.filter(pk__in=others, status=State.FAILED).count() == 3
    assert DeadLetter.objects.filter(bulk=bulk, replayed_at__isnull=False).count() == 10


def test_the_job_of_a_bulk_carries_it_out_and_sums_it_up():
    bury(9)
    bulk = begin(order())

    run_due(limit=1, seconds=20)

    job = job_of(bulk)
    assert (job.type, job.status, job.priority) == ("bulk-replay", State.COMPLETED, 1)
    assert job.result == {"done": 9, "refused": 0, "total": 9}
    assert job.progress["done"] == 9


def test_a_letter_that_comes_later_is_not_touched():
    bury(5)
    bulk = begin(order())
    repair(bulk.pk)
    bury(5)

    carry_out(bulk)

    assert LetterBulk.objects.get().done == 5
    assert still_open() == 5


def test_the_payload_is_changed_on_the_way():
    bury(6, type_="send-receipt", payload={"order_id": "x", "old": {"a": 1, "b": 2}})

    done(edit={"order_id": 7, "old": {"a": None, "c": 3}})

    payloads = Job.objects.filter(type="send-receipt").values_list("payload", flat=True)
    assert list(payloads) == [{"order_id": 7, "old": {"b": 2, "c": 3}}] * 6


def test_a_payload_that_its_type_refuses_stays_a_letter_and_says_why():
    bury(2, type_="send-receipt", payload={"order_id": 1})
    bury(3, type_="noop")
    bury(1, type_="gone")

    bulk = done(edit={"order_id": "not a number"})

    assert (bulk.done, bulk.refused, still_open()) == (3, 3, 3)
    said = set(LetterRefusal.objects.values_list("reason", flat=True))
    assert "Unknown job type: gone" in said
    assert any(each.startswith("Invalid job data: order_id") for each in said)
    assert Job.objects.filter(type="send-receipt", status=State.FAILED).count() == 2


def test_the_change_moves_a_job_to_the_line_of_its_new_key():
    bury(1, type_="turnstile", payload={"tenant": "a"})

    done(edit={"tenant": "b"})

    job = Job.objects.get(type="turnstile")
    assert (job.limit_name, job.limit_key) == ("turnstile", "b")


def test_a_key_that_lives_again_is_refused_and_one_of_two_dead_is_replayed():
    first, second, third = bury(3, keys=["a", "b", "b"])
    enqueue("noop", unique_key="a")

    bulk = done()

    assert (bulk.done, bulk.refused) == (1, 2)
    assert Job.objects.get(pk=first).status == State.FAILED
    assert Job.objects.get(pk=second).status == State.PENDING
    assert Job.objects.get(pk=third).status == State.FAILED
    assert set(LetterRefusal.objects.values_list("reason", flat=True)) == {
        "Cannot retry a superseded job"
    }


def test_a_paced_replay_spreads_due_times_and_waits_between():
    bury(5)
    bulk = begin(order(per_minute=12))  # two in a window of ten seconds

    first, second = repair(bulk.pk), repair(bulk.pk)

    assert (first.done, second.done) == (2, 2)
    assert 3 < second.wait < 10
    one, other = Job.objects.filter(type="noop", status="pending").order_by("run_at")
    assert other.run_at - one.run_at > timedelta(seconds=4)


def test_a_paced_bulk_gives_its_process_back_while_it_waits():
    bury(5)
    bulk = begin(order(per_minute=12))

    run_due(limit=1, seconds=20)

    job = job_of(bulk)
    assert (job.status, job.failures) == (State.PENDING, 0)
    assert job.run_at > job.created_at
    assert LetterBulk.objects.get().done == 2


def test_a_cancelled_bulk_stops_where_it_is():
    bury(9)
    bulk = begin(order())
    repair(bulk.pk)

    cancel(bulk.job_id)

    assert LetterBulk.objects.get().done == 4
    assert still_open() == 5
    assert job_of(bulk).status == State.CANCELLED


def test_a_discard_is_taken_back_whole():
    bury(7)
    bulk = done("discard", reason="known, harmless")
    assert still_open() == 0
    job_of(bulk).delete()

    undo = restore(bulk)
    carry_out(undo)

    assert still_open() == 7
    assert LetterBulk.objects.get(pk=undo.pk).restores_id == bulk.pk
    with pytest.raises(NothingSelected):
        restore(bulk)


def test_what_was_replayed_since_is_not_opened_again():
    bury(3)
    bulk = done("discard")
    replay(DeadLetter.objects.first().job_id)

    undo = restore(bulk)
    carry_out(undo)

    assert LetterBulk.objects.get(pk=undo.pk).done == 2
    assert still_open() == 2


def test_only_a_discard_that_has_ended_is_taken_back():
    bury(9)
    running = begin(order("discard"))
    repair(running.pk)
    with pytest.raises(CannotRestore, match="still runs"):
        restore(running)
    carry_out(running)
    bury(1)

    with pytest.raises(CannotRestore, match="Only a discard"):
        restore(done())


def test_one_dismissed_letter_is_opened_again():
    bury(1)
    letter = DeadLetter.objects.get()
    dismiss(letter.pk)
    reopen(letter.pk)
    assert still_open() == 1

    replay(letter.job_id)
    with pytest.raises(CannotRestore, match="replayed"):
        reopen(letter.pk)


def test_dismissed_letters_are_replayed_only_when_asked_for():
    bury(2)
    done("discard")

    with pytest.raises(NothingSelected):
        begin(order())
    bulk = done(selection=Selection(state="dismissed"))

    assert bulk.done == 2


def test_the_preview_counts_exactly_and_shows_the_change():
    bury(7, type_="send-receipt", payload={"order_id": 1, "copies": 2})
    bury(2)

    seen = preview(order(edit={"copies": None, "order_id": "x"}))

    assert seen.total == 9
    assert seen.types == [("send-receipt", 7), ("noop", 2)]
    assert len(seen.samples) == 5
    assert seen.samples[0].after == {"order_id": "x"}
    assert "order_id" in seen.samples[-1].problem
    assert still_open() == 9


def test_nothing_is_ordered_over_nothing():
    with pytest.raises(NothingSelected):
        begin(order())
    assert not LetterBulk.objects.exists()
    assert not Job.objects.exists()


def test_a_form_sent_twice_begins_one_bulk():
    bury(3)
    token = uuid4()

    bulks = {begin(order(), token=token).pk for _ in range(2)}

    assert len(bulks) == 1
    assert Job.objects.filter(type="bulk-replay").count() == 1


def test_a_bulk_leaves_one_audit_row_with_its_count():
    bury(3)

    done("discard", reason="harmless", selection=Selection(type="noop"))

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.count, entry.reason) == (
        "letter.dismiss",
        3,
        "harmless",
    )
    assert entry.after["selection"] == {"state": "open", "type": "noop"}


def test_a_dead_bulk_is_not_resumed_by_another_one():
    bury(2)
    bury(1, type_="bulk-replay", payload={"bulk_id": 1})

    assert preview(order()).total == 2


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (InvalidOption, {"verb": "burn"}),
        (InvalidOption, {"verb": "discard", "edit": {}}),
        (InvalidOption, {"edit": ["a"]}),
        (InvalidOption, {"per_minute": 0}),
        (InvalidJobData, {"edit": {"a": "\x00"}}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(error, options):
    with pytest.raises(error):
        order(**options)


def test_a_bulk_that_was_pruned_is_unknown():
    with pytest.raises(UnknownBulk):
        repair(404404)
