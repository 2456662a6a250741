"""The page of a limit: who holds it, who waits, and numbers that staff edit."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from queues.admit import admit
from queues.enqueue import enqueue, enqueue_many
from queues.models import LimitRow
from queues.publish import publish

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:queues_limitrow_changelist"
PAGE = "admin:queues_limitrow_change"


@pytest.fixture
def staff(admin_client):
    publish()
    return admin_client


def sent(**changes):
    numbers = {"running": "3", "running_per_key": "1", "rate": "", "rate_per_key": ""}
    return {**numbers, "period_seconds": "60", "note": "", **changes}


def test_the_list_tells_who_runs_and_who_waits(staff, me):
    enqueue_many("seat", [{"seat": n} for n in range(5)])
    admit("hall", ["default"], worker=me, limit=3)

    page = staff.get(reverse(LIST)).content.decode()

    assert "3/3, 1 per key" in page
    assert "full" in page


def test_the_page_names_holders_and_keys(staff, me):
    for seat in ("window", "aisle", "middle", "door"):
        enqueue("seat", {"seat": seat})
    (held,) = admit("hall", ["default"], worker=me, limit=1).claims

    page = staff.get(reverse(PAGE, args=["hall"])).content.decode()

    assert f"#{held.job_id}" in page
    assert page.count("<td>window</td>") == 1
    assert "<td>door</td>" in page
    assert 'name="running"' in page
    assert 'name="name"' not in page
    assert "has room" in page


def test_an_edit_is_written_logged_and_rings(staff, waiting_bells):
    enqueue("seat", {"seat": "a"})
    before = waiting_bells()

    answer = staff.post(reverse(PAGE, args=["hall"]), sent(running="0", note="stock"))

    assert answer.status_code == 302
    row = LimitRow.objects.get(name="hall")
    assert (row.running, row.note) == (0, "stock")
    assert LogEntry.objects.filter(object_id="hall").count() == 1
    assert waiting_bells() > before
    assert "paused" in staff.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize(
    "wrong", [{"running": "-1"}, {"rate": "many"}, {"period_seconds": "0"}]
)
def test_numbers_that_make_no_sense_are_refused(staff, wrong):
    answer = staff.post(reverse(PAGE, args=["hall"]), sent(**wrong))

    assert answer.status_code == 200
    assert b"errorlist" in answer.content
    assert LimitRow.objects.get(name="hall").running == 3


def test_limits_are_neither_added_nor_deleted_by_hand(staff):
    assert staff.get(reverse("admin:queues_limitrow_add")).status_code == 403
    delete = reverse("admin:queues_limitrow_delete", args=["hall"])
    assert staff.post(delete, {"post": "yes"}).status_code == 403


def test_a_job_leads_to_its_limit(staff):
    job = enqueue("seat", {"seat": "window"})

    page = staff.get(reverse("admin:queues_job_change", args=[job.id])).content.decode()

    assert reverse(PAGE, args=["hall"]) in page
