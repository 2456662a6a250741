"""Photograph every page of the console, in light and in dark: `python -m tests.tour`.

It starts servers of its own, fills them with an invented shop, finds the pages as the
tests do and writes docs/images/tour/ and docs/tour.md. `--only NAME…` renews some.
"""

import argparse
import base64
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import BrowserContext, ViewportSize, sync_playwright

from tests.stage import stage

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tests.pages import Page

DOCS = Path(__file__).resolve().parent.parent / "docs"
IMAGES = DOCS / "images" / "tour"
APPS = ("config.demo",)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZE = ViewportSize(width=1280, height=860)
TELEPHONE = ViewportSize(width=400, height=800)
QUALITY = 50
"""Of WebP: text stays sharp, and all pages together stay small."""
SETTLED = 900
"""Milliseconds until charts are drawn and fonts are there."""
SHOWN_ON_TELEPHONE = ("overview", "job", "periodictask-add")
TITLES = {
    "site": "The site",
    "queues": "The engine",
    "django_celery_beat": "Schedules",
    "auth": "People",
    "stores": "Pages for the people of stores",
}
LEFT_OUT = ("overview-day", "missing")
GUESTS = ("cadences", "syncs")
ALIKE = (
    "accept", "add", "again", "archive", "auto", "cancel", "close", "delete", "dismiss",
    "done", "edit", "history", "hurry", "lift", "manual", "open", "optout", "pause",
    "prefer", "priority", "reactivate", "remove", "replay", "reschedule", "rest",
    "restart", "resume", "rotate", "sent", "skip", "test", "wake",
)  # fmt: skip
"""Ends of the names of pages that look like those of the engine: of guests left out."""
FIGURES = {
    "demo-send-receipt": (22.0, 0.21, 0.004),
    "demo-incoming": (14.0, 0.03, 0.0),
    "demo-flaky-webhook": (6.0, 0.4, 0.12),
    "demo-resize-picture": (4.0, 1.3, 0.01),
    "demo-slow-export": (1.5, 4.2, 0.02),
    "demo-broken-report": (0.2, 0.05, 1.0),
}


def main(arguments: list[str]) -> int:
    """Take the pictures and write the page that shows them."""
    parser = argparse.ArgumentParser("python -m tests.tour", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    asked = parser.parse_args(arguments)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "true"  # the driver of the browser runs a loop
    )
    with stage(*APPS):
        with served() as url:
            rooms = photograph(url, asked.only)
        (DOCS / "tour.md").write_text(told(rooms))
    size = sum(file.stat().st_size for file in IMAGES.glob("*.webp"))
    print(f"{sum(map(len, rooms.values()))} pages, {size / 1e6:.1f} MB of pictures")
    return 0


@contextmanager
def served() -> Iterator[str]:
    """Serve the console from this process as in production, static files included."""
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, *said: Any) -> None:
            """Say nothing."""

    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    call_command("collectstatic", interactive=False, verbosity=0)
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def photograph(url: str, only: list[str]) -> dict[str, list["Page"]]:
    """Fill the house, find its pages, and take them; return them by room."""
    from tests.browser.doors import carry_in
    from tests.pages import Page

    owner = furnished()
    rooms = found_for(owner)
    door = Page("login", "/admin/login/")
    if not only:
        shutil.rmtree(IMAGES, ignore_errors=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        take(browser.new_context(locale="en-US"), url, door, only)
        context = browser.new_context(locale="en-US")
        carry_in(context, url, owner)
        for page in (each for found in rooms.values() for each in found):
            take(context, url, page, only)
        browser.close()
    rooms["site"].append(door)
    return rooms


def furnished() -> "User":
    """Write one of everything that the console shows; return who may see all of it."""
    from django.contrib.auth.models import User

    from tests.cadences.happenings import furnish_desk
    from tests.cadences.scene import furnish as furnish_cadences
    from tests.scene import DEMO, furnish, remember
    from tests.syncs.happenings import furnish_segments, furnish_syncs

    owner = User.objects.create_superuser("maria", password="tour-only")
    furnish(owner, DEMO)
    furnish_cadences()
    furnish_desk()
    furnish_syncs()
    furnish_segments()
    remember(FIGURES)
    return owner


def found_for(owner: "User") -> dict[str, list["Page"]]:
    """Return the pages that the owner can open, by room."""
    from django.test import Client

    from tests.pages import SITE, Page, models, of_stores, pages_of

    client = Client()
    client.force_login(owner)
    rooms = {"site": [Page(*each) for each in SITE.items() if each[0] not in LEFT_OUT]}
    for label, model in sorted(models().items()):
        room, found = label.partition(".")[0], pages_of(model, client)
        if room in GUESTS:
            found = [each for each in found if _last(each.name) not in ALIKE]
        rooms.setdefault(room, []).extend(found)
    rooms["stores"] = of_stores()
    return rooms


def _last(name: str) -> str:
    return name.rpartition("-")[2]


def take(context: BrowserContext, url: str, page: "Page", only: list[str]) -> None:
    """Take one page in both themes; some on a telephone, too."""
    if only and page.name not in only:
        return
    tab = context.new_page()
    for scheme in SCHEMES:
        tab.emulate_media(color_scheme=scheme)
        tab.set_viewport_size(SIZE)
        tab.goto(f"{url}{page.address}")
        tab.wait_for_timeout(SETTLED)
        keep(tab, f"{page.name}-{scheme}")
    if page.name in SHOWN_ON_TELEPHONE:
        tab.emulate_media(color_scheme="light")
        tab.set_viewport_size(TELEPHONE)
        tab.wait_for_timeout(SETTLED)
        keep(tab, f"{page.name}-telephone")
    tab.close()


def keep(tab: Any, name: str) -> None:
    """Keep what is on the screen as WebP, which the browser itself can make."""
    session = tab.context.new_cdp_session(tab)
    picture = session.send(
        "Page.captureScreenshot", {"format": "webp", "quality": QUALITY}
    )
    session.detach()
    (IMAGES / f"{name}.webp").write_bytes(base64.b64decode(picture["data"]))


def told(rooms: dict[str, list["Page"]]) -> str:
    """Return the page that shows the pictures, light beside dark."""
    lines = [
        "# A tour of the console",
        "",
        "Every page, in light and in dark, with an invented shop. Made by",
        "`python -m tests.tour`, which finds the pages by asking the console for them:",
        "a page that is added is on the next tour.",
    ]
    for room, pages in rooms.items():
        lines += ["", f"## {TITLES.get(room, room.capitalize())}"]
        for page in pages:
            lines += ["", f"### {words(page.name)}", "", f"`{page.address}`", ""]
            lines += ["| light | dark |", "|---|---|"]
            cells = (
                f"![{words(page.name)}, {scheme}](images/tour/{page.name}-{scheme}.webp)"
                for scheme in SCHEMES
            )
            lines.append(f"| {' | '.join(cells)} |")
            if page.name in SHOWN_ON_TELEPHONE:
                picture = f"images/tour/{page.name}-telephone.webp"
                lines += ["", f"![{words(page.name)} on a telephone]({picture})"]
    return "\n".join(lines) + "\n"


def words(name: str) -> str:
    """Return the name of a page as a headline."""
    return name.replace("-", " ").capitalize()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
