"""The navigation: rooms in their order, guests between them, pages that were added."""

import re

import pytest
from django.test import Client

from queues import rooms
from queues.rooms import Page, add_page
from tests.queues.desk import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Page:
    """Return a page of its own, which is taken away again."""
    monkeypatch.setattr(rooms, "PAGES", {})
    page = Page("reports", "Reports", "admin:password_change", "queues.view_job")
    return add_page(page)


def navigation(client: Client) -> str:
    page = client.get("/admin/password_change/").content.decode()
    return page[page.index('<nav id="rooms"') : page.index("</nav>")]


def test_the_rooms_stand_in_their_order(admin_client: Client):
    shown = navigation(admin_client)

    found = re.findall(r"<h2[^>]*>([^<]+)</h2>", shown)
    assert [name for name in found if name in {"Work", "Time", "Engine", "People"}] == [
        "Work",
        "Time",
        "Engine",
        "People",
    ]
    assert shown.index("Jobs") < shown.index("Schedules") < shown.index("Workers")
    assert shown.index("Workers") < shown.index("Users")


def test_an_added_page_is_listed_at_the_end_or_in_its_room(
    admin_client: Client, reports: Page, monkeypatch: pytest.MonkeyPatch
):
    plain = navigation(admin_client)  # no room names it
    assert plain.index("Limits") < plain.index("Reports") < plain.index("Users")
    room = ("Insight", ("reports",))
    monkeypatch.setattr(rooms, "ROOMS", (room, *rooms.ROOMS))

    shown = navigation(admin_client)

    assert shown.index("Insight") < shown.index("Reports") < shown.index("Work")
    assert 'href="/admin/password_change/"' in shown


def test_who_may_not_open_a_page_does_not_see_it(
    reports: Page, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rooms, "ROOMS", (("Insight", ("reports",)), *rooms.ROOMS))

    assert "Reports" in navigation(staff("clerk", "view_job"))
    assert "Insight" not in navigation(staff("guest", "view_worker"))


def test_an_app_on_top_has_a_room_of_its_own(
    admin_client: Client, reports: Page, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rooms, "GUESTS", {})
    rooms.add_room("shop", "Shop", ("reports",))

    shown = navigation(admin_client)

    assert shown.index("Limits") < shown.index("Shop") < shown.index("Reports")
    assert shown.index("Reports") < shown.index("Users")


def test_two_guests_may_call_a_model_by_the_same_word(admin_client: Client):
    shown = navigation(admin_client)

    assert "/admin/cadences/run/" in shown
    assert "/admin/syncs/run/" in shown
