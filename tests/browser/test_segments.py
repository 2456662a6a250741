"""Staff pause a segment, run it by hand, and watch the rows arrive."""

import os
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect

from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.models import AlertMessage, AlertState, AuditEntry
from queues.work import run_due
from syncs.models import EnrolmentRule, SegmentControl, SegmentLog, SegmentRefusal
from syncs.segments import sprinthub as client
from syncs.segments import sweep
from tests.browser.desk import has_no_overflow, sign_in
from tests.cadences.people import cadence
from tests.simulators.sprinthub import INSTANCE, TOKEN, SprintHub, sprinthub
from tests.syncs.segments import company

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
]
LONG = 60_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def hub(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SprintHub]:
    """Serve forty leads in pages of ten, each of them slowly."""
    monkeypatch.setattr(client, "ROWS_A_PAGE", 10)
    monkeypatch.setattr(sweep, "LIMITS", {"rows": 10, "ids": 100})
    with sprinthub() as simulator:
        settings.SPRINTHUB_BASE_URL = simulator.url
        settings.SPRINTHUB_API_TOKEN = TOKEN
        settings.SPRINTHUB_INSTANCE = INSTANCE
        settings.SPRINTHUB_CALLS_A_MINUTE = 6000
        simulator.fill(101, range(1, 41))
        simulator.fail("slow", "rows", times=99, value=1.5)
        yield simulator


@pytest.fixture
def worker() -> Iterator[None]:
    """Run what is due beside the browser."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(0.2):
            run_due(limit=1, seconds=60)
        connection.close()

    thread = threading.Thread(target=loop)
    thread.start()
    yield
    stop.set()
    thread.join(60)


def shoot(page: Page, name: str) -> None:
    """Keep a picture for whoever asked for some."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("hub", "worker")
def test_a_segment_is_paused_run_and_watched(  # noqa: PLR0915 - one story
    page: Page, live_server: Any, admin_user: User
):
    company()
    control = SegmentControl.objects.create(
        segment_id=101, name="New clients", enrich="never"
    )
    desk = sign_in(page, live_server.url, admin_user.username, "password")
    address = f"{live_server.url}/admin/syncs/segmentcontrol/{control.pk}/change/"

    desk.goto(address)
    desk.get_by_role("link", name="Pause…").click()
    desk.get_by_label("Because").fill("holidays")
    desk.get_by_role("button", name="Pause").click()
    expect(desk.get_by_text("holidays").first).to_be_visible()
    expect(desk.locator(".headline .badge")).to_have_text("paused")

    desk.get_by_role("button", name="Run now").click()
    follow = desk.locator("#follow")
    expect(follow.get_by_text("syncing")).to_be_visible(timeout=LONG)
    expect(follow.get_by_text("Ana10 Exemplo")).to_be_visible(timeout=LONG)
    shoot(desk, "segment-running")
    expect(follow.get_by_text("Ana40 Exemplo")).to_be_visible(timeout=LONG)
    expect(follow.get_by_text("syncing")).to_have_count(0, timeout=LONG)
    expect(follow.locator(".badge", has_text="success")).to_be_visible()

    control.refresh_from_db()
    assert (control.status, SegmentLog.objects.get().status) == ("paused", "success")
    desk.goto(address)
    shoot(desk, "segment-light")
    desk.emulate_media(color_scheme="dark")
    shoot(desk, "segment-dark")
    desk.set_viewport_size({"width": 400, "height": 800})
    shoot(desk, "segment-narrow")
    assert has_no_overflow(desk)
    desk.goto(f"{live_server.url}/admin/syncs/segmentcontrol/")
    shoot(desk, "segments-narrow")
    assert has_no_overflow(desk)
    desk.set_viewport_size({"width": 1280, "height": 800})
    shoot(desk, "segments-dark")


