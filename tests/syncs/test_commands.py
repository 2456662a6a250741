"""`manage.py sync_store`: the emergency command, and its exit codes."""

import pytest
from django.core.management import CommandError, call_command

from syncs.management.commands.sync_store import Command
from syncs.models import Run
from tests.syncs.stores import ask, rerun

pytestmark = pytest.mark.django_db


def code_of(*arguments):
    """Return the exit code and the line of the error."""
    try:
        call_command("sync_store", *arguments)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, ""


def test_an_unknown_store_is_misuse(db):
    assert code_of("7") == (2, "There is no such store")
    assert code_of("00000000-0000-4000-8000-000000000000")[0] == 2


def test_a_period_that_makes_no_sense_is_misuse(shop):
    store = shop()

    assert code_of(str(store.pk), "--from", "2026-11-20", "--to", "2026-11-01")[0] == 2
    code, line = code_of(str(store.pk), "--from", "2026-11-20")
    assert (code, line) == (2, "A period has a first and a last day")


def test_a_store_that_cannot_be_synced_says_what_to_do(shop):
    store = shop(providers=())

    assert code_of(str(store.pk)) == (1, "This store has no connection yet: add one")


def test_who_does_not_wait_leaves_it_to_the_workers(shop, capsys):
    store = shop()

    code, line = code_of(str(store.pk), "--period", "7d", "--wait", "0")

    assert code == 3
    assert "goes on" in line
    run = Run.objects.get()
    assert (run.trigger, run.priority) == ("command", 1)
    assert "queued" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "code"), [(200, 0), (404, 1)])
def test_it_follows_the_sync_to_its_end(shop, stand, monkeypatch, status, code):
    if status != 200:
        stand.script = lambda call, times: (status, {})
    store = shop()
    monkeypatch.setattr(Command, "_pause", lambda _: rerun(Run.objects.get()))

    assert code_of(str(store.pk), "--wait", "30")[0] == code


def test_it_joins_a_sync_that_runs(shop, capsys):
    from syncs.periods import of_word

    store = shop()
    run = ask(store, of_word(store, "30d")).run
    Run.objects.filter(pk=run.pk).update(status="processing")

    code_of(str(store.pk), "--wait", "0")

    assert f"{run.pk} joined" in capsys.readouterr().out
