"""Staff pause a segment, run it by hand, and watch the rows arrive."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import Page, expect

from queues.work import run_due
from syncs.models import SegmentControl, SegmentLog
from syncs.segments import sprinthub as client
from syncs.segments import sweep
from tests.browser.test_admin import has_no_overflow, sign_in
from tests.simulators.sprinthub import INSTANCE, TOKEN, SprintHub, sprinthub
from tests.syncs.segments import company

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
]
LONG = 60_000
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