def gone_wrong() -> SegmentControl:
    """Write a month of a segment that fails since some days, and one that is well."""
    company()
    bad, good = (
        SegmentControl.objects.create(
            segment_id=number, name=name, enrich="never", members=members,
            consecutive_errors=errors, next_execution=timezone.now() + HOUR,
        )
        for number, name, members, errors in (
            (103, "Fair of spring", 20, 7), (101, "New clients", 240, 0),
        )
    )  # fmt: skip
    for day in range(30):
        for control in (bad, good):
            failed = control is bad and day < 7
            SegmentLog.objects.create(
                control=control, segment_id=control.segment_id,
                execution_time=timezone.now() - day * DAY,
                status="error" if failed else "success",
                message="segment: the provider answered 500" if failed else None,
                fault="transient" if failed else "",
                stats={} if failed else {"found": 20, "processed": 20, "joined": day % 3},
                duration_seconds=3 + day % 5, active_seconds=3 + day % 5,
                success_rate=None if failed else 100,
            )  # fmt: skip
    SegmentRefusal.objects.create(
        control=good, external_id="77", reason="email: not readable", sample={"id": 1}
    )
    EnrolmentRule.objects.create(
        name="Welcome", on="joined", control=good, cadence=cadence()
    )
    return bad


@pytest.mark.timeout(400)
def test_an_alert_of_a_segment_is_understood_and_muted(
    page: Page, live_server: Any, admin_user: User
):
    install_rules()
    gone_wrong()
    watch()
    desk = sign_in(page, live_server.url, admin_user.username, "password")

    desk.get_by_role("navigation", name="Sections").get_by_role(
        "link", name="Alerts", exact=True
    ).click()
    desk.get_by_role("link", name=re.compile("segment-consecutive-errors:")).click()
    expect(desk.get_by_text("Fair of spring (103)").first).to_be_visible()
    state_ = desk.locator(".field-state .badge")
    expect(state_).to_have_text("critical")
    shoot(desk, "alert-light")
    desk.get_by_role("link", name="Mute…").click()
    desk.get_by_label("Tell nobody; again").select_option("1h")
    shoot(desk, "alert-mute")
    desk.get_by_role("button", name="Mute").click()
    expect(state_).to_have_text("muted")

    state = AlertState.objects.get(rule__code="segment-consecutive-errors")
    assert state.muted_until is not None
    assert AuditEntry.objects.filter(action="alert.mute").exists()
    told = AlertMessage.objects.count()
    SegmentControl.objects.filter(segment_id=103).update(consecutive_errors=9)
    watch()
    assert AlertMessage.objects.count() == told
    desk.get_by_role("button", name="Unmute").click()
    expect(state_).to_have_text("critical")


PLACES = {
    "segments": "syncs/segmentcontrol/",
    "segment": "syncs/segmentcontrol/{control}/change/",
    "segment-add": "syncs/segmentcontrol/add/",
    "logs": "syncs/segmentlog/",
    "refusals": "syncs/segmentrefusal/",
    "rules": "syncs/enrolmentrule/",
    "alerts": "queues/alertstate/",
    "alert": "queues/alertstate/{alert}/change/",
    "messages": "queues/alertmessage/",
    "alert-rules": "queues/alertrule/",
}


LOOKS = ((1280, "dark"), (400, "light"), *([(1280, "light")] if SHOTS else []))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_the_pages_of_segments_and_alerts_fit_in_light_and_dark_and_on_a_phone(
    page: Page, live_server: Any, admin_user: User, language: str
):
    install_rules()
    control = gone_wrong()
    watch()
    alert = AlertState.objects.get(rule__code="segment-consecutive-errors")
    desk = sign_in(page, live_server.url, admin_user.username, "password")
    desk.locator(f"button[lang={language}]").click()
    expect(desk.locator("html")).to_have_attribute("lang", language)

    for name, place in PLACES.items():
        where = place.format(control=control.pk, alert=alert.pk)
        for width, scheme in LOOKS:
            desk.set_viewport_size({"width": width, "height": 900})
            desk.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            desk.goto(f"{live_server.url}/admin/{where}")
            expect(desk.locator("h1").first).to_be_visible()
            assert has_no_overflow(desk), (name, width)
            shoot(desk, f"{name}-{language}-{width}-{scheme}")
