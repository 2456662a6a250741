"""Providers that hang, drip or storm: no call without an end, no call too many."""

import time
from functools import partial

import pytest
from django.utils import timezone

from queues.outbound import Line
from syncs import calls
from syncs.errors import RateLimited, Transient
from syncs.models import Piece
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import klaviyo_of, pull

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["hang", "drip", "reset", "latency"])
def test_S09_a_socket_that_never_ends_is_left(mail, monkeypatch, kind):
    calls.hang_up()
    monkeypatch.setattr(calls, "Line", partial(Line, seconds=0.5))
    mail.faults.add(kind, "flows", value=3)
    began = time.monotonic()

    with pytest.raises(Transient) as caught:
        pull(klaviyo_of(), stream="flows")

    assert time.monotonic() - began < 30
    assert caught.value.endpoint == "flows"
    assert not Piece.objects.exists()


def test_S14_in_a_storm_one_call_is_made_and_the_others_wait(mail):
    mail.faults.add("retry_after", "flows", times=999, value=30)
    links = [klaviyo_of() for _ in range(6)]

    for link in links * 5:
        with pytest.raises(RateLimited) as caught:
            pull(link, stream="flows")
        assert (caught.value.until - timezone.now()).total_seconds() <= 30

    assert mail.ledger.count("flows") == 1
