"""Tokens of shops: renewed once by all workers, stored before their use, never shown."""

import logging
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from syncs.calls import hang_up
from syncs.credentials import opened, replace
from syncs.errors import AccessRefused, AccountLocked, Misconfigured, Transient, Wait
from syncs.models import Credential, Order
from syncs.ports import provider
from syncs.shopify import tokens
from tests.simulators.shopify import TOKEN
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import pull, shop_of

CLIENT = {"client_id": "client-1", "client_secret": "secret-1"}
OFFLINE = {
    **CLIENT,
    "access_token": "shpat_dead_0001",
    "refresh_token": "shprt_first_001",
}


@pytest.fixture
def shop(shops):
    made = shops.shops["mugs.myshopify.com"]
    made.refresh_tokens = {"shprt_first_001": "shpat_dead_0001"}
    return made


@pytest.mark.django_db
def test_S19_a_token_revoked_amid_pages_stops_and_a_new_one_goes_on(shops):
    shops.faults.add("auth_revoked", "Orders", after=1)
    link = shop_of()
    (first,) = pull(link, most=1)

    with pytest.raises(AccessRefused):
        pull(link, cursor=first.next_cursor)
    kept = Order.objects.count()
    shops.shops["mugs.myshopify.com"].tokens["shpat_new_00001"] = None
    replace(link, {"access_token": "shpat_new_00001"})
    pull(link, cursor=first.next_cursor)

    assert 0 < kept < Order.objects.count() == 130
    assert shops.ledger.count("token") == 0


@pytest.mark.django_db
def test_S19_a_dead_token_is_renewed_once_and_the_call_made_again(shops, shop):
    link = shop_of(values=OFFLINE)

    pull(link)

    assert Order.objects.count() == 130
    assert shops.ledger.count("token") == 1
    row = Credential.objects.get()
    assert opened(link)["access_token"] == "shpat_made_0001"
    assert opened(link)["previous_refresh_token"] == "shprt_first_001"
    assert 3500 < (row.expires_at - timezone.now()).total_seconds() <= 3600


@pytest.mark.django_db
def test_a_token_is_renewed_five_minutes_before_it_dies(shops, shop):
    link = shop_of(values={**OFFLINE, "access_token": TOKEN})
    Credential.objects.update(expires_at=timezone.now() + timedelta(minutes=4))

    pull(link, most=1)

    assert shops.ledger.entries[0].endpoint == "token"
    assert 401 not in {each.status for each in shops.ledger.entries}


@pytest.mark.django_db
def test_a_shop_of_ones_own_takes_client_credentials(shops):
    link = shop_of(values=CLIENT)

    pull(link, most=1)

    assert Credential.objects.get().kind == "client_credentials"
    assert opened(link)["access_token"] == "shpat_made_0001"


@pytest.mark.django_db
def test_S20_an_answer_that_was_lost_is_no_loss(shops, shop):
    link = shop_of(values=OFFLINE)
    shops.faults.add("reset", "token")
    with pytest.raises(Transient):
        pull(link, most=1)

    pull(link, most=1)

    assert shops.ledger.count("token") == 2
    assert opened(link)["access_token"] == "shpat_made_0002"


@pytest.mark.django_db
def test_S20_the_refresh_token_before_works_until_the_new_one_is_used(shops, shop):
    """The new pair was stored, but its worker died, and the shop never knew the pair."""
    lost = {
        **OFFLINE,
        "refresh_token": "shprt_unknown",
        "previous_refresh_token": "shprt_first_001",
    }
    link = shop_of(values=lost)

    pull(link, most=1)

    assert shops.ledger.count("token") == 2
    assert opened(link)["access_token"].startswith("shpat_made")


@pytest.mark.django_db(transaction=True)
def test_S20_six_workers_with_a_dead_token_renew_it_once(shops, shop):
    link = shop_of(values=OFFLINE)
    start, found = threading.Barrier(6), []

    def work() -> None:
        start.wait()
        for _ in range(20):
            try:
                found.append(
                    tokens.renewed(link, "mugs.myshopify.com", dead="shpat_dead_0001")
                )
                break
            except Wait:
                continue
        hang_up()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert set(found) == {"shpat_made_0001"}
    assert shops.ledger.count("token") == 1


@pytest.mark.django_db
def test_a_refusal_to_renew_asks_for_a_new_connection(shops, shop):
    shop.refresh_tokens.clear()

    with pytest.raises(AccessRefused, match="connect the shop again"):
        pull(shop_of(values=OFFLINE), most=1)


@pytest.mark.django_db
@pytest.mark.parametrize("status", [402, 423])
def test_a_frozen_shop_is_told_apart(shops, shop, status):
    shop.frozen = status

    with pytest.raises(AccountLocked):
        pull(shop_of())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fault", "error"),
    [({"kind": "status", "value": 404}, Misconfigured), ({"kind": "status", "value": 430}, Transient),
     ({"kind": "status", "value": 503}, Transient), ({"kind": "status", "value": 302}, Misconfigured),
     ({"kind": "error_code", "value": "ACCESS_DENIED"}, AccessRefused)],
)  # fmt: skip
def test_refusals_have_their_class(shops, fault, error):
    shops.faults.add(endpoint="Shop", **fault)

    with pytest.raises(error):
        provider("shopify").check(shop_of())


@pytest.mark.django_db
def test_S56_no_token_is_in_a_log_or_an_error(shops, caplog):
    caplog.set_level(logging.DEBUG)
    said = []
    link = shop_of()
    for fault in ("status", "reset", "html_200", "auth_revoked"):
        shops.faults.add(fault, "Shop")
        try:
            provider("shopify").check(link)
        except (Transient, AccessRefused) as error:
            said.append(str(error))

    assert len(said) == 4
    written = caplog.text + " ".join(said) + str([r.__dict__ for r in caplog.records])
    assert TOKEN not in written
    assert "pk_" not in written


@pytest.mark.django_db
def test_S59_a_version_that_fell_forward_is_a_warning_and_data_goes_on(shops, caplog):
    shops.falls_forward_to = "2027-01"

    pull(shop_of(), most=1)

    assert "version fell forward" in caplog.text
    assert Order.objects.exists()


@pytest.mark.django_db
def test_the_shop_says_its_zone_and_money_and_what_is_missing(shops, shop):
    shop.scopes = ["read_orders"]

    found = provider("shopify").check(shop_of())

    assert (found.timezone, found.currency) == ("America/Sao_Paulo", "BRL")
    assert "60" in found.notes[0]
