"""Dead letters from the command line."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from queues.models import AuditEntry, LetterBulk
from queues.work import run_due
from tests.queues.graves import bury, still_open

pytestmark = pytest.mark.django_db(transaction=True)


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_the_faults_are_listed_with_their_fingerprints():
    bury(3)
    bury(1, reason="KeyError:")

    first, second = said("letters").splitlines()

    assert first.split()[0] == "3"
    assert "noop (3)" in first
    fingerprint = second.split()[1]
    assert said("letters", "--fingerprint", fingerprint).splitlines() == [second]


def test_letters_are_exported_to_standard_output():
    bury(2, payload={"password": "x"})

    letters = json.loads(said("letters", "--export", "json"))

    assert [letter["payload"] for letter in letters] == [{"password": "•••"}] * 2
    assert AuditEntry.objects.get(action="letter.export").count == 2


def test_a_dry_run_counts_and_changes_nothing():
    bury(3, type_="send-receipt", payload={"order_id": 1})

    out = said(
        "replay", "--type", "send-receipt", "--edit", '{"order_id": "x"}', "--dry-run"
    )

    assert out.startswith("3 letters match")
    assert "Invalid job data: order_id" in out
    assert still_open() == 3
    assert not LetterBulk.objects.exists()


def test_a_replay_is_ordered_with_a_rate_and_a_reason():
    bury(3)

    out = said("replay", "--search", "no order", "--rate", "50/s", "--reason", "fixed")

    bulk = LetterBulk.objects.get()
    assert out.strip() == f"Bulk {bulk.pk}: 3 letters, by job {bulk.job_id}"
    assert (bulk.per_minute, bulk.reason) == (3000, "fixed")
    assert AuditEntry.objects.get(action="letter.replay").door == "cli"


def at_work(monkeypatch) -> None:
    """Let a worker do its part whenever the command looks."""

    def look(bulk: LetterBulk) -> bool:
        run_due(limit=1, seconds=20)
        return False

    monkeypatch.setattr("queues.management.orders.is_live", look)


def test_a_discard_is_waited_for_and_taken_back(monkeypatch):
    at_work(monkeypatch)
    bury(2)

    assert "2 of 2 done, 0 refused" in said("discard", "--all", "--wait", "30")
    assert still_open() == 0
    bulk = str(LetterBulk.objects.get().pk)
    assert "2 of 2 done" in said("restore", bulk, "--wait", "30")
    assert still_open() == 2
    with pytest.raises(CommandError, match="No dead letter matches"):
        said("restore", bulk)


def test_what_was_refused_is_told_at_the_end(monkeypatch):
    at_work(monkeypatch)
    bury(1, keys=["a"])
    bury(1, keys=["a"])

    out = said("replay", "--all", "--wait", "30")

    assert "1 of 2 done, 1 refused" in out
    assert "Cannot retry a superseded job" in out


def test_a_bulk_that_takes_too_long_is_told_as_such():
    bury(1)

    with pytest.raises(CommandError, match="Not finished: 0 of 1 done"):
        said("replay", "--all", "--wait", "0")


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize("words", [[], ["--type", ""], ["--state", "open"]])
def test_an_order_without_a_choice_of_letters_is_refused(verb, words):
    bury(2)

    with pytest.raises(CommandError, match="Which letters") as refused:
        said(verb, *words)
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="--all goes with no other choice"):
        said(verb, "--all", "--search", "no order")

    assert not LetterBulk.objects.exists()
    assert said(verb, *words, "--dry-run").startswith("2 letters match")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["replay", "--all"], "No dead letter matches"),
        (["replay", "--all", "--edit", "{"], "--edit is not JSON"),
        (["replay", "--all", "--edit", "[]"], "--edit takes a JSON object"),
        (["replay", "--all", "--rate", "fast"], "--rate takes a number"),
        (["replay", "--since", "soon"], "Not a date and time: soon"),
        (["discard", "--fingerprint", "x"], "Not a fingerprint: x"),
        (["discard", "--ids", "1,x"], "Not a number: x"),
        (["restore", "404404"], "Unknown bulk repair: 404404"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(words, line):
    with pytest.raises(CommandError, match=line):
        said(*words)
