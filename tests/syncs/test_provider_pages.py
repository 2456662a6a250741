"""The pages of budgets and deliveries, and what is forgotten when."""

from datetime import timedelta

import pytest
from django.utils import timezone

from syncs import budgets
from syncs.budgets import Bucket, Key
from syncs.klaviyo.client import TIERS
from syncs.models import Budget, Delivery
from syncs.prune import prune
from tests.syncs.shops import shop_of

pytestmark = pytest.mark.django_db


def test_budgets_say_what_is_used_and_when_there_is_room(admin_client):
    reports = Key("klaviyo", "AbC123", "flow-values-reports")
    budgets.settle(budgets.reserve(reports, TIERS[reports.group]))
    budgets.reserve(
        Key("shopify", "a.myshopify.com", "points"),
        bucket=Bucket(2000, 100),
        points=500,
    )
    budgets.block(Key("klaviyo", "AbC123", "flows"), 3600)

    page = admin_client.get("/admin/syncs/budget/").content.decode()

    assert "1 of 202 calls" in page
    assert "2000 of 2000 points are left" in page
    blocked = Budget.objects.get(group="flows")
    assert (
        admin_client.get(f"/admin/syncs/budget/{blocked.pk}/change/").status_code == 200
    )


def test_deliveries_are_listed_without_their_bodies(admin_client):
    made = Delivery.objects.create(
        connection=shop_of(), provider="shopify", delivery_id="d-1",
        topic="orders/updated", body="very-private",
    )  # fmt: skip

    page = admin_client.get("/admin/syncs/delivery/").content.decode()
    one = admin_client.get(f"/admin/syncs/delivery/{made.pk}/change/").content.decode()

    assert "orders/updated" in page
    assert "very-private" not in page + one


def test_bodies_are_forgotten_after_a_week_and_deliveries_after_a_month():
    link, now = shop_of(), timezone.now()
    for days in (1, 8, 31):
        at = now - timedelta(days=days)
        Delivery.objects.create(
            connection=link, provider="shopify", delivery_id=f"d-{days}", topic="x",
            body="b", status="applied", applied_at=at, received_at=at,
        )  # fmt: skip

    done = prune()

    assert (done["bodies"], done["deliveries"]) == (2, 1)
    kept = dict(Delivery.objects.values_list("delivery_id", "body"))
    assert kept["d-1"] is not None
    assert kept["d-8"] is None
