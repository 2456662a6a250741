"""Runs are moved to the published version: one, those chosen, or all that match."""

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from cadences.bulk import BULK, Tally, begin, go_on
from cadences.errors import IllegalMove
from cadences.migrate import Group, move, preview, summary
from cadences.models import Cadence, Run, Version
from cadences.outcomes import Unknown
from cadences.publish import draft, publish
from cadences.runner import run_here
from cadences.selection import Runs
from cadences.states import Trigger
from queues.models import AuditEntry, Job
from queues.work import run_due
from tests.cadences.people import cadence, enrolled, fresh, told
from tests.queues.desk import act, page, staff

pytestmark = pytest.mark.django_db

LIST = "/admin/cadences/run/"
ORDER = f"{LIST}order/migrate/"
LATER = timedelta(days=1)


def without_second(which: Cadence) -> Version:
    version = draft(which)
    version.steps.get(position=2).delete()
    return publish(version)


@pytest.fixture
def mixed(clock, phones) -> dict[str, Run]:
    """Return runs before the first step, before a lost second, in doubt, elsewhere."""
    which = cadence({}, {"delay": 60}, {"delay": 60})
    (second,) = enrolled(which)
    run_here(Trigger.MANUAL)
    phones.script.append(Unknown("timeout"))
    (doubt,) = enrolled(which)
    run_here(Trigger.MANUAL)
    (first,) = enrolled(which, start_at=timezone.now() + LATER)
    other = cadence({}, {"delay": 60}, code="other", name="The other")
    (elsewhere,) = enrolled(other)
    run_here(Trigger.MANUAL)
    without_second(which)
    without_second(other)
    (new,) = enrolled(Cadence.objects.get(pk=which.pk))
    return {
        "first": first, "second": second, "doubt": doubt, "elsewhere": elsewhere,
        "new": new,
    }  # fmt: skip


def test_what_would_happen_is_told_for_each_cadence(mixed: dict[str, Run]):
    found = summary(Run.objects.all())

    assert found == [
        Group("The other", "end", 1, 2, 2, None, 1),
        Group("welcome", "same", 1, 2, 1, 1, 1),
        Group("welcome", "blocked", 1, 2, 1, None, 1),
        Group("welcome", "next", 1, 2, 2, 3, 1),
    ]
    ends = summary(Run.objects.all(), vanished="end")
    assert [each.kind for each in ends].count("end") == 2
    assert summary(Run.objects.filter(pk=mixed["new"].pk)) == []


@pytest.mark.parametrize("vanished", ["next", "end"])
def test_the_table_tells_what_the_job_of_the_cadence_would_do(mixed, vanished):
    cadences = Cadence.objects.all()

    moves = [
        move for each in cadences for move in preview(each.published, vanished=vanished)
    ]

    told: Counter[tuple[object, ...]] = Counter()
    for group in summary(Run.objects.all(), vanished=vanished):
        told[group.kind, group.from_step, group.to_step] += group.runs
    found = Counter((each.kind, each.from_step, each.to_step) for each in moves)
    assert found == told


@pytest.mark.django_db(transaction=True)
@pytest.mark.raw_rows
def test_all_that_match_are_moved_as_the_page_told(
    admin_client: Client, mixed: dict[str, Run]
):
    asked = admin_client.get(f"{ORDER}?status=live")
    shown = asked.content.decode()
    for words in (
        "its step is gone: goes on with the next one", "stays where it is",
        "nothing is left to do: ends", "The other", "4 runs", "v1 → v2",
    ):  # fmt: skip
        assert words in shown
    form = {
        "token": str(uuid4()), "upto": asked.context["upto"], "vanished": "next",
        "reason": "the shorter way",
    }  # fmt: skip

    admin_client.post(f"{ORDER}?status=live", form)
    admin_client.post(f"{ORDER}?status=live", form)
    run_due(limit=5, seconds=20)

    job = Job.objects.get(type=BULK)
    assert job.status == "completed"
    assert job.result["done"] == 3
    assert list(job.result["refused"].values()) == [1]
    assert fresh(mixed["first"]).version.number == 2
    assert fresh(mixed["second"]).next_step == 3
    assert fresh(mixed["doubt"]).version.number == 1
    assert fresh(mixed["elsewhere"]).exit_reason == "no_more_steps"
    entry = AuditEntry.objects.get(action="run.migrate")
    assert (entry.count, entry.reason) == (4, "the shorter way")
    assert entry.after["vanished"] == "next"
    assert told(mixed["second"])[-1] == "VERSAO_MIGRADA"
    assert "Nobody is on another version" not in page(admin_client, ORDER)


