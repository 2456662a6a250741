"""The figures of the panel: the last pass, what goes out a minute, where it waits."""

from datetime import timedelta

import pytest
from django.test import Client

from cadences.admin import panel
from cadences.admin.tiles import tiles
from cadences.journal import open_log
from cadences.models import Account, RunnerLog
from cadences.runner import run_here
from cadences.states import Trigger
from cadences.survey import ENOUGH, Backlog, Standing, standing
from queues.admin.status import Tile
from tests.cadences.people import cadence, enrolled
from tests.queues.desk import page

pytestmark = pytest.mark.django_db


def shown(found: Standing) -> dict[str, Tile]:
    return {str(each.name): each for each in tiles(found, [])}


def test_the_age_of_the_last_pass_is_told_and_a_rehearsal_is_none(clock, phones):
    assert shown(standing())["Last pass"].value == "–"
    at = clock()
    run_here(Trigger.CRON)
    clock.pass_(minutes=11)
    run_here(Trigger.TEST)

    tile = shown(standing())["Last pass"]

    assert (tile.value, tile.moment, tile.tone) == ("", at, "warn")
    open_log(Trigger.CRON)
    assert shown(standing())["Last pass"].tone == "calm"


def test_what_goes_out_a_minute_is_told_of_the_last_five(clock, phones):
    enrolled(cadence(), 3)
    run_here(Trigger.MANUAL)

    tile = shown(standing())["Sends a minute"]
    assert (tile.value, tile.note) == ("0.6", "3 in five minutes")
    clock.pass_(minutes=6)
    tile = shown(standing())["Sends a minute"]
    assert (tile.value, tile.tone) == ("0", "calm")
    busy = shown(Standing(clock(), lately=ENOUGH))["Sends a minute"]
    assert busy.value == "2,000 or more"


def test_errors_of_a_day_are_counted(clock):
    for hours, errors in ((0, 2), (23, 3), (25, 8)):
        RunnerLog.objects.create(
            executed_at=clock() - timedelta(hours=hours), errors=errors
        )

    tile = shown(standing())["Errors in 24 hours"]

    assert (tile.value, tile.tone) == ("5", "warn")
    assert tile.url.endswith("?result=errors")


def test_what_is_due_is_told_by_channel_and_by_the_account_that_leads_know(
    clock, phones, admin_client: Client
):
    which = cadence({}, {"delay": 60}, {"medium": "email", "delay": 60})
    enrolled(which, 2)
    run_here(Trigger.MANUAL)
    clock.pass_(minutes=60)
    enrolled(which, 3)
    enrolled(cadence({"kind": "task", "title": "Call", "template_code": ""}, code="t"))
    account = Account.objects.get(name="whatsapp-1")

    found = standing().backlog

    assert found == [
        Backlog("whatsapp", None, None, 3),
        Backlog("whatsapp", account.pk, "whatsapp-1", 2),
    ]
    text = page(admin_client, "/admin/cadences/control/panel/")
    assert "WhatsApp · any account" in text
    assert "WhatsApp · whatsapp-1" in text
    assert "?next=now&amp;medium=whatsapp" in text


def test_many_lines_of_a_backlog_end_in_one(clock):
    found = Standing(clock())
    found.backlog = [Backlog("sms", None, f"n{n}", 20 - n) for n in range(12)]

    lines = panel._backlog(found)

    assert [each.count for each in lines][-2:] == ["13", "42"]
    assert (len(lines), lines[-1].name) == (9, "others")
