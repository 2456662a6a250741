"""The first page: what it shows to whom, live, and how little it asks for that."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from queues.enqueue import enqueue
from queues.models import JobMinute, Worker
from queues.work import run_due
from tests.queues.desk import staff
from tests.queues.schedules import cron, make_schedule
from tests.queues.test_trends import minute

pytestmark = pytest.mark.django_db(transaction=True)
LIVE = "/admin/live/"
MOST_QUERIES = 15


def live(client: Client, query: str = "", etag: str = ""):
    headers = {"if-none-match": etag} if etag else {}
    return client.get(f"{LIVE}{query}", headers=headers)


def parts(text: str) -> set[str]:
    return set(re.findall(r'data-part="(\w+)"', text))


def fill() -> None:
    enqueue("fail", {"message": "the upstream is away"}, max_attempts=1)
    run_due(limit=1, seconds=10)
    enqueue("noop")
    enqueue("noop", priority=1, run_at=timezone.now() + timedelta(hours=1))
    make_schedule("soon", **cron("* * * * *"))
    Worker.objects.create(kind="beat", name="b", machine="m", pid=1, born="1")
    minute(timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=3))


def test_the_page_and_its_live_parts_are_the_same(admin_client: Client):
    fill()

    page = admin_client.get("/admin/").content.decode()
    fragment = live(admin_client).content.decode()

    assert parts(page) == parts(fragment) == {
        "worries", "tiles", "series", "types", "backlog", "faults", "firings",
        "processes",
    }  # fmt: skip
    for words in ("No worker runs", "the upstream is away", "soon", "noop"):
        assert words in page
        assert words in fragment
    assert "No scheduler runs" not in page


def test_a_page_asks_few_questions(admin_client: Client):
    fill()
    for number in range(20):
        make_schedule(f"more {number}", **cron("0 3 * * *"))

    for address in ("/admin/", f"{LIVE}?range=30d&type=noop"):
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(address).status_code == 200
        assert len(queries) <= MOST_QUERIES, [each["sql"][:80] for each in queries]


def test_nothing_new_is_answered_with_304(admin_client: Client):
    fill()
    first = live(admin_client)

    again = live(admin_client, etag=first["ETag"])
    enqueue("noop")
    changed = live(admin_client, etag=first["ETag"])

    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]
    assert "no-cache" in changed["Cache-Control"]
    assert "Cookie" in changed["Vary"]


def test_time_that_passes_is_nothing_new(admin_client: Client, monkeypatch):
    fill()
    first = live(admin_client)
    monkeypatch.setattr(
        "queues.admin.show.relative", lambda value: "quite another while ago"
    )

    again = live(admin_client)

    assert "quite another while ago" in again.content.decode()
    assert again["ETag"] == first["ETag"]


def test_the_window_and_the_type_are_chosen_by_the_address(admin_client: Client):
    now = timezone.now().replace(second=0, microsecond=0)
    minute(now - timedelta(hours=5), "older")
    minute(now - timedelta(minutes=5), "younger")

    def drawn(query: str) -> dict[str, list[int]]:
        page = live(admin_client, query).content.decode()
        (series,) = re.findall(r'data-series="([^"]+)"', page)
        found: dict[str, list[int]] = json.loads(series.replace("&quot;", chr(34)))
        return found

    assert sum(drawn("")["completed"]) == 4
    assert sum(drawn("?range=24h")["completed"]) == 8
    assert sum(drawn("?range=24h&type=older")["completed"]) == 4
    assert drawn("?range=nonsense")["at"] == drawn("?range=1h")["at"]
    page = admin_client.get("/admin/?range=24h&type=older").content.decode()
    assert 'href="?range=1h&amp;type=older"' in page
    assert "older" in page


def test_who_may_see_little_sees_little():
    JobMinute.objects.all().delete()
    fill()
    nobody, clerk = staff("nobody"), staff("clerk", "view_periodictask")

    assert parts(live(nobody).content.decode()) == set()
    assert parts(live(clerk).content.decode()) == {"worries", "tiles", "firings"}
    assert "No worker runs" not in live(clerk).content.decode()
    assert clerk.get("/admin/").status_code == 200


def test_a_stranger_is_sent_to_the_door():
    User.objects.create_user("customer", password="secret")
    client = Client()

    assert live(client).status_code == 302
    client.login(username="customer", password="secret")
    assert live(client).status_code == 302


def test_an_empty_house_says_that_it_is_empty(admin_client: Client):
    page = admin_client.get("/admin/").content.decode()

    for words in (
        "Nothing ended in this time.",
        "Nothing waits.",
        "No dead letter waits for a person.",
        "No schedule is switched on.",
        "No scheduler runs",
    ):
        assert words in page


def test_when_all_is_well_the_page_says_so(admin_client: Client):
    for kind in ("node", "beat"):
        Worker.objects.create(
            kind=kind, name=kind, queues="default", machine="m", pid=1, born="1"
        )

    page = admin_client.get("/admin/").content.decode()

    assert "All is well: nothing needs a person now." in page


def test_portuguese_staff_count_like_portuguese_staff(admin_client: Client):
    JobMinute.objects.all().delete()
    minute(timezone.now().replace(second=0, microsecond=0), count=1234)
    admin_client.cookies["django_language"] = "pt-br"

    page = live(admin_client).content.decode()

    assert "1.234" in page
