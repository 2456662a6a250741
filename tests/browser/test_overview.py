"""The first page in a real Chromium: true without a reload, silent when nobody looks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from queues.enqueue import enqueue
from queues.models import Worker
from queues.work import run_due
from tests.browser.doors import carry_in
from tests.queues.test_trends import minute

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.raw_rows,
    pytest.mark.usefixtures("complaints"),
]
POLLED = 15_000
"""Milliseconds within which a change is on the page: three polls on a busy machine."""
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def overview(page: Page, live_server: Any, admin_user: User) -> Page:
    """Return the first page, opened by the administrator, charts and all."""
    now = timezone.now().replace(second=0, microsecond=0)
    for number in range(2, 40):
        minute(now - timedelta(minutes=number), count=number % 7 + 1)
    carry_in(page.context, live_server.url, admin_user)
    page.goto(f"{live_server.url}/admin/")
    page.evaluate("window.isTheSamePage = true")
    return page


@pytest.fixture
def polls(overview: Page) -> list[str]:
    """Collect the questions that the page asks by itself."""
    asked: list[str] = []
    overview.on(
        "request", lambda each: asked.append(each.url) if "/live/" in each.url else None
    )
    return asked


def answers(page: Page, count: int) -> list[int]:
    """Return the statuses of the next polls."""
    found = []
    for _ in range(count):
        with page.expect_response("**/live/**", timeout=POLLED) as caught:
            pass
        found.append(caught.value.status)
    return found


def tile(page: Page, name: str) -> Any:
    return page.locator(".tile", has_text=name).locator("strong")


def test_it_follows_what_happens_without_a_reload(overview: Page):
    expect(tile(overview, "Due now")).to_have_text("0")
    expect(overview.get_by_text("No worker runs")).to_be_visible()

    enqueue("noop")
    expect(tile(overview, "Due now")).to_have_text("1", timeout=POLLED)
    enqueue("fail", {"message": "the upstream is away"}, max_attempts=1, priority=1)
    run_due(limit=2, seconds=10)
    Worker.objects.create(
        kind="node", name="n", queues="default", machine="m", pid=1, born="1"
    )

    expect(tile(overview, "Open dead letters")).to_have_text("1", timeout=POLLED)
    expect(overview.get_by_text("RuntimeError: the upstream is away")).to_be_visible()
    expect(overview.get_by_text("No worker runs")).to_be_hidden()
    assert overview.evaluate("window.isTheSamePage")


def test_nothing_new_costs_nothing(overview: Page):
    first, *rest = answers(overview, 3)

    assert first == 200
    assert rest == [304, 304]


def test_nobody_looks_and_nobody_asks(overview: Page, polls: list[str]):
    answers(overview, 1)
    overview.evaluate(HIDE, True)
    overview.wait_for_timeout(500)
    before = len(polls)

    overview.wait_for_timeout(9_000)
    assert len(polls) == before

    overview.evaluate(HIDE, False)
    overview.wait_for_timeout(1_000)
    assert len(polls) == before + 1


def test_a_pause_is_a_pause(overview: Page, polls: list[str]):
    button = overview.get_by_role("button", name="Pause the updates")
    button.press("Enter")

    expect(overview.get_by_text("Paused")).to_be_visible()
    before = len(polls)
    overview.wait_for_timeout(6_000)
    assert len(polls) == before
    button.press("Enter")
    expect(overview.locator(".pulse-word")).to_have_text("Live")


def test_the_charts_are_drawn_and_told(overview: Page):
    expect(overview.locator(".plot canvas")).to_have_count(3)
    chart = overview.locator("figure.chart").first

    chart.get_by_text("Show as a table").press("Enter")

    table = chart.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(
        ["time", "completed", "failed"]
    )
    assert table.get_by_role("row").count() > 50
    blank = overview.evaluate("""() => [...document.querySelectorAll(".plot canvas")].map(
        it => it.getContext("2d").getImageData(0, 0, it.width, it.height)
            .data.every(value => value === 0))""")
    assert blank == [False, False, False]


def test_a_link_keeps_the_focus_while_the_page_changes(overview: Page):
    link = overview.locator(".tile", has_text="Due now")
    link.focus()

    enqueue("noop")

    expect(tile(overview, "Due now")).to_have_text("1", timeout=POLLED)
    assert overview.evaluate("document.activeElement.innerText").startswith("Due now")


def test_the_window_is_kept_while_the_page_lives(overview: Page, polls: list[str]):
    overview.get_by_role("link", name="24 hours").click()
    expect(overview.get_by_text("per 15 minutes")).to_be_visible()

    answers(overview, 1)

    assert polls[-1].endswith("?range=24h")


def silenced(complaints: list[str], word: str) -> Callable[[], None]:
    """Return a function that takes back the complaints that the test provoked."""

    def forget() -> None:
        complaints[:] = [each for each in complaints if word not in each]

    return forget


def test_no_answer_is_told_and_asked_for_more_rarely(
    overview: Page, polls: list[str], complaints: list[str]
):
    overview.route("**/live/**", lambda route: route.abort())
    expect(overview.get_by_text("No answer; trying again")).to_be_visible(
        timeout=POLLED
    )
    before = len(polls)
    overview.wait_for_timeout(6_000)
    assert len(polls) == before  # the next try waits twice as long

    overview.unroute("**/live/**")
    expect(overview.locator(".pulse-word")).to_have_text("Live", timeout=POLLED)
    silenced(complaints, "ERR_FAILED")()


def test_who_was_signed_out_is_told(overview: Page):
    overview.context.clear_cookies()

    expect(overview.get_by_text("You were signed out.")).to_be_visible(timeout=POLLED)
