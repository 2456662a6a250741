"""A cadence as staff make it: worded, built, tried out, published, followed by a lead."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from cadences.enroll import enroll
from cadences.models import Cadence, Event, Run, Template
from cadences.publish import draft
from cadences.runner import run_here
from cadences.states import RunStatus, Trigger
from cadences.testing import recording
from tests.browser.desk import go, has_no_overflow
from tests.browser.doors import carry_in
from tests.cadences.people import cadence, company, lead

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
    pytest.mark.timeout(240),
]


@pytest.fixture
def desk(page: Page, live_server: Any, admin_user: User) -> Page:
    """Return the browser of the administrator, with a company and a lead."""
    home = company(calendar=None, name="Acme Ltda")
    home.accounts.filter(medium="email").delete()
    lead(name="Ana Souza", stage="hot")
    carry_in(page.context, live_server.url, admin_user)
    page.goto(f"{live_server.url}/admin/")
    return page


def word(desk: Page, code: str, text: str) -> None:
    go(desk, "Templates")
    desk.get_by_role("link", name="Add template").click()
    desk.get_by_label("Company:").select_option("acme")
    desk.get_by_label("Channel").select_option("whatsapp")
    desk.get_by_label("Code:").fill(code)
    desk.get_by_label("Text").fill(text)
    read = desk.get_by_role("complementary", name="As a lead reads it")
    expect(read.locator(".bubble")).to_contain_text("Ana")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("all sends from now on use wording 1")).to_be_visible()


def add_step(desk: Page, code: str, delay: str, unit: str) -> None:
    desk.get_by_role("link", name="Add a step").click()
    desk.get_by_label("Template").first.select_option(code)
    desk.get_by_label("Wait", exact=True).fill(delay)
    desk.get_by_label("Unit").select_option(unit)
    desk.get_by_role("button", name="Save step").click()


def build(desk: Page) -> Cadence:
    """Make a cadence of two steps by its pages."""
    word(desk, "hello", "Olá {{ nome }}, tudo bem?")
    word(desk, "again", "{{ nome }}, viu minha mensagem?")
    go(desk, "Cadences")
    desk.get_by_role("link", name="Add cadence").click()
    desk.get_by_label("Company:").select_option("acme")
    desk.get_by_label("Code:").fill("welcome")
    desk.get_by_label("Name:", exact=True).fill("Welcome")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("Now give it steps.")).to_be_visible()
    desk.get_by_role("button", name="Begin the first version").click()
    add_step(desk, "hello", "0", "minutes")
    add_step(desk, "again", "2", "days")
    expect(desk.locator(".steps > li")).to_have_count(2)
    return Cadence.objects.get()


def test_a_cadence_is_built_published_and_followed(desk: Page):
    with recording() as phones:
        which = build(desk)
        desk.get_by_role("link", name="Try it on a lead").click()
        line = desk.locator(".timeline.trial > li")
        expect(line).to_have_count(2)
        expect(line.nth(1)).to_contain_text("2 days after the step before")
        expect(line.nth(1)).to_contain_text("Ana Souza, viu minha mensagem?")
        desk.get_by_role("link", name="Welcome").click()
        desk.get_by_role("link", name="Steps").click()
        desk.get_by_role("link", name="Publish").click()
        desk.get_by_label("Why? Colleagues will see it.").fill("for spring")
        desk.get_by_role("button", name="Publish version 1").click()
        expect(desk.get_by_text("Version 1 is published")).to_be_visible()

        which.refresh_from_db()
        enroll(lead(name="Bia Lima"), which)
        run_here(Trigger.MANUAL)
        desk.reload()

        assert [each.body for each in phones.ledger] == ["Olá Bia Lima, tudo bem?"]
        first = desk.locator(".funnel tbody tr").first
        expect(first.locator("td").first).to_have_text("1")
    assert Run.objects.get().status == RunStatus.ACTIVE
    assert Event.objects.filter(type="DISPARADO").count() == 1


def open_draft(desk: Page) -> None:
    """Open the draft of a cadence of two steps."""
    which = cadence({}, {"template_code": "again", "delay": 2, "unit": "days"})
    draft(which)
    steps = reverse("admin:cadences_cadence_steps", args=[which.pk])
    desk.goto(desk.url.replace("/admin/", steps))


def test_steps_are_arranged_by_keyboard_and_faults_are_told(desk: Page):
    open_draft(desk)
    second = desk.get_by_role("button", name="Move up step 2")
    second.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator(".steps h2").first).to_have_text("again")
    Template.objects.filter(code="hello").update(is_active=False)
    desk.reload()

    lint = desk.get_by_role("complementary", name="Before it is published")
    expect(lint.get_by_text("Step 2: the template hello is not active")).to_be_visible()
    desk.get_by_role("button", name="Delete step 2").click()
    expect(desk.get_by_text("Step 2 is deleted.")).to_be_visible()
    expect(lint.get_by_text("Nothing keeps it from being published.")).to_be_visible()
    desk.set_viewport_size({"width": 400, "height": 800})
    assert has_no_overflow(desk)


def test_a_task_asks_for_what_a_task_needs(desk: Page):
    open_draft(desk)
    desk.get_by_role("link", name="Add a step").click()
    desk.get_by_label("task", exact=True).check()
    expect(desk.get_by_label("Channel")).to_be_hidden()
    desk.get_by_label("Wait", exact=True).fill("3")
    desk.get_by_role("button", name="Save step").click()

    expect(desk.get_by_text("Say what has to be done.")).to_be_visible()
    expect(desk.get_by_label("Wait", exact=True)).to_have_value("3")
    desk.get_by_label("Title of the task").fill("Call them")
    desk.get_by_role("button", name="Save step").click()
    expect(desk.locator(".steps h2").nth(2)).to_have_text("Call them")


def test_what_is_typed_is_read_aloud(desk: Page):
    word(desk, "hello", "Olá {{ nome }}")
    desk.get_by_label("Text").fill("Oi {{ nome }}, {{ dados.plano }}?")

    read = desk.get_by_role("complementary", name="As a lead reads it")
    expect(read.get_by_text("No value for: dados.plano")).to_be_visible()
    desk.get_by_label("Text").fill('Oi {{ nome }}, {{ dados.plano|padrao:"o plano" }}?')
    expect(read.locator(".bubble")).to_have_text("Oi Ana Souza, o plano?")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("use wording 2")).to_be_visible()
