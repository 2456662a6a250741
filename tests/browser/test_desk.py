"""What staff do while cadences run: stop them, settle a doubt, steer a run, answer for a lead."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from cadences.control import switch
from cadences.models import Execution, Run
from cadences.publish import draft, publish
from queues.models import Job
from tests.browser.desk import go, has_no_overflow
from tests.browser.doors import carry_in
from tests.cadences.happenings import Desk, furnish_desk

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.raw_rows,
    pytest.mark.usefixtures("complaints"),
    pytest.mark.timeout(240),
]


@pytest.fixture
def house() -> Desk:
    return furnish_desk()


@pytest.fixture
def desk(page: Page, house: Desk, live_server: Any, admin_user: User) -> Page:
    """Return the browser of the administrator, at the first page."""
    carry_in(page.context, live_server.url, admin_user)
    page.goto(f"{live_server.url}/admin/")
    return page


def test_all_sending_is_stopped_and_the_panel_tells_by_itself(desk: Page):
    go(desk, "Panel")
    expect(desk.get_by_role("heading", name="Sending is on")).to_be_visible()

    desk.get_by_role("link", name="Stop all sending").click()
    desk.get_by_label("Reason").fill("The wrong template went out")
    desk.get_by_role("button", name="Stop all sending").click()
    expect(desk.get_by_role("heading", name="All sending is off")).to_be_visible()
    expect(desk.get_by_text("The wrong template went out")).to_be_visible()
    switch(on=True, actor="another person")

    expect(desk.get_by_role("heading", name="Sending is on")).to_be_visible(
        timeout=20_000
    )


def test_a_doubt_is_settled_with_its_evidence(desk: Page, house: Desk):
    go(desk, "Uncertain sends")
    desk.get_by_role("link", name="Bruno Lima").click()
    expect(desk.get_by_text(f"{house.unknown.pk}.1")).to_be_visible()

    desk.get_by_role("link", name="It was sent").click()
    desk.get_by_label("Reason").fill("It is in the conversation")
    desk.get_by_role("button", name="It was sent").click()

    expect(desk.get_by_text("Marked as sent: 1 row.")).to_be_visible()
    assert Execution.objects.get(pk=house.unknown.pk).state == "sent"
    desk.get_by_role("link", name="Uncertain sends").first.click()
    expect(desk.get_by_text("Nothing here.")).to_be_visible()


def test_a_run_says_why_it_waits_and_is_steered(
    desk: Page, house: Desk, live_server: Any
):
    desk.goto(f"{live_server.url}/admin/cadences/run/")
    desk.get_by_role("link", name="Ana Maria Souza").click()
    expect(desk.get_by_role("heading", name="Why has this not been")).to_be_visible()
    expect(desk.get_by_text("Oi Ana!")).to_be_visible()

    desk.get_by_role("link", name="Pause").click()
    desk.get_by_label("Reason").fill("She is on holiday")
    desk.get_by_role("button", name="Pause").click()

    expect(desk.get_by_text("“She is on holiday”")).to_be_visible()
    expect(desk.get_by_text("Paused: by hand.").first).to_be_visible()
    assert Run.objects.get(pk=house.sent.pk).status == "PAUSADA"
    desk.set_viewport_size({"width": 400, "height": 800})
    assert has_no_overflow(desk)


def test_a_message_is_given_to_whom_it_is_from(desk: Page):
    go(desk, "Inbox without owner")
    desk.get_by_role("link", name="+5511955550101").click()
    expect(desk.get_by_text("Quem fala?")).to_be_visible()

    desk.get_by_role("button", name=re.compile("theirs.*Iara")).click()

    expect(desk.get_by_text("has an owner")).to_be_visible()
    assert Run.objects.get(lead__name="Iara Paz").exit_reason == "replied"
    assert Run.objects.get(lead__name="Hugo Paz").status == "ATIVA"


def test_runs_are_moved_to_the_published_version_after_a_look(
    desk: Page, house: Desk, live_server: Any
):
    version = draft(house.sent.cadence)
    version.steps.get(position=2).delete()
    publish(version)
    desk.goto(f"{live_server.url}/admin/cadences/run/?status=live")

    desk.get_by_text("Do something to all that match").click()
    desk.get_by_role("link", name="Move to the published version").click()
    expect(desk.get_by_text("nothing is left to do: ends")).to_be_visible()
    expect(desk.get_by_text("stays where it is")).to_be_visible()
    desk.set_viewport_size({"width": 400, "height": 800})
    assert has_no_overflow(desk)
    desk.get_by_label("Reason").fill("Shorter is better")
    desk.get_by_role("button", name="Move to the published version").click()

    expect(desk.get_by_text("It goes on by itself")).to_be_visible()
    payload = Job.objects.get(type="cadence-bulk").payload
    assert (payload["verb"], payload["answers"]) == ("migrate", {"vanished": "next"})
