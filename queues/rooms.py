"""The rooms of the console: what the navigation lists, and in which order.

A model finds its place by its class name among those of the room's app, a page that is
no list of a model by its own. A model without a place here is listed with its app, after the rooms of the
engine, and a page without one at the end of those.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ROOMS: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (_("Work"), ("Job", "DeadLetter", "LetterBulk", "JobBatch")),
    (_("Time"), ("PeriodicTask", "CronLog")),
    (_("Alerts"), ("AlertState", "AlertMessage", "AlertRule", "AlertChannel")),
    (_("Engine"), ("Queue", "Worker", "LimitRow")),
    (
        _("People"),
        ("AuditEntry", "User", "Group", "AccessScope", "ApiToken"),
    ),
)
"""Names of models and pages by room; those that are not installed are left out."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console beside the lists of models.

    `name` is its place in ROOMS and the name of its icon, `address` the name of its
    URL; who lacks the permission does not see it listed.
    """

    name: str
    label: str | Promise
    address: str
    permission: str


PAGES: dict[str, Page] = {}
"""Every page that was added, by name."""
GUESTS: dict[str, tuple[str | Promise, tuple[str, ...]]] = {}
"""The rooms that apps on top have added, by the label of the app."""


def add_page(page: Page) -> Page:
    """List a page in the navigation and among the pages that the tests walk."""
    PAGES[page.name] = page
    return page


def add_room(app: str, name: str | Promise, members: tuple[str, ...]) -> None:
    """Give an app a room of its own, its models and pages in that order."""
    GUESTS[app] = (name, members)


Found = dict[tuple[str, str], dict[str, Any]]
"""What this person may see, by its app and its name; pages are of no app."""


def arrange(apps: list[Any], request: HttpRequest) -> list[dict[str, Any]]:
    """Return the rooms with what this person may see: ours, the guests', the people's."""
    found: Found = {
        (app["app_label"], model["object_name"]): {
            **model, "app_label": app["app_label"],
        }
        for app in apps
        for model in app["models"]
    }  # fmt: skip
    found |= {
        ("", page.name): _listed(page)
        for page in PAGES.values()
        if request.user.has_perm(page.permission)
    }
    hosts = {app for app, _name in found} - GUESTS.keys()
    rooms = [_room(name, members, found, hosts) for name, members in ROOMS]
    added = [_room(*GUESTS[app], found, {app, ""}) for app in sorted(GUESTS)]
    guests = [_guest(app, found) for app in apps]
    rooms[-2]["models"] += found.values()
    return [
        room for room in (*rooms[:-1], *added, *guests, rooms[-1]) if room["models"]
    ]


def _room(
    name: str | Promise, members: tuple[str, ...], found: Found, apps: set[str]
) -> dict[str, Any]:
    """Take the members of a room from those apps; two apps may share a word."""
    keys = [(app, member) for member in members for app in sorted(apps)]
    models = [found.pop(key) for key in keys if key in found]
    return {"name": name, "app_label": "", "app_url": "", "models": models}


def _guest(app: Mapping[str, Any], found: Found) -> dict[str, Any]:
    keys = [(app["app_label"], model["object_name"]) for model in app["models"]]
    return {**app, "models": [found.pop(key) for key in keys if key in found]}


def _listed(page: Page) -> dict[str, Any]:
    return {
        "name": page.label,
        "object_name": page.name,
        "admin_url": reverse(page.address),
        "view_only": True,
    }
