"""The bell: the message that Celery would send, few of them, and cheap."""

import json

import pytest
import redis
from celery import current_app
from django.conf import settings

from queues.wake import MAX_OUTSTANDING, wake

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def line():
    """Return a function that takes what waits at the broker, oldest first."""

    def take(queue):
        with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
            key = f"ritmo:{queue}"
            found = [json.loads(text) for text in client.lrange(key, 0, -1)[::-1]]
            client.delete(key)
        return found

    return take


def own(message):
    """Return a message without what differs from one sending to the next."""
    told = {**message["headers"], "id": "", "root_id": "", "origin": ""}
    properties = {
        **message["properties"],
        "correlation_id": "",
        "reply_to": "",
        "delivery_tag": "",
        "delivery_info": "",
    }
    return {**message, "headers": told, "properties": properties}


def test_a_bell_is_the_message_that_celery_sends(line):
    wake("default")
    current_app.send_task("queues.work", args=("default",), queue="default")

    ours, theirs = line("default")

    assert own(ours) == own(theirs)


def test_bells_differ_in_their_tags_and_name_their_queue(line):
    wake("default")
    wake("default")
    wake("mail")

    tags = [each["properties"]["delivery_tag"] for each in line("default")]
    (mail,) = line("mail")

    assert len({*tags, mail["properties"]["delivery_tag"]}) == 3
    assert mail["headers"]["argsrepr"] == "('mail',)"


def test_no_more_bells_wait_than_are_of_use(waiting_bells):
    rung = [wake("default") for _ in range(MAX_OUTSTANDING + 3)]

    assert rung == [True] * MAX_OUTSTANDING + [False] * 3
    assert waiting_bells() == MAX_OUTSTANDING


def test_a_broker_that_forgot_the_script_is_taught_it_again(waiting_bells):
    wake("default")
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        client.script_flush()

    assert wake("default")
    assert waiting_bells() == 2
