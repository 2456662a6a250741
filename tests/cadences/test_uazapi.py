"""sync-uazapi: the real client against a provider that misbehaves on demand."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.http import http_date

from cadences.channels import call
from queues.enqueue import enqueue
from queues.errors import InvalidJobData
from queues.models import Attempt
from queues.testing import inline
from tests.simulators.uazapi import TOKEN, Fault, Simulator, limited, uazapi

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings) -> Iterator[Simulator]:
    """A provider that the settings point to."""
    with uazapi() as simulator:
        settings.UAZAPI_BASE_URL = simulator.url
        settings.UAZAPI_TOKEN = TOKEN
        yield simulator


def run(**data: object) -> Any:
    """Run the job to its end and return it."""
    with inline():
        job = enqueue("sync-uazapi", data)
    job.refresh_from_db()
    return job


def test_the_status_of_the_instance_is_the_result(provider):
    job = run(syncType="full")

    assert job.status == "completed"
    assert job.result == {
        "syncType": "full", "instance": "sales", "status": "connected",
        "connected": True, "loggedIn": True,
    }  # fmt: skip
    ((method, path, headers),) = provider.requests
    assert (method, path, headers["token"]) == ("GET", "/instance/status", TOKEN)


def test_a_disconnected_instance_is_a_result_and_a_warning(provider, caplog):
    provider.disconnect()

    with caplog.at_level(logging.WARNING, "cadences.jobs"):
        job = run()

    assert (job.status, job.result["connected"]) == ("completed", False)
    assert "the instance sales is disconnected" in caplog.text


@pytest.mark.parametrize("name", ["UAZAPI_BASE_URL", "UAZAPI_TOKEN"])
def test_a_missing_setting_is_named(provider, settings, name):
    setattr(settings, name, "")

    job = run()

    assert job.status == "failed"
    assert job.error.startswith(f"{name} is not set")
    assert provider.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_buried_with_what_to_fix(provider, status, caplog):
    provider.faults.append(Fault(status, f'{{"error":"Invalid token {TOKEN}"}}'))

    job = run()

    assert (job.status, job.failures) == ("failed", 1)
    assert job.error == f"UAZAPI answered {status}: Invalid token •••. Check its token"
    assert TOKEN not in caplog.text
    assert len(provider.requests) == 1


def test_a_wrong_token_is_refused_by_the_provider(provider, settings):
    settings.UAZAPI_TOKEN = "another"

    assert "Check its token" in run().error


@pytest.mark.parametrize("seconds", ["90", "date"])
def test_a_rate_limit_with_a_time_waits_and_counts_nothing(provider, seconds):
    moment = timezone.now() + timedelta(seconds=90)
    provider.faults.append(
        limited(http_date(moment.timestamp()) if seconds == "date" else seconds)
    )

    job = run()

    assert (job.status, job.failures) == ("pending", 0)
    assert abs((job.run_at - moment).total_seconds()) < 5
    assert Attempt.objects.get().outcome == "snoozed"


def test_a_rate_limit_without_a_time_is_tried_again(provider):
    provider.faults.append(limited(None))

    assert (job := run()).failures == 1
    assert job.error == "UAZAPI answered 429: Rate limit exceeded"


@pytest.mark.parametrize("fault", [
    Fault(500), Fault(503, "<html>"), Fault(hang_up=True), Fault(200, "<html>"),
    Fault(200, "[]"), Fault(200, "{}"),
])  # fmt: skip
def test_trouble_at_the_provider_is_tried_again(provider, fault):
    provider.faults.append(fault)

    job = run()

    assert (job.status, job.failures) == ("pending", 1)
    assert job.error.startswith("UAZAPI")


def test_a_slow_provider_is_tried_again(provider, monkeypatch):
    monkeypatch.setattr(call, "ASK_SECONDS", 0.1)
    provider.faults.append(Fault(wait=0.4))

    assert run().error.endswith("no answer within 0.1 s")


def test_a_provider_that_is_not_there_is_tried_again(provider, settings):
    settings.UAZAPI_BASE_URL = "http://127.0.0.1:9"

    assert run().error.startswith(
        "UAZAPI: http://127.0.0.1:9/instance/status: ConnectError"
    )


@pytest.mark.parametrize("fault", [
    Fault(404, '{"error":"Not found"}'),
    Fault(302, "", {"Location": "https://example.com/"}),
])  # fmt: skip
def test_another_refusal_is_buried_and_no_redirect_is_followed(provider, fault):
    provider.faults.append(fault)

    job = run()

    assert job.status == "failed"
    assert job.error.endswith("Check its address")
    assert len(provider.requests) == 1


def test_words_for_booleans_are_understood(provider):
    provider.instance = {"name": "old"}
    provider.status = {"connected": "true", "loggedIn": "False"}

    result = run().result

    assert (result["status"], result["connected"]) == ("connected", True)
    assert result["loggedIn"] is False


def test_an_unknown_sync_type_is_refused():
    with pytest.raises(InvalidJobData, match="syncType"):
        enqueue("sync-uazapi", {"syncType": "some"})