def test_a_run_whose_step_is_gone_ends_where_that_was_chosen(mixed: dict[str, Run]):
    job = begin("migrate", Runs(), token=uuid4(), vanished="end")
    tally = Tally()

    for _ in go_on(
        "migrate", Runs.read(job.payload["selection"]), tally, actor="ana",
        **job.payload["answers"],
    ):  # fmt: skip
        pass

    assert tally.done == 3
    assert fresh(mixed["second"]).exit_reason == "no_more_steps"


def test_nobody_is_moved_to_a_version_that_was_published_after_the_table(
    mixed: dict[str, Run], clock
):
    asked = clock()
    clock.pass_(minutes=1)
    which = mixed["first"].cadence
    which.refresh_from_db()
    version = publish(draft(which))
    tally = Tally()

    for _ in go_on("migrate", Runs(upto=asked, status="ATIVA"), tally, actor="ana"):
        pass

    assert tally.refused["Another version was published meanwhile"] >= 1
    assert not Run.objects.filter(version=version).exists()


def test_chosen_runs_and_one_alone_are_moved_after_a_look(
    admin_client: Client, mixed: dict[str, Run]
):
    chosen = [mixed["first"], mixed["second"], mixed["doubt"]]
    asked = admin_client.post(
        LIST, {"action": "migrate", "_selected_action": [e.pk for e in chosen]}
    ).content.decode()
    assert "its step is gone: goes on with the next one" in asked
    assert "The other" not in asked

    answers = {"vanished": "next", "reason": "shorter"}
    done = act(admin_client, "migrate", chosen, LIST, confirmed="yes", **answers)

    assert "Moved to the published version: 2 rows." in done.content.decode()
    assert "This step may have been sent: resolve it first" in done.content.decode()
    entry = AuditEntry.objects.filter(action="run.migrate").latest("id")
    assert (entry.before["version"], entry.after["version"]) == (1, 2)
    one = f"{LIST}{mixed['elsewhere'].pk}/"
    assert "Move to the published version" in page(admin_client, f"{one}change/")
    assert "v1 → v2" in page(admin_client, f"{one}migrate/")
    admin_client.post(f"{one}migrate/", {"vanished": "end", "reason": "over"})
    assert fresh(mixed["elsewhere"]).status == "CONCLUIDA"
    shown = page(admin_client, f"{LIST}{mixed['second'].pk}/change/")
    assert "Move to the published version" not in shown
    assert "from version" in shown


def test_what_cannot_be_moved_says_why(mixed: dict[str, Run]):
    with pytest.raises(IllegalMove, match="on the published version already"):
        move(mixed["new"].pk, actor="ana")
    with pytest.raises(IllegalMove, match="may have been sent"):
        move(mixed["doubt"].pk, actor="ana")
    move(mixed["elsewhere"].pk, actor="ana")
    with pytest.raises(IllegalMove, match="Cannot move a run that is CONCLUIDA"):
        move(mixed["elsewhere"].pk, actor="ana")
    with pytest.raises(IllegalMove, match="Unknown run"):
        move(uuid4(), actor="ana")


def test_who_may_only_look_moves_nobody(mixed: dict[str, Run]):
    viewer = staff("viewer", "view_run")

    assert viewer.get(ORDER).status_code == 403
    answers = {"vanished": "next", "reason": "x"}
    one = f"{LIST}{mixed['first'].pk}/migrate/"
    assert viewer.post(one, answers).status_code == 403
    assert fresh(mixed["first"]).version.number == 1
