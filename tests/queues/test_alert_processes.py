"""Alerts among processes that die: none is lost, and the dead are told of."""

import http.client
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Max, Min
from werkzeug import Request, Response

from queues.alerts.measures import Reading, _measures, measure
from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.models import AlertChannel, AlertDelivery, AlertRule, Attempt, Job
from tests.processes import beat, command, free_port, until, web, worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

ALERTS, ARRIVE = 8, 3
LONG = 120.0


class Slack:
    """An incoming webhook that takes some messages, holds one, and then is down."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.holds, self.is_over = threading.Event(), threading.Event()

    def __call__(self, request: Request) -> Response:
        if self.is_over.is_set():
            return Response("down", status=503)
        if len(self.heard) >= ARRIVE:
            self.holds.set()
            self.is_over.wait(LONG)
            return Response("too late", status=503)
        self.heard.append(request.get_json()["text"].partition("\n")[0])
        return Response("ok")


@pytest.fixture
def alerts():
    """Let some alerts fire of which nobody has been told yet."""
    AlertRule.objects.create(code="hot", measure="test", threshold=10)
    AlertChannel.objects.create(name="slack", kind="slack", position=10)
    AlertChannel.objects.create(
        name="email", kind="email", position=20, target="ops@example.com"
    )
    readings = [Reading(11, f"shop-{number}") for number in range(ALERTS)]
    measure("test", "test")(lambda now, window: readings)
    yield watch
    _measures.pop("test")


def test_S47_nothing_is_lost_when_the_worker_is_killed_and_slack_is_down(
    alerts, settings, httpserver
):
    slack = Slack()
    httpserver.expect_request("/hook").respond_with_handler(slack)
    settings.SLACK_WEBHOOK_URL = httpserver.url_for("/hook")
    at = {"SLACK_WEBHOOK_URL": settings.SLACK_WEBHOOK_URL}
    assert alerts().messages == ALERTS

    with worker("-c", "1", **at) as first:
        assert slack.holds.wait(LONG)
        first.kill()
    slack.is_over.set()
    with worker("-c", "2", EMAIL_URL="consolemail://", **at) as second:
        until(lambda: sent().total() == ALERTS, LONG)
        mails = second.output.count("Subject: [Ritmo] Warning: hot: shop-")

    assert sent() == {"slack": ARRIVE, "email": ALERTS - ARRIVE}
    assert len(set(slack.heard)) == ARRIVE
    assert mails == ALERTS - ARRIVE
    took = spans()
    assert len(took) == ALERTS - ARRIVE
    assert max(took) < timedelta(minutes=1)
    print(f"slack down, given up on after {max(took)}")
    lost = Job.objects.filter(type="deliver-alert", attempts__outcome="lost")
    assert lost.count() >= 1
    assert not Job.objects.filter(type="deliver-alert", status="failed").exists()


def spans() -> list[timedelta]:
    """Return how long each message was tried over a channel that did not take it.

    By the database's clock, from the first claim to the last end; the try of the
    killed worker, which had to be found first, left out.
    """
    failed = list(
        AlertDelivery.objects.filter(status="failed").values_list("pk", flat=True)
    )
    tries = Attempt.objects.exclude(outcome="lost").filter(
        job__type="deliver-alert", job__payload__delivery__in=failed
    )
    each = tries.values("job").annotate(took=Max("finished_at") - Min("claimed_at"))
    return list(each.values_list("took", flat=True))


def sent() -> Counter[str]:
    """Count what arrived over each channel."""
    rows = AlertDelivery.objects.filter(status="sent")
    return Counter(rows.values_list("channel__name", flat=True))


@pytest.fixture
def mailbox(httpserver):
    """Return what Slack heard, served where the settings say."""
    heard: list[str] = []

    def hear(request: Request) -> Response:
        heard.append(request.get_json()["text"])
        return Response("ok")

    httpserver.expect_request("/hook").respond_with_handler(hear)
    return heard


def ready(port: int) -> tuple[int, str]:
    """Return what /readyz says."""
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        wire.request("GET", "/readyz")
        answer = wire.getresponse()
        return answer.status, answer.read().decode()
    finally:
        wire.close()


def test_S50_acceptance_4_the_dead_are_told_of_within_a_minute(
    httpserver, mailbox, tmp_path
):
    install_rules()
    port = free_port()
    at = {
        "SLACK_WEBHOOK_URL": httpserver.url_for("/hook"), "DATA_DIR": str(tmp_path),
    }  # fmt: skip

    with web(port, **at):
        with beat(**at) as clock, worker("-c", "1", **at) as hands:
            until(lambda: ready(port)[0] == 200)
            all_well = command("doctor", "--dead-man", **at)
            clock.kill()
            hands.kill()
        since = time.monotonic()
        until(lambda: ready(port)[0] == 503, 60)
        print(f"/readyz said so after {time.monotonic() - since:.0f} s")
        # Each is named among the checks and in the error.
        until(lambda: ready(port)[1].count("not seen") == 4, 60)
        told = command("doctor", "--dead-man", **at)

    assert (all_well.returncode, told.returncode) == (0, 1), told.stderr
    (message,) = mailbox
    assert "beat" in message
    assert "workers" in message
