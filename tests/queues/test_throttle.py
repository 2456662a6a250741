"""One bearer secret may call so often a minute, at all doors together."""

import time
from hashlib import sha256
from uuid import uuid4

import pytest
from django.core.cache import cache

from queues.api import throttle
from queues.models import Job
from tests.queues.callers import ENQUEUE, PASS, STATS, call, get, person, post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def secret(settings) -> str:
    """Return a secret that nobody has called with."""
    found = f"secret-{uuid4()}"
    settings.CRON_SECRETS = (found,)
    settings.API_CALLS_A_MINUTE = 3
    return found


def test_the_fourth_call_of_a_minute_is_told_when_to_come_again(secret, settings):
    doors = [get(STATS, secret=secret), post(PASS, secret=secret)]
    doors.append(post(ENQUEUE, {"type": "noop", "data": {}}, secret=secret))

    refused = post(ENQUEUE, {"type": "noop", "data": {}}, secret=secret)

    assert [each.status_code for each in doors] == [200, 200, 200]
    assert refused.status_code == 429
    assert refused.json() == {"error": "Too many requests"}
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert Job.objects.count() == 1
    settings.CRON_SECRETS = (secret, other := f"secret-{uuid4()}")
    assert get(STATS, secret=other).status_code == 200


def key_of(secret: str) -> str:
    return f"calls:{sha256(secret.encode()).hexdigest()}"


def test_another_minute_begins_anew(secret):
    for _ in range(4):
        last = get(STATS, secret=secret)
    assert last.status_code == 429

    cache.delete(key_of(secret))  # what the cache does by itself after a minute

    assert get(STATS, secret=secret).status_code == 200


def test_the_minute_is_the_cache_s_to_end(secret, monkeypatch):
    monkeypatch.setattr(throttle, "MINUTE", 0.05)
    answers = []

    for _ in range(8):
        answers.append(get(STATS, secret=secret).status_code)
        time.sleep(0.06)

    assert set(answers) == {200}


def test_a_token_of_a_person_counts_and_a_wrong_one_opens_nothing(secret):
    _, token = person("ana")

    mine = [get("/api/jobs", secret=token).status_code for _ in range(4)]
    wrong = [get("/api/jobs", secret=f"{secret}x").status_code for _ in range(4)]

    assert mine == [200, 200, 200, 429]
    assert wrong == [401, 401, 401, 429]


def test_who_shows_no_secret_and_what_is_no_door_is_not_counted(secret):
    assert {get("/healthz", secret=None).status_code for _ in range(5)} == {200}
    pages = [get("/admin/login/", secret=secret).status_code for _ in range(5)]
    assert set(pages) == {200}
    asked = [call("OPTIONS", ENQUEUE, secret=None).status_code for _ in range(5)]
    assert set(asked) == {200}


def test_nothing_is_counted_unless_it_was_set(settings):
    settings.CRON_SECRETS = (f"secret-{uuid4()}",)
    (mine,) = settings.CRON_SECRETS

    assert {get(STATS, secret=mine).status_code for _ in range(20)} == {200}
    assert cache.get(key_of(mine)) is None


def test_a_cache_that_is_away_shuts_no_door(secret, settings, caplog):
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/1"}
    settings.CACHES = {"default": away}

    answers = {get(STATS, secret=secret).status_code for _ in range(5)}

    assert answers == {200}
    assert "calls are not counted" in caplog.text
