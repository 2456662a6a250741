"""Schedules that apps ship: written once, then they belong to staff."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django_celery_beat.models import PeriodicTask

from queues import schedule as module
from queues.alerts.rules import install_rules
from queues.models import StarterSchedule
from queues.schedule import install, starter
from tests.queues.schedules import cron, edit, make_schedule

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def starters(monkeypatch):
    """Declare two starters and no others."""
    monkeypatch.setattr(module, "_starters", {})
    starter("first", type="noop", cron="*/5 * * * *", priority=1, data={"a": 1})
    starter("second", type="noop", every=timedelta(seconds=10))


def test_starters_are_installed_once(starters):
    assert install() == ["first", "second"]
    assert install() == []

    first, second = PeriodicTask.objects.order_by("name")
    assert (first.priority, first.kwargs, second.interval.every) == (1, '{"a": 1}', 10)
    assert StarterSchedule.objects.count() == 2


def test_a_starter_that_staff_deleted_or_edited_is_not_touched_again(starters):
    install()
    PeriodicTask.objects.get(name="first").delete()
    edit(PeriodicTask.objects.get(name="second"), enabled=False)

    install()

    assert list(PeriodicTask.objects.values_list("name", "enabled")) == [
        ("second", False)
    ]


def test_a_schedule_that_had_the_name_before_is_not_touched(starters):
    make_schedule("first", **cron("0 1 * * *"))

    install()

    assert PeriodicTask.objects.get(name="first").crontab.hour == "1"


def test_the_command_prints_what_it_installed(starters):
    install_rules()  # it writes those, too
    out = StringIO()

    call_command("install_schedules", stdout=out)
    call_command("install_schedules", stdout=out)

    assert out.getvalue().split() == ["first", "second"]


def test_a_broken_starter_is_one_clear_line_and_no_mark(starters):
    starter("third", type="no-such-type", every=DAY)

    with pytest.raises(CommandError, match="third: Unknown job type: no-such-type"):
        call_command("install_schedules")

    assert not StarterSchedule.objects.filter(name="third").exists()
