"""Segments for other systems: who may do what, pages, a switch, and one document."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from queues.models import AuditEntry, Job
from queues.tokens import issue_token
from syncs.models import SegmentControl, SegmentLog
from tests.syncs.segments import company, segment, sync

pytestmark = pytest.mark.django_db

PLACE = "/api/syncs/segments"
SERVICE = "service-only"


@pytest.fixture(autouse=True)
def _keys(settings):
    settings.SERVICE_ROLE_KEYS, settings.CRON_SECRETS = [SERVICE], ["cron-only"]


def call(method, path="", body=None, *, secret=SERVICE, **headers):
    """Call the API with a secret of some kind, or none."""
    keys = {"Authorization": f"Bearer {secret}"} if secret else {}
    return Client().generic(
        method, PLACE + path, json.dumps(body) if body is not None else "",
        content_type="application/json", headers={**keys, **headers},
    )  # fmt: skip


@pytest.fixture
def person(django_user_model):
    """Return a function that makes somebody with these permissions, and their token."""

    def make(*names, staff=True):
        user = django_user_model.objects.create_user(
            f"u{django_user_model.objects.count()}", is_staff=staff
        )
        user.user_permissions.add(*Permission.objects.filter(codename__in=names))
        return issue_token(user, "api", timezone.now() + timedelta(days=1))[0]

    return make


def test_segments_are_listed_page_by_page():
    made = [segment(100 + number) for number in range(5)]
    SegmentControl.objects.filter(pk=made[1].pk).update(status="paused")

    first = call("GET", "?limit=2").json()
    second = call("GET", f"?limit=2&cursor={first['next_cursor']}").json()
    last = call("GET", f"?limit=2&cursor={second['next_cursor']}").json()

    pages = [first, second, last]
    assert [[each["segment_id"] for each in page["segments"]] for page in pages] == [
        [100, 101], [102, 103], [104],
    ]  # fmt: skip
    assert last["next_cursor"] is None
    paused = call("GET", "?status=paused").json()["segments"]
    assert [each["id"] for each in paused] == [made[1].pk]
    assert len(call("GET", "?segment_id=104").json()["segments"]) == 1
    assert call("GET", "?limit=999").status_code == 400
    assert call("GET", "?status=asleep").status_code == 400


def test_a_segment_is_made_shown_and_changed():
    company()
    answer = call("POST", body={"segment_id": 7, "name": "Novos", "company": "acme"})
    made = answer.json()

    assert answer.status_code == 201
    assert (made["cron"], made["guard_percent"]) == ("0 6 * * *", 20)
    changed = call("PATCH", f"/{made['id']}", {"cron": "0 8 * * 1-5"})
    assert (changed.status_code, changed.json()["cron"]) == (200, "0 8 * * 1-5")
    assert call("GET", f"/{made['id']}").json()["name"] == "Novos"
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["segment.create", "segment.change"]
    assert AuditEntry.objects.latest("pk").before == {"cron": "0 6 * * *"}


def test_the_same_key_makes_one_segment():
    key = {"Idempotency-Key": "once"}
    first = call("POST", body={"segment_id": 7}, **key)
    again = call("POST", body={"segment_id": 7}, **key)

    assert first.json() == again.json()
    assert call("POST", body={"segment_id": 8}, **key).status_code == 409
    assert SegmentControl.objects.count() == 1
    twice = call("POST", body={"segment_id": 7})
    assert (twice.status_code, twice.json()) == (
        409, {"error": "Segment 7 is synced already"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "segment_id"),
        ({"segment_id": 0}, "segment_id"),
        ({"segment_id": 7, "cron": "daily"}, "five fields"),
        ({"segment_id": 7, "time_zone": "Mars/Base"}, "Mars/Base"),
        ({"segment_id": 7, "company": "nobody"}, "company"),
        ({"segment_id": 7, "connection": "x"}, "connection"),
        ({"segment_id": 7, "jitter_seconds": -1}, "jitter_seconds"),
        ({"segment_id": 7, "guard_percent": 0}, "guard_percent"),
        ({"segment_id": 7, "status": "active"}, "status"),
        ({"segment_id": 7, "misfire": "twice"}, "misfire"),
    ],
)
def test_what_is_not_understood_is_named_and_writes_nothing(body, word):
    answer = call("POST", body=body)

    assert answer.status_code == 400
    assert word in answer.json()["error"]
    assert not SegmentControl.objects.exists()


def test_members_keep_their_company(hub):
    hub.fill(101, range(1, 3))
    control = segment(company=company("acme"), enrich="never")
    company("other")
    assert call("PATCH", f"/{control.pk}", {"company": "other"}).status_code == 200
    assert call("PATCH", f"/{control.pk}", {"company": "acme"}).status_code == 200
    sync(control)

    answer = call("PATCH", f"/{control.pk}", {"company": "other"})

    assert (answer.status_code, "members" in answer.json()["error"]) == (400, True)


def test_it_is_paused_resumed_and_run_once():
    control = segment()

    paused = call("POST", f"/{control.pk}/pause", {"note": "holidays"}).json()
    assert (paused["status"], paused["note"]) == ("paused", "holidays")
    first = call("POST", f"/{control.pk}/run")
    again = call("POST", f"/{control.pk}/run")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == {"created": True, "job_id": str(Job.objects.get().pk)}
    assert again.json() == {**first.json(), "created": False}
    shown = call("GET", f"/{control.pk}").json()
    assert shown["sync"]["job_id"] == first.json()["job_id"]
    resumed = call("POST", f"/{control.pk}/resume").json()
    assert (resumed["status"], resumed["note"]) == ("active", "")
    assert call("GET", "/999999").status_code == 404
    assert call("DELETE", f"/{control.pk}").status_code == 405


def test_logs_and_members_are_read_page_by_page(hub):
    hub.fill(101, range(1, 6))
    control = segment(enrich="never")
    sync(control)
    hub.segments[101].remove(5)
    SegmentControl.objects.update(last_full=None)
    sync(control)
    newest, oldest = SegmentLog.objects.order_by("-pk")

    page = call("GET", f"/{control.pk}/logs?limit=1").json()
    more = call("GET", f"/{control.pk}/logs?cursor={page['next_cursor']}").json()
    inside = call("GET", f"/{control.pk}/members?limit=3").json()
    rest = call(
        "GET", f"/{control.pk}/members?limit=3&cursor={inside['next_cursor']}"
    ).json()
    left = call("GET", f"/{control.pk}/members?left=true").json()

    assert [each["id"] for each in page["logs"] + more["logs"]] == [
        newest.pk, oldest.pk,
    ]  # fmt: skip
    assert page["logs"][0]["stats"]["left"] == 1
    found = [each["external_id"] for each in inside["members"] + rest["members"]]
    assert sorted(found) == ["1", "2", "3", "4"]
    assert [each["external_id"] for each in left["members"]] == ["5"]
    assert left["members"][0]["left_at"] is not None
    assert "Ana" not in json.dumps(inside)


def test_who_may_do_what(person):
    control = segment()
    viewer, runner = (
        person("view_segmentcontrol"),
        person("view_segmentcontrol", "run_segment"),
    )
    customer = person("view_segmentcontrol", staff=False)

    assert call("GET", secret=viewer).status_code == 200
    assert call("POST", f"/{control.pk}/run", secret=viewer).status_code == 403
    assert call("POST", body={"segment_id": 9}, secret=runner).status_code == 403
    assert call("PATCH", f"/{control.pk}", {}, secret=runner).status_code == 403
    assert call("POST", f"/{control.pk}/run", secret=runner).status_code == 202
    assert call("GET", secret=customer).status_code == 403
    assert call("GET", secret=None).status_code == 401
    assert call("GET", secret="cron-only").status_code == 401


def test_the_routes_are_in_the_one_document():
    paths = Client().get("/api/openapi.json").json()["paths"]

    mine = {path for path in paths if path.startswith(PLACE)}
    ends = {path.partition("}")[2] for path in mine}
    assert ends == {"", "/pause", "/resume", "/run", "/logs", "/members"}
