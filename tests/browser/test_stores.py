"""The people of a store, in a real browser: numbers at once, the sync as it goes."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import Page, ViewportSize, expect

from queues.work import run_due
from syncs.models import Connection, Run, Store, StoreMember
from tests.browser.desk import has_no_overflow
from tests.browser.doors import carry_in
from tests.market.stand import Call, Stand, standing
from tests.processes import until
from tests.syncs.stores import make_store

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
    pytest.mark.timeout(300),
]
PATIENT = 30_000
WIDE = ViewportSize(width=1280, height=900)
NARROW = ViewportSize(width=400, height=800)


@pytest.fixture
def stand() -> Iterator[Stand]:
    with standing(pages=4, per_page=5) as served:
        yield served


@pytest.fixture
def store(stand: Stand) -> Store:
    return make_store(stand, "Papelaria Sol")


@pytest.fixture
def ana(page: Page, live_server: Any, store: Store) -> Page:
    """Return the browser of a member of the store, who has no way into the console."""
    user = User.objects.create_user("ana", password="a-long-password")
    StoreMember.objects.create(store=store, user=user)
    carry_in(page.context, live_server.url, user)
    return page


def work() -> None:
    """Run what is due, as a worker would."""
    try:
        run_due(limit=5, seconds=60)
    finally:
        connection.close()


def stopped_at_the_third_page(stand: Stand) -> threading.Event:
    """Let the provider think about its third page until the event is set."""
    go_on = threading.Event()

    def script(call: Call, times: int) -> None:
        if call.cursor == "3":
            go_on.wait(60)

    stand.script = script
    return go_on


def test_a_store_without_numbers_is_synced_before_ones_eyes(
    ana: Page, live_server: Any, stand: Stand
):
    go_on = stopped_at_the_third_page(stand)
    ana.goto(f"{live_server.url}/stores/")
    expect(ana.get_by_role("heading", name="Papelaria Sol")).to_be_visible()
    expect(ana.get_by_text("No numbers yet.").first).to_be_visible()
    expect(ana.get_by_text("In the queue")).to_be_visible()
    worker = threading.Thread(target=work)
    worker.start()
    expect(ana.get_by_text("Being synced")).to_be_visible(timeout=PATIENT)
    expect(ana.get_by_role("progressbar").first).to_be_visible(timeout=PATIENT)
    go_on.set()
    worker.join(120)
    expect(ana.get_by_text("Done")).to_be_visible(timeout=PATIENT)
    expect(ana.get_by_text("up to date").first).to_be_visible()
    calls = len(stand.calls)
    ana.reload()

    expect(ana.get_by_text("up to date").first).to_be_visible()
    assert len(stand.calls) == calls
    assert has_no_overflow(ana)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_sync_is_pressed_and_watched_to_its_end(
    size: ViewportSize, ana: Page, live_server: Any, stand: Stand
):
    go_on = stopped_at_the_third_page(stand)
    ana.set_viewport_size(size)
    ana.goto(f"{live_server.url}/stores/")
    sync = ana.get_by_role("button", name="Sync")
    sync.click()
    until(lambda: Run.objects.get().is_forced)
    expect(ana.get_by_text("In the queue")).to_be_visible()
    expect(sync).to_be_disabled()

    worker = threading.Thread(target=work)
    worker.start()
    expect(ana.get_by_text("Being synced")).to_be_visible(timeout=PATIENT)
    stream = ana.get_by_role("listitem").filter(has_text="orders")
    expect(stream).to_contain_text("10 / 20", timeout=PATIENT)
    expect(stream.get_by_role("progressbar")).to_have_attribute("value", "10")
    assert has_no_overflow(ana)
    go_on.set()
    worker.join(120)

    expect(ana.get_by_text("Done")).to_be_visible(timeout=PATIENT)
    expect(ana.get_by_text("Total sales").first).to_be_visible()
    expect(sync).to_be_enabled()
    assert has_no_overflow(ana)
    sync.click()
    expect(ana.get_by_text("In the queue")).to_be_visible()
    assert Run.objects.count() == 2


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_revoked_token_shows_what_to_do(
    size: ViewportSize, ana: Page, live_server: Any, stand: Stand
):
    ana.set_viewport_size(size)
    stand.script = lambda call, times: (401, {})
    ana.goto(f"{live_server.url}/stores/")
    work()
    until(lambda: not Connection.objects.filter(status="active").exists())

    expect(ana.get_by_text("Went wrong")).to_be_visible(timeout=PATIENT)
    expect(ana.get_by_role("alert").first).to_contain_text("new token")
    assert has_no_overflow(ana)
