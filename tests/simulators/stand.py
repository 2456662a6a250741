"""Serve the demo's shops and accounts: `python -m tests.simulators.stand PORT PORT`."""

import argparse
import random
import time
from contextlib import ExitStack
from datetime import timedelta

from config.demo.shops import PREFIX, SHOPS, DemoShop
from tests.simulators.klaviyo import Klaviyo, klaviyo
from tests.simulators.klaviyo_account import fill
from tests.simulators.shopify import Shopify, shopify
from tests.simulators.shopify_data import invented, stamp

DAYS = 45
EVERY = 20.0
"""Seconds between two new orders."""
FOREVER = 10**9


def main() -> None:
    """Serve until the process is ended; people go on buying."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shopify", type=int)
    parser.add_argument("klaviyo", type=int)
    options = parser.parse_args()
    with ExitStack() as stack:
        shops = stack.enter_context(shopify(port=options.shopify))
        mail = stack.enter_context(klaviyo(port=options.klaviyo))
        for number, each in enumerate(SHOPS, start=1):
            open_shop(shops, each, number)
            open_account(mail, each, number)
        while True:
            time.sleep(EVERY)
            sell(shops, random.choice(SHOPS))


def open_shop(shops: Shopify, shop: DemoShop, number: int) -> None:
    """Open a shop with its past."""
    token = "shpat_of_somebody_else" if shop.is_revoked else shop.token
    made = shops.shop(
        f"{PREFIX}{shop.slug}", token, zone=shop.zone, currency=shop.currency
    )
    made.orders = invented(
        shop.orders,
        until=shops.clock.now(),
        days=DAYS,
        seed=number,
        currency=shop.currency,
    )
    if shop.is_slow:
        made.bucket.capacity = made.bucket.level = 1000
        made.bucket.restore = 1.0
        made.order_cost = 10.0
    else:
        made.bucket.capacity = made.bucket.level = 20_000
        made.bucket.restore = 1000.0


def open_account(mail: Klaviyo, shop: DemoShop, number: int) -> None:
    """Open an account with its campaigns; a slow one has spent its reports."""
    made = mail.account(
        shop.account, keys={shop.key}, zone=shop.zone, currency=shop.currency
    )
    fill(made, seed=number)
    if shop.is_slow:
        now = mail.clock.seconds()
        for report in ("campaign-values-reports", "flow-values-reports"):
            made.seen[report] = [now - 80_000 + each for each in range(225)]


def sell(shops: Shopify, shop: DemoShop) -> None:
    """Let somebody buy something now."""
    held = shops.shops[shop.domain]
    with held.lock:
        last = max(int(each["legacyResourceId"]) for each in held.orders)
        (sold,) = invented(
            1,
            until=held.clock.now() + timedelta(days=1),
            days=1,
            currency=shop.currency,
        )
        now = stamp(held.clock.now())
        sold |= {
            "id": f"gid://shopify/Order/{last + 1}", "legacyResourceId": str(last + 1),
            "name": f"#{last + 1}", "createdAt": now, "processedAt": now,
            "updatedAt": now,
        }  # fmt: skip
        held.orders.append(sold)


if __name__ == "__main__":
    main()
