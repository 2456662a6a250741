"""Staff repair dead letters: a group replayed with an edit, a discard undone."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from playwright.sync_api import Page, expect

from queues import jobs as engine
from queues import repair as pages
from queues.models import DeadLetter, Job, LetterBulk
from queues.states import State
from queues.work import run_due
from tests.browser.desk import has_no_overflow, sign_in
from tests.queues.graves import bury, done

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
]
LONG = 30_000


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run what is due beside the browser, a slice of a bulk at a time."""
    monkeypatch.setattr(pages, "PAGE", 100)
    monkeypatch.setattr(engine, "BULK_SLICE", 0.0)
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(0.2):
            run_due(limit=1, seconds=20)
        connection.close()

    thread = threading.Thread(target=loop)
    thread.start()
    yield
    stop.set()
    thread.join(30)


def faults(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/admin/queues/deadletter/faults/")
    expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()


@pytest.mark.usefixtures("worker")
def test_a_group_of_500_is_replayed_with_an_edit_and_watched(
    desk: Page, live_server: Any
):
    dead = bury(500, type_="send-receipt", payload={"order_id": "seven"})
    bury(3, reason="KeyError:")
    faults(desk, live_server)

    row = desk.get_by_role("listitem").filter(has_text="RuntimeError: no order")
    expect(row.locator(".many")).to_have_text("500")
    row.get_by_role("link", name="Replay…").click()
    desk.get_by_label("Change the payloads").fill('{"order_id": "eight"}')
    desk.get_by_role("button", name="Preview the change").click()
    expect(desk.get_by_text("Invalid job data: order_id").first).to_be_visible()
    desk.get_by_label("Change the payloads").fill('{"order_id": 7}')
    desk.get_by_role("button", name="Preview the change").click()
    expect(desk.get_by_text('"order_id": 7').first).to_be_visible()
    desk.get_by_label("Reason").fill("the import wrote words")
    desk.get_by_role("button", name="Replay 500 letters").click()

    expect(desk.get_by_role("heading", name="Replay · 500 letters")).to_be_visible()
    expect(desk.locator("#follow .badge")).to_have_text("finished", timeout=LONG)
    expect(desk.locator(".many").first).to_have_text("500")
    jobs = Job.objects.filter(pk__in=dead)
    assert not jobs.filter(status=State.FAILED).exists()
    assert jobs.filter(payload={"order_id": 7}).count() == 500
    assert DeadLetter.objects.filter(replayed_at=None).count() == 3


@pytest.mark.usefixtures("worker")
def test_a_discard_is_undone(desk: Page, live_server: Any):
    bury(20)
    faults(desk, live_server)

    desk.get_by_role("link", name="Discard…").click()
    desk.get_by_role("button", name="Discard 20 letters").click()
    expect(desk.locator("#follow .badge")).to_have_text("finished", timeout=LONG)
    desk.get_by_role("button", name="Undo this discard").click()

    desk.get_by_role("link", name="This was taken back.").click()
    expect(desk.get_by_role("heading", name="Take a discard back")).to_be_visible()
    expect(desk.locator("#follow .badge")).to_have_text("finished", timeout=LONG)
    faults(desk, live_server)
    expect(desk.locator(".fault-row .many")).to_have_text("20")


def test_letters_are_downloaded(desk: Page, live_server: Any):
    bury(3)
    faults(desk, live_server)

    with desk.expect_download() as download:
        desk.get_by_role("button", name="Export CSV").click()

    assert len(download.value.path().read_text().splitlines()) == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_letters_fit_a_telephone(
    desk: Page, live_server: Any, scheme: Any
):
    bury(2, type_="send-receipt", payload={"order_id": "x" * 200})
    bulk = done(edit={"order_id": "y"})
    desk.set_viewport_size({"width": 400, "height": 800})
    desk.emulate_media(color_scheme=scheme)

    for address in (
        "deadletter/faults/", "deadletter/", "deadletter/bulk/replay/",
        "deadletter/bulk/discard/", "letterbulk/", f"letterbulk/{bulk.pk}/change/",
        "jobbatch/",
    ):  # fmt: skip
        desk.goto(f"{live_server.url}/admin/queues/{address}")
        expect(desk.get_by_role("heading", level=1)).to_be_visible()
        assert has_no_overflow(desk), address


def test_a_viewer_finds_no_way_to_change_a_letter(page: Page, live_server: Any):
    viewer = User.objects.create_user("viewer", password="secret", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    bury(2)
    sign_in(page, live_server.url, "viewer", "secret")

    faults(page, live_server)

    expect(page.locator(".fault-row")).to_have_count(1)
    for name in ("Replay", "Discard", "Export"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    assert not LetterBulk.objects.exists()
