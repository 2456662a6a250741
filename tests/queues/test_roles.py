"""Roles: installed once, narrowed by scopes, and nobody does more than they may."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern

import cadences.apps
import syncs.apps
from queues.access import may, may_everywhere, may_on, scoped
from queues.enqueue import enqueue
from queues.models import (
    AccessScope,
    ApiToken,
    AuditEntry,
    DeadLetter,
    Job,
    LimitRow,
    Queue,
    RoleGrant,
    Worker,
)
from queues.presence import present
from queues.roles import ADMINISTRATOR, OPERATOR, VIEWER, install
from queues.tokens import issue_token
from queues.work import run_due
from tests.queues.callers import post
from tests.queues.desk import JOBS, act, listed, page
from tests.queues.schedules import cron, make_schedule

pytestmark = pytest.mark.django_db


def member(role: str, name: str = "") -> User:
    """Return a person of staff in that group."""
    user = User.objects.create_user(name or role.lower(), password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def fresh(user: User) -> User:
    """Return the person as the next request sees them."""
    return User.objects.get(pk=user.pk)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def narrow(role: str, **scope: str) -> None:
    AccessScope.objects.create(group=Group.objects.get(name=role), **scope)


def granted(role: str) -> set[str]:
    found = Permission.objects.filter(group__name=role)
    return {
        f"{app}.{codename}"
        for app, codename in found.values_list("content_type__app_label", "codename")
    }


def test_a_migrated_database_has_three_roles():
    viewer, operator, boss = map(granted, (VIEWER, OPERATOR, ADMINISTRATOR))

    assert {"queues.view_job", "queues.view_auditentry", "queues.view_queue"} <= viewer
    assert all(each.partition(".")[2].startswith("view_") for each in viewer)
    assert "queues.view_apitoken" not in viewer | operator
    assert viewer < operator < boss | viewer
    assert {"queues.pause_queue", "queues.replay_letter"} <= operator
    assert not {"queues.manage_worker", "auth.add_user"} & operator
    assert {"queues.manage_worker", "auth.change_group", "queues.add_apitoken"} <= boss
    assert "auth.delete_permission" not in boss


def test_an_operator_works_in_the_apps_on_top_as_they_say():
    found = granted(OPERATOR)

    for app, config in (("cadences", cadences.apps), ("syncs", syncs.apps)):
        assert {f"{app}.{codename}" for codename in config.OPERATED} <= found


def test_what_staff_took_away_is_not_given_back():
    Group.objects.get(name=VIEWER).permissions.clear()
    Group.objects.get(name=OPERATOR).delete()

    call_command("migrate", verbosity=0)

    assert granted(VIEWER) == set()
    assert not Group.objects.filter(name=OPERATOR).exists()


def test_a_permission_that_is_new_reaches_the_roles():
    RoleGrant.objects.filter(permission="queues.view_queue").delete()
    group = Group.objects.get(name=VIEWER)
    group.permissions.remove(Permission.objects.get(codename="view_queue"))

    install("queues")

    assert "queues.view_queue" in granted(VIEWER)


def test_a_group_of_that_name_that_was_there_before_is_left_alone():
    RoleGrant.objects.all().delete()
    Group.objects.all().delete()
    Group.objects.create(name=OPERATOR)

    install("auth", "queues")

    assert granted(OPERATOR) == set()
    assert granted(ADMINISTRATOR)


def test_a_scope_narrows_what_its_group_grants():
    user = member(OPERATOR)
    narrow(OPERATOR, type="sync-*", queue="syncs")

    user = fresh(user)
    assert may(user, "queues.cancel_job")
    assert may(user, "queues.cancel_job", type="sync-store", queue="syncs")
    assert not may(user, "queues.cancel_job", type="sync-store", queue="default")
    assert not may(user, "queues.cancel_job", type="report", queue="syncs")
    assert not may(user, "queues.cancel_job", type="sync-store")
    assert not may(user, "queues.pause_queue", queue="syncs")
    assert not may(user, "queues.add_apitoken", type="sync-store", queue="syncs")
    assert not may_everywhere(user, "queues.cancel_job")


def test_scopes_add_up_and_a_wider_group_or_an_own_permission_widens():
    user = member(OPERATOR)
    narrow(OPERATOR, type="noop")
    narrow(OPERATOR, queue="reports")

    user = fresh(user)
    assert may(user, "queues.cancel_job", type="noop", queue="default")
    assert may(user, "queues.cancel_job", type="x", queue="reports")
    assert may(user, "queues.pause_queue", queue="reports")
    assert not may(user, "queues.pause_queue", queue="default")

    user.user_permissions.add(Permission.objects.get(codename="cancel_job"))
    user = fresh(user)
    assert may_everywhere(user, "queues.cancel_job")
    assert not may_everywhere(user, "queues.retry_job")

    user.groups.add(Group.objects.get(name=ADMINISTRATOR))
    assert may_everywhere(fresh(user), "queues.retry_job")


def test_who_has_no_permission_no_account_or_is_out_may_nothing():
    user = member(VIEWER)
    assert not may(user, "queues.cancel_job")
    assert not may(AnonymousUser(), "queues.view_job")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not may(fresh(user), "queues.view_job")
    assert not scoped(fresh(user), Job.objects.all()).exists()


def test_a_superuser_may_everything_whatever_groups_say(django_assert_num_queries):
    user = member(VIEWER)
    narrow(VIEWER, type="noop")
    User.objects.filter(pk=user.pk).update(is_superuser=True)

    user = fresh(user)
    with django_assert_num_queries(0):
        assert may(user, "queues.cancel_job", type="fail", queue="default")


def test_access_is_read_once_a_request(django_assert_max_num_queries):
    user = member(OPERATOR)
    narrow(OPERATOR, type="noop")

    user = fresh(user)
    with django_assert_max_num_queries(4):
        for _ in range(20):
            may(user, "queues.cancel_job", type="noop", queue="default")
            may(user, "queues.retry_job", type="fail", queue="default")


@pytest.fixture
def rows() -> dict[str, Any]:
    """Return rows of every model that has a place."""
    enqueue("fail", max_attempts=1)
    enqueue("reports-queue")
    run_due(limit=2, seconds=10)
    return {
        "job": Job.objects.get(type="fail"),
        "letter": DeadLetter.objects.get(),
        "schedule": make_schedule("nightly", **cron("0 3 * * *")),
        "queue": Queue.objects.create(name="default"),
    }


def test_lists_are_scoped_for_every_model_with_a_place(rows):
    user = member(VIEWER)
    for scope, expected in (
        ({"type": "fail"}, (1, 1, 0, 0)),
        ({"queue": "default"}, (1, 1, 1, 1)),
        ({"queue": "reports"}, (1, 0, 0, 0)),
        ({"type": "f*", "queue": "reports"}, (0, 0, 0, 0)),
    ):
        AccessScope.objects.all().delete()
        narrow(VIEWER, **scope)
        person = fresh(user)
        seen = tuple(
            scoped(person, type(row).objects.all()).count() for row in rows.values()
        )
        assert seen == expected, scope
        for row in rows.values():
            view = f"{row._meta.app_label}.view_{row._meta.model_name}"
            is_listed = scoped(person, type(row).objects.filter(pk=row.pk)).exists()
            assert may_on(person, view, row) == is_listed, (scope, row)


def test_what_has_no_place_is_changed_by_those_without_a_scope(me):
    limit = LimitRow.objects.create(name="l")
    user = member(OPERATOR)
    assert may_on(user, "queues.change_limitrow", limit)

    narrow(OPERATOR, type="noop")
    user = fresh(user)
    assert may_on(user, "queues.view_limitrow", limit)
    assert not may_on(user, "queues.change_limitrow", limit)
    assert not scoped(user, LimitRow.objects.all(), "queues.change_limitrow").exists()
    assert scoped(user, LimitRow.objects.filter(pk="l")).exists()
    page = browser(user).get("/admin/queues/limitrow/l/change/").content.decode()
    assert 'name="_save"' not in page
    assert browser(user).get("/admin/queues/auditentry/").status_code == 403


def test_the_console_shows_and_does_what_lies_within_the_scope(rows):
    user = member(OPERATOR)
    narrow(OPERATOR, type="noop")
    inside, outside = enqueue("noop"), enqueue("reports-queue")
    client = browser(user)

    assert listed(client.get(JOBS).content.decode()) == 1
    assert client.get(f"{JOBS}{outside.pk}/change/").status_code == 302
    assert client.post(f"{JOBS}{outside.pk}/cancel/").status_code == 404
    answer = act(client, "cancel", [outside, inside], confirmed="yes")

    assert answer.status_code == 200
    outside.refresh_from_db()
    inside.refresh_from_db()
    assert (outside.status, inside.status) == ("pending", "cancelled")


def test_a_wider_view_than_power_offers_no_button_outside(rows):
    user = member(VIEWER)
    group = Group.objects.create(name="Noops")
    group.permissions.set(Permission.objects.filter(codename="cancel_job"))
    AccessScope.objects.create(group=group, type="noop")
    user.groups.add(group)
    inside, outside = enqueue("noop"), enqueue("reports-queue")
    client = browser(user)

    assert f"/{inside.pk}/cancel/" in page(client, f"{JOBS}{inside.pk}/change/")
    assert f"/{outside.pk}/cancel/" not in page(client, f"{JOBS}{outside.pk}/change/")
    assert client.post(f"{JOBS}{outside.pk}/cancel/").status_code == 403
    assert act(client, "cancel", [outside], confirmed="yes").status_code == 403
    outside.refresh_from_db()
    assert outside.status == "pending"


def test_the_api_asks_the_same(rows):
    user = member(OPERATOR)
    narrow(OPERATOR, type="noop")
    secret, _ = issue_token(user, "mine")
    inside, outside = enqueue("noop"), enqueue("reports-queue")

    assert post(f"/api/jobs/{inside.pk}/cancel", secret=secret).status_code == 200
    assert post(f"/api/jobs/{outside.pk}/cancel", secret=secret).status_code == 403
    listed = Client().get(
        "/api/jobs?all=true", headers={"authorization": f"Bearer {secret}"}
    )
    assert [each["id"] for each in listed.json()["jobs"]] == [inside.pk]
    wish = {"type": "noop", "payload": {}}
    assert post("/api/jobs", wish, secret=secret).status_code == 201
    wish["type"] = "reports-queue"
    assert post("/api/jobs", wish, secret=secret).status_code == 403


def test_a_viewer_enqueues_nothing_through_the_api_and_others_do():
    secret, _ = issue_token(member(VIEWER), "mine")
    person = User.objects.create_user("customer")
    theirs, _ = issue_token(person, "app")
    wish = {"type": "noop", "payload": {}}

    assert post("/api/jobs", wish, secret=secret).status_code == 403
    assert Job.objects.count() == 0
    assert post("/api/jobs", wish, secret=theirs).status_code == 201


# ── Every page, as a viewer ─────────────────────────────────────────────────────────


def addresses() -> Iterator[str]:
    """Yield every address of the console, with an id where one stands for a row."""
    for pattern in admin.site.urls[0]:
        yield from _below("/admin/", pattern)


def _below(prefix: str, pattern: Any) -> Iterator[str]:
    route = prefix + str(pattern.pattern)
    if isinstance(pattern, URLPattern):
        yield route
        return
    for each in pattern.url_patterns:
        yield from _below(route, each)


FREE = (
    "/admin/login/", "/admin/logout/", "/admin/jsi18n/", "/admin/password_change/",
    "/admin/password_change/done/", "/admin/autocomplete/",
)  # fmt: skip
"""What everybody may do: to themselves, and nothing else."""


def test_a_viewer_changes_nothing_wherever_they_post(rows, me):
    node = present(Worker.Kind.NODE)
    user = member(VIEWER)
    token = issue_token(user, "t")[1]
    LimitRow.objects.get_or_create(name="1")
    ids = {
        "job": rows["job"].pk, "deadletter": rows["letter"].pk,
        "periodictask": rows["schedule"].pk, "queue": "default", "worker": node,
        "apitoken": token.pk, "user": user.pk, "limitrow": "1",
        "group": Group.objects.get(name=VIEWER).pk,
    }  # fmt: skip
    client = browser(user)
    before, entries = _snapshot(), AuditEntry.objects.count()
    refused = []

    for route in addresses():
        if "<path:object_id>" not in route and "<id>" not in route:
            address = route
        else:
            model = route.split("/")[3]
            name = str(ids.get(model, 1))
            address = route.replace("<path:object_id>", name).replace("<id>", name)
        if address in FREE or "<" in address or "(" in address:
            continue
        answer = client.post(address, {"name": "x", "confirmed": "yes", "post": "yes"})
        assert answer.status_code in {200, 302, 403, 404, 405}, (address, answer)
        if answer.status_code == 403:
            refused.append(address)
        assert _snapshot() == before, address

    # A download changes nothing, and is told of all the same.
    assert AuditEntry.objects.exclude(action__endswith=".export").count() == entries
    for verb in (
        f"job/{rows['job'].pk}/cancel", f"job/{rows['job'].pk}/replay",
        f"deadletter/{rows['letter'].pk}/replay", f"deadletter/{rows['letter'].pk}/dismiss",
        "queue/default/pause", "queue/default/resume", f"worker/{node}/drain",
        f"worker/{node}/stop", f"worker/{node}/undrain", f"apitoken/{token.pk}/revoke",
        "apitoken/add", "limitrow/1/change",
    ):  # fmt: skip
        assert f"/admin/queues/{verb}/" in refused, verb
    for verb in (
        "add",
        f"{user.pk}/password",
        f"{user.pk}/change",
        f"{user.pk}/delete",
    ):
        assert f"/admin/auth/user/{verb}/" in refused, verb


def _snapshot() -> list[Any]:
    """Return all that a viewer could try to change."""
    models = (Job, DeadLetter, LimitRow, ApiToken, Queue, Group, AccessScope)
    facts = [list(model.objects.order_by("pk").values()) for model in models]
    wishes = Worker.objects.values("drain_requested_at", "stop_requested_at")
    users = User.objects.order_by("pk").values("pk", "password", "is_superuser")
    return [*facts, list(wishes), list(users)]


@pytest.mark.parametrize(
    ("address", "actions"),
    [
        ("/admin/queues/job/", ("cancel", "replay", "delete_selected")),
        ("/admin/queues/deadletter/", ("replay", "dismiss", "delete_selected")),
        ("/admin/queues/worker/", ("drain", "stop", "undrain")),
        ("/admin/django_celery_beat/periodictask/", ("enable", "disable")),
    ],
)
def test_an_action_that_was_not_offered_is_forbidden(address, actions, rows):
    client = browser(member(VIEWER))
    for action in actions:
        form = {"action": action, "_selected_action": ["1"], "confirmed": "yes"}
        assert client.post(address, form).status_code == 403, action


def test_a_viewer_sees_no_button_that_would_fail(rows, me):
    node = present(Worker.Kind.NODE)
    waiting = enqueue("noop")
    client = browser(member(VIEWER))

    for address in (
        f"{JOBS}{waiting.pk}/change/",
        f"{JOBS}{rows['job'].pk}/change/",
        f"/admin/queues/deadletter/{rows['letter'].pk}/change/",
        "/admin/queues/queue/",
        "/admin/queues/queue/default/change/",
        "/admin/queues/worker/",
        f"/admin/queues/worker/{node}/change/",
        f"/admin/django_celery_beat/periodictask/{rows['schedule'].pk}/change/",
        "/admin/queues/auditentry/",
    ):
        shown = client.get(address)
        assert shown.status_code == 200, address
        page = shown.content.decode().split('id="content"')[1]
        for button in ('<button type="submit"', 'name="_save"', 'name="action"'):
            assert button not in page, (address, button)
        for verb in ("/cancel/", "/replay/", "/pause/", "/drain/", "/stop/", "/add/"):
            assert verb not in page, (address, verb)


def test_the_page_of_a_limit_names_no_job_to_those_with_a_scope():
    LimitRow.objects.get_or_create(name="turnstile")
    enqueue("turnstile", {"tenant": "acme"})
    address = "/admin/queues/limitrow/turnstile/change/"
    client = browser(member(VIEWER))
    assert "acme" in page(client, address)

    narrow(VIEWER, type="noop")

    assert "acme" not in page(client, address)
