"""A real browser on a real server: the system's Chromium, watched for complaints."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import ConsoleMessage, Page, Request, sync_playwright

from tests.browser.desk import sign_in

NAMES = ("chromium", "chromium-browser", "google-chrome")
WITHOUT = "no Chromium here: the browser tests need one (apt-get install chromium)"


@pytest.fixture
def chromium() -> str:
    """Return the system's Chromium; without one, CI fails and a laptop skips aloud."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    if os.environ.get("CI"):
        pytest.fail(WITHOUT)
    pytest.skip(WITHOUT)


@pytest.fixture
def page(chromium: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Open an empty page, and leave no driver behind.

    The plug-in's own page keeps an event loop running to the end of the session, in
    which no later test could use the ORM or start a loop.
    """
    from queues.admin import trends

    trends.forget()
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        yield browser.new_page(locale="en-US")
        browser.close()
        connections.close_all()  # inside a loop, the ORM has connections of its own


@pytest.fixture
def complaints(page: Page, live_server: Any) -> Iterator[list[str]]:
    """Collect console errors, policy violations, failures and foreign requests."""
    found: list[str] = []

    def on_message(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            found.append(message.text)

    def on_request(request: Request) -> None:
        if not request.url.startswith((live_server.url, "data:")):
            found.append(f"foreign: {request.url}")

    page.on("console", on_message)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", on_request)
    yield found
    assert not found


@pytest.fixture
def desk(page: Page, live_server: Any, admin_user: Any) -> Page:
    """Return the browser of the administrator, on the overview."""
    return sign_in(page, live_server.url, admin_user.username, "password")
