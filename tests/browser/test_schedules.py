"""Schedules as staff meet them: typed, explained, saved, fired, paused, copied."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from playwright.sync_api import Locator, Page, expect

from queues.models import Job
from queues.work import run_due
from tests.browser.desk import go, has_no_overflow, sign_in
from tests.queues.schedules import cron, make_schedule, tick

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
]
SCHEDULES = "/admin/django_celery_beat/periodictask/"
CAMPAIGN = '{"title": "Spring", "first_day": "2026-03-01"}'


def new_schedule(desk: Page) -> Page:
    go(desk, "Schedules")
    desk.get_by_role("link", name="Add schedule").click()
    expect(desk.get_by_role("button", name="Every 5 minutes")).to_be_visible()
    return desk


def open_schedule(desk: Page, name: str) -> Page:
    go(desk, "Schedules")
    desk.get_by_role("link", name=name).first.click()
    expect(desk.get_by_role("heading", level=1)).to_have_text(name)
    return desk


def save(desk: Page) -> None:
    desk.get_by_role("button", name="Save", exact=True).click()


def preview(desk: Page) -> Locator:
    return desk.get_by_role("complementary", name="Next runs")


def payload(desk: Page, name: str) -> Locator:
    return desk.locator(f'[data-field="{name}"]')


def test_a_schedule_is_made_by_its_form_and_seen_to_fire(desk: Page):
    new_schedule(desk)
    desk.get_by_label("Name").fill("spring campaign")
    desk.get_by_role("button", name="Every minute").click()
    expect(preview(desk).get_by_text("Every minute")).to_be_visible()
    expect(preview(desk).locator(".run-lines li")).to_have_count(10)
    desk.get_by_label("Job type").select_option("send-campaign")
    expect(desk.get_by_text("Stops by itself after the most messages")).to_be_visible()
    desk.get_by_label("Title").fill("Spring")
    desk.get_by_label("First day").fill("2026-03-01")
    desk.get_by_label("Channel").select_option("email")
    desk.get_by_label("Stores").fill("3\n5")
    desk.get_by_label("mon", exact=True).check()
    save(desk)

    expect(desk.get_by_text("“spring campaign” is saved.")).to_be_visible()
    now = timezone.now()
    tick(now)
    tick(now + timedelta(seconds=65))
    run_due(limit=5, seconds=10, queues=["reports"])
    desk.reload()

    expect(desk.get_by_text("Last firing: 1 success")).to_be_visible()
    assert Job.objects.get().payload == {
        "title": "Spring", "first_day": "2026-03-01", "channel": "email",
        "stores": [3, 5], "weekdays": ["mon"],
    }  # fmt: skip


def test_a_bad_cron_line_is_explained_beside_it_as_it_is_typed(desk: Page):
    new_schedule(desk)
    desk.get_by_text("Cron line", exact=True).first.click()
    line = desk.get_by_role("textbox", name="Cron line")
    line.fill("61 3 * * *")

    row = desk.locator(".form-row.field-cron")
    expect(row.get_by_text("The minute “61” is not understood")).to_be_visible()
    expect(line).to_have_attribute("aria-invalid", "true")
    # What nobody has touched yet is not held against anyone.
    expect(desk.locator(".form-row.field-name .errorlist")).to_have_count(0)

    line.fill("30 3 * * 1-5")
    expect(row.locator(".errorlist")).to_have_count(0)
    expect(preview(desk).get_by_text("Monday to Friday at 03:30")).to_be_visible()


def test_a_bad_payload_is_explained_beside_its_field_as_it_is_typed(desk: Page):
    new_schedule(desk)
    desk.get_by_label("Job type").select_option("send-campaign")
    expect(payload(desk, "title").get_by_text("is missing")).to_be_visible()

    desk.get_by_label("Title").fill("Spring")
    desk.get_by_label("First day").fill("2026-03-01")
    desk.get_by_label("Most messages").fill("0")
    limit = payload(desk, "most_messages")
    expect(limit.get_by_text("must be at least 1")).to_be_visible()
    expect(payload(desk, "title").locator(".errorlist")).to_have_count(0)

    desk.get_by_label("Most messages").fill("10")
    expect(limit.locator(".errorlist")).to_have_count(0)


def test_what_is_no_json_is_neither_sent_nor_lost(desk: Page):
    new_schedule(desk)
    desk.get_by_label("Name").fill("spring")
    desk.get_by_label("Job type").select_option("send-campaign")
    desk.get_by_label("Title").fill("Spring")
    desk.get_by_label("First day").fill("2026-03-01")
    desk.get_by_label("Prices").fill("{oops")
    expect(payload(desk, "prices").get_by_text("This is not JSON.")).to_be_visible()
    save(desk)

    expect(desk.get_by_label("Prices")).to_be_focused()
    assert not PeriodicTask.objects.exists()

    desk.get_by_label("Prices").fill('{"bread": 2}')
    save(desk)
    expect(desk.get_by_text("“spring” is saved.")).to_be_visible()
    assert '"bread": 2' in PeriodicTask.objects.get().kwargs


def test_the_json_is_always_within_reach_and_fills_the_fields(desk: Page):
    make_schedule("spring", task="send-campaign", kwargs=CAMPAIGN)
    open_schedule(desk, "spring")
    expect(desk.get_by_label("Title")).to_have_value("Spring")

    desk.get_by_text("JSON", exact=True).click()
    desk.locator("#id_payload").fill(
        CAMPAIGN.replace("Spring", "Summer").replace("}", ', "stores": [1, 2]}')
    )
    expect(desk.get_by_label("Title")).to_have_value("Summer")
    expect(desk.get_by_label("Stores")).to_have_value("1\n2")

    desk.get_by_label("Title").fill("Autumn")
    expect(desk.locator("#id_payload")).to_have_value(re.compile('"title": "Autumn"'))


def test_an_unknown_type_is_explained_beside_it(desk: Page):
    make_schedule("left behind", task="gone")
    open_schedule(desk, "left behind")
    expect(desk.get_by_text("No handler here knows this type.")).to_be_visible()
    save(desk)

    row = desk.locator(".form-row.field-type")
    expect(row.get_by_text("Unknown job type: gone")).to_be_visible()

    desk.get_by_label("Job type").select_option("noop")
    expect(row.locator(".errorlist")).to_have_count(0)
    save(desk)
    expect(desk.get_by_text("“left behind” is saved.")).to_be_visible()


def test_a_schedule_is_paused_with_a_note_and_resumed(desk: Page):
    make_schedule("nightly")
    open_schedule(desk, "nightly")
    desk.get_by_role("link", name="Pause").click()
    desk.get_by_label("Why? Colleagues will see it.").fill("the printer is broken")
    desk.get_by_role("button", name="Pause").click()

    head = desk.get_by_role("region", name="State")
    expect(head.get_by_text("the printer is broken")).to_be_visible()
    expect(desk.locator(".headline .badge")).to_have_text("paused")
    assert not PeriodicTask.objects.get().enabled

    desk.get_by_role("button", name="Resume").click()
    expect(desk.locator(".headline .badge")).to_have_text("active")


def test_a_schedule_is_run_now_after_a_look_at_its_payload(desk: Page):
    make_schedule("nightly", task="send-receipt", kwargs='{"order_id": 7}')
    open_schedule(desk, "nightly")
    desk.get_by_role("link", name="Run now").click()
    expect(desk.get_by_text('"order_id": 7')).to_be_visible()
    assert not Job.objects.exists()
    desk.get_by_role("button", name="Run now").click()

    expect(desk.get_by_text("It runs now, as this job.")).to_be_visible()
    job = Job.objects.get()
    expect(desk.get_by_role("heading", level=1)).to_contain_text(f"#{job.pk}")


def test_a_schedule_is_copied(desk: Page):
    make_schedule(
        "spring", task="send-campaign", kwargs=CAMPAIGN,
        **cron("0 9 * * 1,3", "Europe/Berlin"),
    )  # fmt: skip
    open_schedule(desk, "spring")
    desk.get_by_role("link", name="Copy").click()
    expect(desk.get_by_label("Name")).to_have_value("spring (copy)")
    expect(desk.get_by_label("Title")).to_have_value("Spring")
    expect(preview(desk).get_by_text("Monday, Wednesday at 09:00")).to_be_visible()
    desk.get_by_label("Name").fill("summer")
    save(desk)

    expect(desk.get_by_text("“summer” is saved.")).to_be_visible()
    copy = PeriodicTask.objects.get(name="summer")
    assert (copy.task, str(copy.crontab.timezone)) == ("send-campaign", "Europe/Berlin")


def test_a_new_colleague_makes_it_run_more_often(desk: Page):
    make_schedule("cadence-runner", **cron("*/5 * * * *"))
    open_schedule(desk, "cadence-runner")
    desk.get_by_role("textbox", name="Cron line").fill("*/2 * * * *")
    expect(preview(desk).get_by_text("Every 2 minutes")).to_be_visible()
    save(desk)

    changes = desk.get_by_role("region", name="Changes")
    expect(changes.get_by_text("Every 2 minutes (UTC)")).to_be_visible()


def test_the_kind_is_chosen_by_keyboard_and_shows_only_what_it_needs(desk: Page):
    new_schedule(desk)
    expect(desk.get_by_label("Unit")).to_be_hidden()
    desk.get_by_role("radio", name="Every day").focus()
    desk.keyboard.press("ArrowLeft")

    expect(desk.get_by_role("radio", name="Every so often")).to_be_checked()
    expect(desk.get_by_label("Unit")).to_be_visible()
    expect(desk.get_by_label("Time zone")).to_be_hidden()


def test_the_form_speaks_the_language_of_the_reader(desk: Page):
    desk.get_by_role("button", name="PT").click()
    desk.goto(f"{desk.url.partition('/admin')[0]}{SCHEDULES}add/")
    desk.locator("#id_kind input[value=weekly]").check(force=True)

    expect(desk.get_by_text("Segunda-feira a sexta-feira às 08:00")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_schedules_fit_a_telephone(desk: Page, scheme: Any):
    task = make_schedule("spring", task="send-campaign", kwargs=CAMPAIGN)
    tick(timezone.now())
    desk.set_viewport_size({"width": 400, "height": 800})
    desk.emulate_media(color_scheme=scheme)
    home = desk.url.partition("/admin")[0]

    for place in ("", "add/", "1/change/", "1/run/", "1/pause/"):
        desk.goto(f"{home}{SCHEDULES}{place.replace('1', str(task.pk))}")
        expect(desk.get_by_role("heading", level=1)).to_be_visible()
        assert has_no_overflow(desk), place


def test_without_scripts_the_same_form_is_checked_when_it_is_saved(
    page: Page, live_server: Any, admin_user: User
):
    browser = page.context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False, locale="en-US").new_page()
    sign_in(plain, live_server.url, admin_user.username, "password")
    plain.goto(f"{live_server.url}{SCHEDULES}add/")
    plain.get_by_label("Name").fill("plain")
    plain.get_by_label("Job type").select_option("send-receipt")
    save(plain)
    expect(plain.get_by_text("“order_id” is missing")).to_be_visible()
    plain.get_by_label("Payload").fill('{"order_id": 7}')
    save(plain)

    expect(plain.get_by_text("“plain” is saved.")).to_be_visible()
    expect(plain.get_by_text("Every day at 08:00").first).to_be_visible()


def test_a_viewer_sees_the_facts_and_no_button(page: Page, live_server: Any):
    viewer = User.objects.create_user("viewer", password="secret", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    make_schedule("nightly", kwargs='{"api_token": "hush", "order": 7}')
    sign_in(page, live_server.url, "viewer", "secret")
    open_schedule(page, "nightly")

    expect(preview(page).get_by_text("Every day at 03:00")).to_be_visible()
    expect(page.locator("main :is(.button, input[type=submit])")).to_have_count(0)
    expect(page.get_by_text("hush")).to_have_count(0)
