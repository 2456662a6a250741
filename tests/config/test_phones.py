"""The demo's phones: a provider in a process of its own, with people behind it."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cadences.channels.uazapi import Uazapi
from cadences.errors import ProviderDown
from cadences.models import Account, Company
from cadences.outcomes import Accepted
from cadences.ports import Letter, Sender
from config.demo.accounts import ACCOUNT, connect, reconnect
from config.demo.personas import MISSING, PEOPLE, away, by_number
from config.demo.provider import Webhook
from config.env import BASE_DIR
from queues.seal import Secret, seal
from tests.processes import free_port, until
from tests.simulators.target import Target, target
from tests.simulators.uazapi import uazapi

TOKEN = "demo-phones-token"


@pytest.fixture
def hook() -> Iterator[Target]:
    """What the phones tell."""
    with target() as server:
        yield server


@pytest.fixture
def sender(hook: Target) -> Iterator[Sender]:
    """An account at phones that run as `up` runs them."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "config.demo.provider", "--port", str(port),
            "--webhook", f"http://127.0.0.1:{hook.port}/status/200",
        ],
        cwd=BASE_DIR, env={**os.environ, "DEMO_PHONES_TOKEN": TOKEN},
    )  # fmt: skip
    secret = Secret(seal({"token": TOKEN}))
    home = Sender("1", "", base_url=f"http://127.0.0.1:{port}", credentials=secret)

    def answers() -> bool:
        try:
            return Uazapi().check(home) == "sales: connected"
        except ProviderDown:
            return False

    try:
        until(answers)
        yield home
    finally:
        process.terminate()
        process.wait()


def test_a_message_arrives_and_the_webhook_hears_of_it(sender, hook):
    number = next(
        n for n in map(str, range(5511900000000, 5511900001000)) if by_number(n).text
    )

    outcome = Uazapi().send(Letter(sender, f"+{number}", "Oi", "c.1"))

    assert isinstance(outcome, Accepted)
    until(lambda: len(hook.requests) >= 3)
    told = b"".join(body for _, _, _, body in hook.requests)
    assert outcome.message_id.encode() in told
    assert b'"track_id": "c.1"' in told


def test_what_the_webhook_refuses_is_told_again_and_then_dropped():
    with uazapi() as provider:
        hook = Webhook(provider, "http://127.0.0.1:9/")
        assert hook.tell({}) is False
        refusing = Webhook(provider, f"{provider.url}/nothing")
        assert refusing.tell({}) is False


def test_everybody_has_a_temper_of_their_own():
    met = {
        by_number(str(number)).name for number in range(5511900000000, 5511900000200)
    }

    assert met == {each.name for each in (*PEOPLE, away())}
    assert by_number("5511900000001") == by_number("5511900000001")
    assert list(MISSING.replies(1)) == []


@pytest.mark.django_db
def test_the_demos_account_follows_the_phones(settings):
    company = Company.objects.create(code="demo")
    settings.DEMO_PHONES_URL, settings.DEMO_PHONES_TOKEN = "", ""
    assert connect(company) is None
    settings.DEMO_PHONES_URL, settings.DEMO_PHONES_TOKEN = "http://127.0.0.1:1", "a"
    assert connect(company) is not None

    settings.DEMO_PHONES_URL, settings.DEMO_PHONES_TOKEN = "http://127.0.0.1:2", "b"
    reconnect()

    account = Account.objects.get()
    assert (account.pk, account.base_url) == (ACCOUNT, "http://127.0.0.1:2")
    assert account.sender().secret("token") == "b"
