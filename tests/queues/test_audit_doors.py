"""Each door leaves one row a change, under the right name, and none when refused."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from queues.audit import operator
from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.errors import IllegalTransition
from queues.models import AccessScope, ApiToken, AuditEntry, LimitRow
from queues.prune import prune
from queues.roles import VIEWER
from tests.queues.callers import SERVICE, person, post
from tests.queues.desk import JOBS, LETTERS, act, dead_job

pytestmark = pytest.mark.django_db


def told() -> list[tuple[str, str, str]]:
    """Return the door, the actor and the action of every row."""
    rows = AuditEntry.objects.order_by("id")
    return list(rows.values_list("door", "actor", "action"))


def test_a_button_and_a_list_action_tell_one_row_a_job(admin_client: Client):
    one, two = enqueue("noop"), enqueue("noop")

    admin_client.post(f"{JOBS}{one.pk}/cancel/", {"reason": "asked twice"})
    act(admin_client, "cancel", [one, two], confirmed="yes", reason="all of them")

    first, second = AuditEntry.objects.order_by("id")
    assert told() == [("admin", "admin", "job.cancel")] * 2
    assert (first.target_id, first.reason) == (str(one.pk), "asked twice")
    assert (second.target_id, second.reason) == (str(two.pk), "all of them")
    assert first.user_id == User.objects.get().pk
    assert first.before == {"status": "pending"}


def test_a_replay_and_a_dismissal_tell_who(admin_client: Client):
    job, other = dead_job(), dead_job()

    admin_client.post(f"{JOBS}{job.pk}/replay/")
    admin_client.post(f"{LETTERS}{other.letters.get().pk}/dismiss/")

    actions = [action for _door, _actor, action in told()]
    assert actions == ["job.retry", "letter.dismiss"]
    assert AuditEntry.objects.first().before["error"]


def test_what_was_refused_or_rolled_back_tells_nothing():
    job = enqueue("noop")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        cancel(job.pk)
        raise ZeroDivisionError
    cancel(job.pk)
    with pytest.raises(IllegalTransition):
        cancel(job.pk)

    assert len(told()) == 1


def test_the_api_tells_the_person_behind_the_token():
    ana, secret = person("ana")
    job = post("/api/jobs", {"type": "noop", "payload": {}}, secret=secret).json()
    address = f"/api/jobs/{job['jobId']}/cancel"
    post(address, {"reason": "asked twice"}, secret=secret)

    actions = [row for row in told() if row[2] != "token.issue"]
    assert actions == [("api", "ana", "job.enqueue"), ("api", "ana", "job.cancel")]
    last = AuditEntry.objects.latest("id")
    assert (last.user_id, last.reason) == (ana.pk, "asked twice")


def test_a_service_that_enqueues_is_told_by_the_job_itself():
    wish = {"type": "noop", "data": {}}
    assert post("/functions/v1/enqueue-job", wish, secret=SERVICE).status_code == 200

    assert told() == []


def test_a_session_on_the_api_is_the_person(admin_client: Client):
    job = enqueue("noop")

    admin_client.post(f"/api/jobs/{job.pk}/cancel")

    assert told() == [("api", "admin", "job.cancel")]


def test_the_next_request_of_a_thread_is_nobody(admin_client: Client):
    from queues.audit import whoever

    admin_client.get("/admin/")
    Client().get("/healthz")

    assert (whoever().door, whoever().user_id) == ("code", None)


def test_a_command_tells_who_sat_at_the_terminal():
    call_command("enqueue", "noop", stdout=StringIO())

    assert told() == [("cli", operator(), "job.enqueue")]


def test_tokens_are_told_without_their_text(admin_client: Client):
    user = User.objects.get()
    admin_client.post(
        "/admin/queues/apitoken/add/", {"user": user.pk, "name": "billing"}
    )
    token = ApiToken.objects.get()
    admin_client.post(f"/admin/queues/apitoken/{token.pk}/revoke/")
    admin_client.post(f"/admin/queues/apitoken/{token.pk}/revoke/")

    assert [row[2] for row in told()] == ["token.issue", "token.revoke"]
    text = json.dumps(list(AuditEntry.objects.values("before", "after", "label")))
    assert token.digest not in text
    assert "billing" in text


def test_a_limit_tells_what_was_edited_and_nothing_else(admin_client: Client):
    LimitRow.objects.create(name="mail", running=3)
    form = {"running": "5", "period_seconds": "60.0", "note": "busy week"}

    admin_client.post("/admin/queues/limitrow/mail/change/", form)
    admin_client.post("/admin/queues/limitrow/mail/change/", form)

    (row,) = AuditEntry.objects.all()
    assert row.action == "limit.change"
    assert row.before == {"running": 3, "note": ""}
    assert row.after == {"running": 5, "note": "busy week"}


def test_people_and_groups_are_told_and_passwords_are_not(admin_client: Client):
    form = {
        "username": "ana", "usable_password": "true",
        "password1": "long-enough-1", "password2": "long-enough-1",
    }  # fmt: skip
    admin_client.post("/admin/auth/user/add/", form)
    ana = User.objects.get(username="ana")
    new = {"password1": "another-one-2", "password2": "another-one-2"}
    again = {**new, "usable_password": "true", "set-password": "x"}
    admin_client.post(f"/admin/auth/user/{ana.pk}/password/", again)
    group = Group.objects.get(name=VIEWER)
    admin_client.post(
        f"/admin/auth/user/{ana.pk}/change/",
        {
            "username": "ana", "is_active": "on", "groups": [group.pk],
            "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
        },
    )  # fmt: skip
    admin_client.post(f"/admin/auth/user/{ana.pk}/delete/", {"post": "yes"})

    assert [row[2] for row in told()] == [
        "user.add", "user.change", "user.change", "user.delete",
    ]  # fmt: skip
    changed = AuditEntry.objects.order_by("id")[2]
    assert (changed.before["groups"], changed.after["groups"]) == ([], ["Viewer"])
    text = json.dumps(list(AuditEntry.objects.values("before", "after")))
    assert "long-enough-1" not in text
    assert "another-one-2" not in text
    assert AuditEntry.objects.filter(target_id=str(ana.pk)).count() == 4


def scope_form(group: Group, *rows: dict[str, str]) -> dict[str, object]:
    prefix = "access_scopes"
    form: dict[str, object] = {
        "name": group.name,
        "permissions": list(group.permissions.values_list("pk", flat=True)),
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": sum("id" in row for row in rows),
        f"{prefix}-MIN_NUM_FORMS": 0,
        f"{prefix}-MAX_NUM_FORMS": 1000,
    }
    for number, row in enumerate(rows):
        form |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
        form[f"{prefix}-{number}-group"] = group.pk
    return form


def test_scopes_are_given_on_the_page_of_their_group_and_told(admin_client: Client):
    group = Group.objects.get(name=VIEWER)
    address = f"/admin/auth/group/{group.pk}/change/"
    assert "access_scopes-0-queue" in admin_client.get(address).content.decode()

    for bad in ({"type": "no spaces"}, {"type": "*"}, {"queue": "nowhere"}):
        page = admin_client.post(address, scope_form(group, bad))
        assert page.status_code == 200, bad
        assert "errorlist" in page.content.decode()
    admin_client.post(address, scope_form(group, {"type": "sync-*", "queue": ""}))

    assert list(AccessScope.objects.values_list("type", "queue")) == [("sync-*", "")]
    (row,) = AuditEntry.objects.all()
    assert row.action == "group.change"
    assert row.before == {"accessscope": []}
    assert row.after == {"accessscope": [{"type": "sync-*", "queue": ""}]}


def test_an_administrator_who_is_no_superuser_cannot_become_one(admin_user: User):
    boss = User.objects.create_user("boss", is_staff=True)
    boss.groups.add(Group.objects.get(name="Administrator"))
    client = Client()
    client.force_login(boss)
    address = f"/admin/auth/user/{boss.pk}/change/"
    form = {
        "username": "boss", "is_active": "on", "is_staff": "on", "is_superuser": "on",
        "user_permissions": [Permission.objects.first().pk], "groups": [],
        "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
    }  # fmt: skip

    assert client.post(address, form).status_code == 302
    boss.refresh_from_db()
    assert not boss.is_superuser
    assert not boss.user_permissions.exists()
    for page in ("change", "delete", "password"):
        answer = client.post(f"/admin/auth/user/{admin_user.pk}/{page}/", form)
        assert answer.status_code == 403, page


@pytest.mark.django_db
def test_a_prune_by_hand_is_told_and_that_of_the_pacemaker_is_not(settings):
    settings.RETENTION_DAYS = 30
    prune()
    call_command("prune", stdout=StringIO())
    assert told() == []


def test_old_rows_of_the_log_are_pruned_and_younger_ones_stay(sql, settings):
    sql("ALTER TABLE audit_log DISABLE TRIGGER audit_log_dated")
    for days in (364, 366, 1200):
        sql(
            "INSERT INTO audit_log (actor, door, action, at) VALUES ('x', 'sql', 'y',"
            " clock_timestamp() - %s * interval '1 day')",
            days,
        )
    prune()
    assert AuditEntry.objects.count() == 2
    settings.RETENTION_DAYS_AUDIT = 365
    prune()
    assert AuditEntry.objects.count() == 1
