"""Staff at the jobs: find one, understand it, steer it, write another."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from queues.enqueue import enqueue
from queues.models import Job, Worker
from queues.states import State
from queues.work import run_due
from tests.browser.desk import go, has_no_overflow

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
]


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox").fill(text)
    page.get_by_role("button", name="Search").click()


def test_a_failed_job_is_found_by_its_payload_and_its_traceback_read(desk: Page):
    for number in range(30):
        enqueue("noop", {"order": f"A-{number}"})
    enqueue("fail", {"message": "away", "order": "B-1042"}, max_attempts=1, priority=1)
    run_due(limit=1, seconds=10)
    job = Job.objects.get(type="fail")

    go(desk, "Jobs")
    desk.get_by_text("How to search").click()
    expect(desk.get_by_text("a member of the payload")).to_be_visible()
    search(desk, "b-1042")
    desk.get_by_role("link", name=f"#{job.pk}").click()
    desk.get_by_text("Traceback", exact=True).click()

    expect(desk.get_by_text("Traceback (most recent call last)")).to_be_visible()
    expect(desk.get_by_text("RuntimeError: away").first).to_be_visible()


def test_a_job_is_made_urgent_from_its_page(desk: Page):
    job = enqueue("noop", priority=7)

    go(desk, "Jobs")
    desk.get_by_role("link", name=f"#{job.pk}").click()
    desk.get_by_role("link", name="Change priority…").click()
    desk.get_by_label("Priority").select_option("1")
    desk.get_by_label("Reason").fill("the shop waits")
    desk.get_by_role("button", name="Change priority").click()

    expect(desk.get_by_text("Priority changed: 1 row.")).to_be_visible()
    expect(desk.get_by_text("priority: 7 → 1")).to_be_visible()
    assert Job.objects.get().priority == 1


def test_a_pending_job_says_what_it_waits_for(desk: Page):
    Worker.objects.create(
        kind=Worker.Kind.NODE, name="there", machine="there", pid=1, born="1",
        queues="default",
    )  # fmt: skip
    enqueue("noop", priority=1)
    job = enqueue("noop", priority=9)

    go(desk, "Jobs")
    desk.get_by_role("link", name=f"#{job.pk}").click()

    said = desk.get_by_text("It is due; 1 job stands before it in its line.")
    expect(said).to_be_visible()


def test_chosen_jobs_are_put_off_and_hurried(desk: Page):
    for _ in range(2):
        enqueue("noop")

    go(desk, "Jobs")
    desk.get_by_label("Select all objects on this page for an action").check()
    desk.get_by_label("Action:").select_option("snooze")
    desk.get_by_role("button", name="Go").click()
    desk.get_by_label("Run it").select_option("15m")
    desk.get_by_role("button", name="Snooze (2)").click()
    expect(desk.locator(".badge", has_text="scheduled")).to_have_count(2)

    desk.locator("#result_list").get_by_role(
        "link", name=re.compile("^#")
    ).first.click()
    desk.get_by_role("button", name="Retry now").click()
    expect(desk.get_by_text("Due now: 1 row.")).to_be_visible()
    assert Job.objects.filter(run_at__lte=timezone.now()).count() == 1


def test_a_job_is_written_by_hand_and_copied(desk: Page):
    go(desk, "Jobs")
    desk.get_by_role("link", name="Enqueue a job").click()
    desk.get_by_role("link", name=re.compile("send-receipt")).click()
    desk.get_by_role("button", name="Enqueue").click()
    expect(desk.get_by_text("“order_id” must be a whole number")).to_be_visible()
    desk.get_by_label("Payload").fill('{"order_id": 7}')
    desk.get_by_role("button", name="Enqueue").click()
    expect(desk.get_by_text(re.compile(r"Job #\d+ is written\."))).to_be_visible()

    desk.get_by_role("link", name="Copy as new…").click()
    expect(desk.get_by_label("Payload")).to_have_value(re.compile('"order_id": 7'))
    desk.get_by_role("button", name="Enqueue").click()

    expect(desk.get_by_text("copied from another job")).to_be_visible()
    assert Job.objects.filter(status=State.PENDING).count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_telephone(desk: Page, live_server: Any, scheme: Any):
    job = enqueue("noop", run_at=timezone.now() + timedelta(hours=1))
    desk.set_viewport_size({"width": 400, "height": 800})
    desk.emulate_media(color_scheme=scheme)

    for address in (
        "",
        "?q=type:noop",
        "enqueue/",
        "enqueue/?type=send-receipt",
        f"{job.pk}/change/",
        f"{job.pk}/snooze/",
    ):
        desk.goto(f"{live_server.url}/admin/queues/job/{address}")
        assert has_no_overflow(desk), address
