"""Simulators that the settings point to."""

from collections.abc import Iterator

import pytest

from tests.simulators.clock import Clock
from tests.simulators.klaviyo import Klaviyo, klaviyo
from tests.simulators.shopify import Shopify, shopify


@pytest.fixture
def clock() -> Clock:
    """A provider's clock that stands at noon of 20 November 2026."""
    from tests.syncs.shops import NOON

    made = Clock(NOON)
    made.scale = 1.0
    return made


@pytest.fixture
def shops(settings, clock) -> Iterator[Shopify]:
    """Shopify, with one shop of 130 orders."""
    from tests.simulators.shopify_data import invented

    with shopify(clock) as simulator:
        settings.SHOPIFY_BASE_URL = f"{simulator.url}/{{shop}}"
        settings.SHOPIFY_FILE_HOSTS = (simulator.url.removeprefix("http://"),)
        made = simulator.shop("mugs")
        made.orders = invented(130, until=clock.now(), days=19)
        yield simulator
    _hang_up()


@pytest.fixture
def mail(settings, clock) -> Iterator[Klaviyo]:
    """Klaviyo, with one account."""
    from tests.simulators.klaviyo_account import fill

    with klaviyo(clock) as simulator:
        settings.KLAVIYO_BASE_URL = simulator.url
        fill(simulator.account())
        yield simulator
    _hang_up()


def _hang_up() -> None:
    from syncs.calls import hang_up

    hang_up()
