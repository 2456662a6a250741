"""Staff at work: what a person sees and does in the admin, in a real Chromium."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Page, expect

from queues.enqueue import enqueue
from queues.models import Job
from queues.states import State
from queues.work import run_due
from tests.browser.desk import go, has_no_overflow, sign_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
]
SECTIONS = ("Jobs", "Dead letters", "Schedules", "Firings", "Workers", "API tokens")


def test_a_failed_job_is_understood_and_replayed(desk: Page):
    enqueue("fail", {"message": "the upstream is away"}, max_attempts=1)
    run_due(limit=1, seconds=10)

    desk.reload()
    desk.get_by_role("link", name=re.compile("Open dead letters")).click()
    desk.get_by_role("link", name="fail").first.click()
    expect(desk.get_by_text("RuntimeError: the upstream is away").first).to_be_visible()
    desk.get_by_role("button", name="Replay the job").click()

    expect(desk.get_by_text("Replayed: 1 row.")).to_be_visible()
    assert Job.objects.get().status == State.PENDING


def test_jobs_are_cancelled_from_the_list_after_a_question(desk: Page):
    for _ in range(3):
        enqueue("noop")

    go(desk, "Jobs")
    desk.get_by_label("Select all objects on this page for an action").check()
    desk.get_by_label("Action:").select_option("cancel")
    desk.get_by_role("button", name="Go").click()
    expect(desk.get_by_text("This cannot be undone.")).to_be_visible()
    desk.get_by_role("button", name="Cancel (3)").click()

    expect(desk.locator(".badge", has_text="cancelled")).to_have_count(3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_telephone(desk: Page, scheme: Any):
    enqueue("send-receipt", {"order_id": 1})
    run_due(limit=1, seconds=10)
    desk.set_viewport_size({"width": 400, "height": 800})
    desk.emulate_media(color_scheme=scheme)

    for section in SECTIONS:
        desk.get_by_role("button", name="Menu").click()
        go(desk, section)
        expect(desk.get_by_role("heading", level=1)).to_have_text(section)
        assert has_no_overflow(desk), section
    desk.goto(desk.url.replace("apitoken", f"job/{Job.objects.get().pk}/change"))
    assert has_no_overflow(desk)


def test_the_menu_and_the_person_work_by_keyboard(desk: Page):
    desk.get_by_text("admin", exact=True).press("Enter")
    expect(desk.get_by_role("button", name="Log out")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("button", name="Log out")).to_be_hidden()


def test_the_language_is_switched_in_the_header(desk: Page):
    desk.get_by_role("button", name="PT").click()

    expect(desk.get_by_role("heading", name="Visão geral")).to_be_visible()
    desk.get_by_role("link", name="Agendamentos").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Agendamentos")


def test_a_viewer_sees_no_button(page: Page, live_server: Any):
    viewer = User.objects.create_user("viewer", password="secret", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    job = enqueue("noop")
    sign_in(page, live_server.url, "viewer", "secret")

    go(page, "Jobs")
    expect(page.get_by_label("Action:")).to_have_count(0)
    page.get_by_role("link", name=f"#{job.pk}").click()

    expect(page.get_by_role("heading", name=f"noop #{job.pk}")).to_be_visible()
    expect(page.locator("main .button")).to_have_count(0)
