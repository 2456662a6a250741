"""Budgets: no call beyond what a provider allows, whoever makes it."""

import os
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from syncs import budgets
from syncs.budgets import Bucket, Key, Window
from syncs.errors import QuotaSpent, RateLimited
from syncs.models import Budget, Spending
from tests.processes import running
from tests.simulators.clock import Clock
from tests.simulators.klaviyo import klaviyo
from tests.simulators.klaviyo_account import TIERS, fill
from tests.simulators.shopify import shopify
from tests.simulators.shopify_data import invented
from tests.syncs.shops import NOON, klaviyo_of, shop_of

KEY = Key("test", "account", "calls")
DAY = 86_400.0
SECONDS = float(os.environ.get("RITMO_DAY_SECONDS", "45"))
SCALE = 1.5 * DAY / SECONDS
RESTORE = float(os.environ.get("RITMO_DAY_RESTORE", SECONDS / 180))
"""Points a second: so few that eight workers want more, however busy the machine is.

A shop's real rate is 100: `RITMO_DAY_SECONDS=900 RITMO_DAY_RESTORE=100`.
"""


@pytest.mark.django_db
def test_a_window_lets_in_what_it_holds_and_says_when_to_come_back():
    windows = (Window(2, 60.0),)
    for _ in range(2):
        budgets.settle(budgets.reserve(KEY, windows))

    with pytest.raises(RateLimited) as caught:
        budgets.reserve(KEY, windows)

    assert 50 < (caught.value.until - timezone.now()).total_seconds() <= 60
    assert caught.value.scope == "calls"


@pytest.mark.django_db
def test_a_wait_of_a_moment_is_the_clients_own():
    windows = (Window(1, 0.2),)
    budgets.settle(budgets.reserve(KEY, windows))
    began = time.monotonic()

    budgets.settle(budgets.reserve(KEY, windows))

    assert time.monotonic() - began >= 0.19


@pytest.mark.django_db
def test_a_spent_day_is_a_quota():
    windows = (Window(1, DAY),)
    budgets.settle(budgets.reserve(KEY, windows))

    with pytest.raises(QuotaSpent):
        budgets.reserve(KEY, windows)


@pytest.mark.django_db
def test_a_call_in_flight_counts_until_its_answer_is_there():
    windows = (Window(1, 1.0),)
    ticket = budgets.reserve(KEY, windows)

    with pytest.raises(RateLimited):
        budgets.reserve(KEY, windows)
    Spending.objects.filter(pk=ticket.spending_id).update(
        counts_at=timezone.now() - timedelta(seconds=5)
    )

    budgets.reserve(KEY, windows)  # its worker vanished long ago


@pytest.mark.django_db
def test_a_bucket_holds_back_what_is_in_flight_and_gets_back_what_was_not_used():
    bucket = Bucket(capacity=1000.0, restore=0.001)
    first = budgets.reserve(KEY, bucket=bucket, points=600)
    with pytest.raises(QuotaSpent):
        budgets.reserve(KEY, bucket=bucket, points=600)

    budgets.settle(first, actual=100, status=bucket, available=900)

    budgets.reserve(KEY, bucket=bucket, points=600)


@pytest.mark.django_db
def test_a_call_that_never_came_back_is_paid_for():
    bucket = Bucket(capacity=1000.0, restore=0.001)
    ticket = budgets.reserve(KEY, bucket=bucket, points=600)
    Spending.objects.filter(pk=ticket.spending_id).update(
        counts_at=timezone.now() - timedelta(seconds=5)
    )

    with pytest.raises(QuotaSpent):
        budgets.reserve(KEY, bucket=bucket, points=600)
    budgets.settle(ticket, actual=0)

    assert Budget.objects.get().level < 401


@pytest.mark.django_db(transaction=True)
def test_eight_threads_never_have_more_in_flight_than_a_window_holds():
    windows = (Window(3, 0.0),)
    here, most, lock = 0, 0, threading.Lock()

    def work():
        nonlocal here, most
        for _ in range(8):
            try:
                ticket = budgets.reserve(KEY, windows)
            except RateLimited:
                continue
            with lock:
                here += 1
                most = max(most, here)
            time.sleep(0.01)
            with lock:
                here -= 1
            budgets.settle(ticket)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert 1 < most <= 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240 + SECONDS)
def test_eight_workers_make_no_call_too_many_over_a_simulated_day(settings):
    """Klaviyo at 2 a minute and 225 a day, Shopify at its restore rate."""
    clock = Clock(NOON, scale=SCALE)
    with klaviyo(clock) as mail, shopify(clock) as shops:
        account = mail.account(keys={"pk_example_0001", "pk_example_0002"})
        fill(account)
        shop = shops.shop("mugs", order_cost=12.0)
        shop.orders = invented(60, until=shops.clock.now(), days=3)
        shop.bucket.restore = RESTORE
        links = [klaviyo_of(), klaviyo_of(key="pk_example_0002"), shop_of()]
        for each in links[:2]:
            each.settings = {"conversion_metric_id": "RshopA"}
            each.save(update_fields=["settings"])
        keys = [str(each.pk) for each in links]
        command = [
            sys.executable,
            "-m",
            "tests.syncs.a_day",
            str(SCALE),
            str(SECONDS),
            *keys,
        ]
        with running(
            command,
            KLAVIYO_BASE_URL=mail.url,
            SHOPIFY_BASE_URL=f"{shops.url}/{{shop}}",
        ) as process:
            assert process.wait(200 + SECONDS) == 0, process.output

    assert clock.seconds() - NOON.timestamp() > DAY
    _klaviyo_was_asked_within_its_limits(mail)
    _shopify_was_asked_within_its_rate(shops, shop)


def _klaviyo_was_asked_within_its_limits(mail):
    assert mail.ledger.throttled() == []
    busiest = mail.ledger.busiest
    for endpoint in ("campaign-values-reports", "flow-values-reports"):
        assert busiest(endpoint, 60.0) <= 2
        assert 20 < busiest(endpoint, DAY) <= 225 * 0.9
    assert busiest("metric-aggregates", 60.0) <= TIERS["metric-aggregates"][1]


def _shopify_was_asked_within_its_rate(shops, shop):
    assert shops.ledger.throttled() == []
    called = [each for each in shops.ledger.entries if each.cost]
    spent = sum(each.cost for each in called)
    allowed = shop.bucket.capacity + RESTORE * (called[-1].at - called[0].at)
    assert 0.2 * allowed < spent <= allowed
