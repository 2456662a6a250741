"""A cadence from its first word to the answer: the console, a worker, a provider, a phone."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import Page, expect

from cadences.models import Account, Attempt, Execution, Run
from config.demo.personas import Persona
from queues.work import run_due
from tests.browser.desk import go, has_no_overflow
from tests.browser.doors import carry_in
from tests.browser.test_cadences import build
from tests.cadences.people import company, lead
from tests.cadences.providers import through_uazapi
from tests.simulators.uazapi import Simulator, uazapi

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("complaints"),
    pytest.mark.timeout(300),
]
LONG = 60_000
NUMBER = "5511987650001"
ANSWER = "Oi! Tenho interesse, pode me ligar?"


@pytest.fixture
def phones() -> Iterator[Simulator]:
    """Return the provider, where Ana's phone answers the first message."""
    with uazapi() as simulator:
        simulator.people[NUMBER] = Persona("answers", ANSWER, after=0)
        yield simulator


@pytest.fixture
def account(phones: Simulator, transactional_db: Any) -> Account:
    company(calendar=None, name="Acme Ltda").accounts.filter(medium="email").delete()
    return through_uazapi(phones)


@pytest.fixture
def desk(page: Page, live_server: Any, admin_user: User, account: Account) -> Page:
    """Return the browser of the administrator, with a lead and a sender."""
    lead(name="Ana Souza", whatsapp=NUMBER)
    carry_in(page.context, live_server.url, admin_user)
    page.goto(f"{live_server.url}/admin/")
    return page


@pytest.fixture
def worker(transactional_db: Any) -> Iterator[None]:
    """Run what is due beside the browser."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(0.2):
            run_due(limit=5, seconds=20)
        connection.close()

    thread = threading.Thread(target=loop)
    thread.start()
    yield
    stop.set()
    thread.join(30)


def publish(desk: Page) -> None:
    desk.get_by_role("link", name="Publish").click()
    desk.get_by_role("button", name="Publish version 1").click()
    expect(desk.get_by_text("Version 1 is published")).to_be_visible()


def enrol(desk: Page) -> None:
    go(desk, "Leads")
    desk.get_by_role("link", name="Ana Souza").click()
    desk.get_by_role("link", name="Enrol into a cadence").click()
    desk.get_by_role("button", name="Enrol into a cadence").click()
    expect(desk.get_by_text("Enrolled: 1 row.")).to_be_visible()


def start_a_pass(desk: Page) -> None:
    go(desk, "Runner logs")
    desk.get_by_role("link", name="Start a pass").click()
    desk.get_by_label("Send what is due, now").check()
    desk.get_by_role("button", name="Start").click()
    expect(desk.get_by_text("The pass is ordered")).to_be_visible()


def until(desk: Page, told: Any) -> None:
    """Look again until the page tells it."""
    for _ in range(60):
        if told.count():
            break
        desk.wait_for_timeout(500)
        desk.reload()
    expect(told.first).to_be_visible()


def knock(url: str, path: str, body: Any) -> int:
    """Deliver to a webhook over the wire, as the provider does."""
    wire = HTTPConnection(urlsplit(url).netloc, timeout=30)
    wire.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    try:
        return wire.getresponse().status
    finally:
        wire.close()


@pytest.mark.usefixtures("worker")
def test_a_cadence_is_built_published_sent_answered_and_says_why_it_ended(
    desk: Page, phones: Simulator, account: Account, live_server: Any
):
    build(desk)
    publish(desk)
    enrol(desk)
    start_a_pass(desk)

    go(desk, "Runs")
    desk.get_by_role("link", name="Ana Souza").click()
    until(desk, desk.locator(".timeline").get_by_text("sent", exact=True))
    expect(desk.locator(".timeline")).to_contain_text("hello")
    expect(desk.get_by_text("Why has this not been sent")).to_be_visible()
    assert [(each.number, each.text) for each in phones.ledger] == [
        (NUMBER, "Olá Ana Souza, tudo bem?")
    ]

    path = f"/webhooks/uazapi/{account.pk}/messages"
    told = phones.tell(lambda body: knock(live_server.url, path, body), times=2)
    assert set(told) == {200}
    until(desk, desk.locator(".facts").get_by_text("replied"))

    expect(desk.get_by_text(ANSWER)).to_be_visible()
    expect(desk.get_by_text("Why has this not been sent")).to_have_count(0)
    desk.set_viewport_size({"width": 400, "height": 800})
    assert has_no_overflow(desk)
    run = Run.objects.get()
    assert (run.status, run.exit_reason, run.next_run_at) == (
        "CONCLUIDA",
        "replied",
        None,
    )
    assert Execution.objects.get().delivery == "read"
    assert Attempt.objects.count() == len(phones.ledger) == 1
