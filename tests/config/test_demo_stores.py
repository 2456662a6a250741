"""The demo's stores: simulated on this machine, and never called anywhere else."""

import sys
from pathlib import Path

import pytest

from config.demo import stand
from config.demo.shops import SHOPS
from config.demo.stores import close_stores, open_stores, sync_stores
from config.env import Environment
from queues.testing import inline
from syncs.models import CacheEntry, Connection, Run, Store
from tests.processes import running, until
from tests.simulators.klaviyo import klaviyo
from tests.simulators.shopify import shopify
from tests.simulators.stand import open_account, open_shop, sell

pytestmark = pytest.mark.django_db(transaction=True)


def test_three_stores_sync_one_waits_and_one_is_shut(settings):
    with shopify() as shops, klaviyo() as mail:
        settings.SHOPIFY_BASE_URL = f"{shops.url}/{{shop}}"
        settings.KLAVIYO_BASE_URL = mail.url
        for number, each in enumerate(SHOPS, start=1):
            open_shop(shops, each, number)
            open_account(mail, each, number)
        sell(shops, SHOPS[0])
        assert open_stores() == open_stores() == len(SHOPS) == Store.objects.count()

        with inline():
            assert sync_stores() == len(SHOPS)
        from syncs.calls import hang_up

        hang_up()

    ended = {run.store.name: run for run in Run.objects.select_related("store")}
    for each in SHOPS[:3]:
        run = ended[each.name]
        assert (run.status, run.outcome) == ("completed", "succeeded"), (
            run.error_message
        )
    assert ended["Feira Rápida"].status == "queued"
    assert ended["Feira Rápida"].waiting_for in ("rate_limit", "quota")
    assert (
        Connection.objects.get(label="ritmo-demo-brecho-shopify").status == "auth_error"
    )
    assert CacheEntry.objects.filter(data_type="orders").count() >= 3
    assert close_stores() > 0
    assert not Connection.objects.filter(status="active").exists()


def test_where_real_providers_are_named_no_store_of_the_demo_is_opened(settings):
    settings.SHOPIFY_BASE_URL = "https://{shop}"

    assert (open_stores(), sync_stores()) == (0, 0)
    assert not Store.objects.exists()


def test_the_simulators_are_a_process_unless_somebody_named_the_providers(
    tmp_path: Path,
):
    values = stand.places(Environment({}), tmp_path, demo=True)

    (child,) = stand.children(values)
    assert child.command[1:3] == ["-m", "tests.simulators.stand"]
    assert (
        stand.places(Environment({"KLAVIYO_BASE_URL": "x"}), tmp_path, demo=True) == {}
    )
    assert stand.children(stand.places(Environment({}), tmp_path, demo=False)) == []


def test_the_process_answers(tmp_path: Path):
    import urllib.error
    import urllib.request

    values = stand.places(Environment({}), tmp_path, demo=True)
    (child,) = stand.children(values)

    def answers() -> bool:
        url = f"{values['KLAVIYO_BASE_URL']}/api/accounts"
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code == 400
        except OSError:
            return False
        return True

    with running([sys.executable, *child.command[1:]]):
        until(answers, 60)
