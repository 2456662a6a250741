"""Staff edit rules and channels, mute what they know of, and try a channel out."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.models import (
    AlertChannel,
    AlertDelivery,
    AlertMessage,
    AlertRule,
    AlertState,
    AuditEntry,
)
from queues.work import run_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(admin_client):
    install_rules()
    watch()
    return admin_client


def page(client, name, *args):
    answer = client.get(reverse(f"admin:queues_{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def sent(rule, **changes):
    return {
        "code": rule.code, "measure": rule.measure, "subject": "", "side": rule.side,
        "threshold": rule.threshold, "critical_threshold": "", "level": rule.level,
        "window_seconds": rule.window_seconds, "min_sample": rule.min_sample,
        "cooldown_seconds": rule.cooldown_seconds, "enabled": "on", "note": "",
        **changes,
    }  # fmt: skip


def test_the_list_shows_what_fires_first(staff):
    shown = page(staff, "alertstate_changelist")

    assert "beat-gone" in shown
    assert "critical" in shown


def test_an_alert_tells_what_was_expected_and_where_to_look(staff):
    state = AlertState.objects.get(rule__code="worker-gone")
    AlertRule.objects.update(note="Restart the machine of the workers.")

    shown = page(staff, "alertstate_change", state.pk)

    assert "below 1" in shown
    assert reverse("admin:queues_worker_changelist") in shown
    assert "Restart the machine of the workers." in shown


def test_a_rule_is_edited_and_the_audit_says_so(staff):
    rule = AlertRule.objects.get(code="backlog-age")
    address = reverse("admin:queues_alertrule_change", args=[rule.pk])

    assert staff.post(address, sent(rule, threshold="60")).status_code == 302

    rule.refresh_from_db()
    assert rule.threshold == 60
    entry = AuditEntry.objects.get(action="alert-rule.change")
    assert (entry.before, entry.after) == ({"threshold": 900.0}, {"threshold": 60.0})


def test_a_rule_without_a_known_measure_is_refused(staff):
    rule = AlertRule.objects.get(code="backlog-age")
    address = reverse("admin:queues_alertrule_change", args=[rule.pk])

    answer = staff.post(address, sent(rule, measure="nothing-like-it"))

    assert answer.status_code == 200
    assert "measure" in answer.context["adminform"].form.errors


def test_a_shipped_rule_cannot_be_deleted_and_an_own_one_can(staff):
    own = AlertRule.objects.create(code="own", measure="workers", threshold=1)
    shipped = AlertRule.objects.get(code="beat-gone")

    for rule, status in ((shipped, 403), (own, 302)):
        address = reverse("admin:queues_alertrule_delete", args=[rule.pk])
        assert staff.post(address, {"post": "yes"}).status_code == status

    assert AuditEntry.objects.filter(action="alert-rule.delete").count() == 1


@pytest.mark.parametrize("model", [AlertRule, AlertState])
def test_a_mute_is_told_in_the_audit_and_ends(staff, model):
    row = model.objects.first()
    name = f"admin:queues_{model._meta.model_name}"
    assert "Mute…" in page(staff, f"{model._meta.model_name}_change", row.pk)

    staff.post(
        reverse(f"{name}_mute", args=[row.pk]), {"when": "1h", "reason": "deploy"}
    )

    assert "Unmute" in page(staff, f"{model._meta.model_name}_change", row.pk)
    row.refresh_from_db()
    ahead = row.muted_until - timezone.now()
    assert timedelta(minutes=59) < ahead <= timedelta(hours=1)
    entry = AuditEntry.objects.get(action="alert.mute")
    assert entry.reason == "deploy"

    staff.post(reverse(f"{name}_unmute", args=[row.pk]))

    row.refresh_from_db()
    assert row.muted_until is None


def test_a_viewer_looks_and_changes_nothing(staff, client):
    viewer = User.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.set(
        Permission.objects.filter(codename__startswith="view_alert")
    )
    client.force_login(viewer)
    rule = AlertRule.objects.first()

    assert "Mute" not in page(client, "alertrule_change", rule.pk)
    for address, data in (
        (reverse("admin:queues_alertrule_mute", args=[rule.pk]), {"when": "1h"}),
        (reverse("admin:queues_alertrule_change", args=[rule.pk]), sent(rule)),
    ):
        assert client.post(address, data).status_code == 403

    rule.refresh_from_db()
    assert rule.muted_until is None


def test_a_secret_is_written_and_never_shown(staff):
    answer = staff.post(
        reverse("admin:queues_alertchannel_add"),
        {
            "name": "pager", "kind": "webhook", "position": 5, "enabled": "on",
            "target": "https://pager.example.com/in", "new_secret": "open-sesame",
        },
    )  # fmt: skip

    assert answer.status_code == 302
    channel = AlertChannel.objects.get(name="pager")
    assert channel.secret.reveal() == "open-sesame"
    assert "open-sesame" not in page(staff, "alertchannel_change", channel.pk)
    assert "open-sesame" not in str(list(AuditEntry.objects.values()))


def test_an_empty_secret_leaves_the_one_that_is_there(staff):
    channel = AlertChannel.objects.create(
        name="pager", kind="webhook", target="https://a.example", secret="open-sesame"
    )
    staff.post(
        reverse("admin:queues_alertchannel_change", args=[channel.pk]),
        {
            "name": "pager", "kind": "webhook", "position": 5, "enabled": "on",
            "target": "https://b.example", "new_secret": "",
        },
    )  # fmt: skip

    channel.refresh_from_db()
    assert channel.target == "https://b.example"
    assert channel.secret.reveal() == "open-sesame"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("target", {"target": "pager"}),
        ("new_secret", {"new_secret": ""}),
        ("name", {"name": "email"}),
    ],
)
def test_a_channel_that_could_not_deliver_is_refused(staff, field, changes):
    wanted = {
        "name": "pager", "kind": "webhook", "position": 5, "new_secret": "x",
        "target": "https://pager.example.com/in", **changes,
    }  # fmt: skip
    answer = staff.post(reverse("admin:queues_alertchannel_add"), wanted)

    assert field in answer.context["adminform"].form.errors
    assert not AlertChannel.objects.filter(name="pager").exists()


def test_a_test_message_arrives_as_an_alert_would(staff, admin_user):
    channel = AlertChannel.objects.get(name="email")
    AlertDelivery.objects.all().delete()
    assert "Send a test" in page(staff, "alertchannel_change", channel.pk)

    staff.post(reverse("admin:queues_alertchannel_test", args=[channel.pk]))
    run_due(limit=20, seconds=20)

    assert [each.to for each in mail.outbox][-1] == [admin_user.email]
    message = AlertMessage.objects.get(rule=None)
    shown = page(staff, "alertmessage_change", message.pk)
    assert "email" in shown
    assert "sent" in shown
