"""What staff write in the console of syncs is told in the audit, and nothing else is."""

import pytest
from django.urls import reverse

from queues.models import AuditEntry
from syncs.models import Connection, EnrolmentRule, Store
from tests.cadences.people import cadence
from tests.syncs.segments import segment

pytestmark = pytest.mark.django_db


def told(action):
    return AuditEntry.objects.get(action=action)


def test_an_edit_tells_what_was_and_writes_nothing_else(shop, admin_client):
    link = Connection.objects.get(store=shop())
    address = reverse("admin:syncs_connection_change", args=[link.pk])
    form = admin_client.get(address).context["adminform"].form
    facts = {name: form[name].value() for name in form.fields}
    facts = {name: "" if value is None else value for name, value in facts.items()}
    Connection.objects.update(consecutive_errors=3)

    admin_client.post(address, {**facts, "label": "Main", "settings": "{}"})

    link.refresh_from_db()
    assert (link.label, link.consecutive_errors) == ("Main", 3)
    entry = told("connection.change")
    assert entry.before["label"] == ""
    assert entry.after["label"] == "Main"
    assert entry.label == f"{link.store} Main"


def test_who_may_see_a_store_is_told(shop, admin_client, django_user_model):
    store, ana = shop(), django_user_model.objects.create_user("ana", password="x")
    inline = {
        "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": ana.pk,
    }  # fmt: skip

    admin_client.post(
        reverse("admin:syncs_store_change", args=[store.pk]),
        {"name": store.name, "timezone": store.timezone, "currency": store.currency,
         "is_active": "on", **inline},
    )  # fmt: skip

    assert store.memberships.get().user == ana
    entry = told("store.change")
    assert (entry.before["storemember"], len(entry.after["storemember"])) == ([], 1)


def test_deletions_are_told_one_by_one(shop, admin_client):
    stores = [shop(), shop()]

    admin_client.post(
        reverse("admin:syncs_store_changelist"),
        {"action": "delete_selected", "post": "yes",
         "_selected_action": [store.pk for store in stores]},
    )  # fmt: skip

    assert not Store.objects.exists()
    entries = AuditEntry.objects.filter(action="store.delete")
    assert {entry.before["name"] for entry in entries} == {s.name for s in stores}


def test_a_rule_that_is_deleted_says_what_it_was(admin_client):
    rule = EnrolmentRule.objects.create(
        name="Welcome", on="joined", control=segment(), cadence=cadence()
    )

    admin_client.post(
        reverse("admin:syncs_enrolmentrule_delete", args=[rule.pk]), {"post": "yes"}
    )

    assert told("rule.delete").before["name"] == "Welcome"
