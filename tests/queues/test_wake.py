"""The bell: the message that Celery would send, few of them, and cheap."""

import json
import os
import signal
import time

import pytest
import redis
from celery import current_app
from django.conf import settings

from queues.wake import MAX_OUTSTANDING, wake
from tests.processes import until
from tests.queues.runners import race

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
    for number in range(1, MAX_OUTSTANDING + 3):
        wake("default")
        assert waiting_bells() == min(number, MAX_OUTSTANDING)


def test_a_ring_does_not_wait_for_a_broker_that_hangs(own_redis):
    wake("default")
    until(lambda: waiting(own_redis) == 1)
    own_redis.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()

    wake("default")
    took = time.monotonic() - began

    own_redis.process.send_signal(signal.SIGCONT)
    assert took < 0.5
    until(lambda: waiting(own_redis) == 2)


def test_what_the_broker_refused_is_told_at_the_next_ring(own_redis, caplog):
    with redis.Redis.from_url(own_redis.url) as client:
        client.set("ritmo:default", "no list")

    wake("default")
    assert not caplog.messages

    wake("default")
    assert "the pacemaker will ring: WRONGTYPE" in caplog.text


def test_a_line_that_idled_through_a_restart_is_opened_again(own_redis):
    wake("default")
    own_redis.stop()
    own_redis.start()

    before = waiting(own_redis)
    wake("default")

    until(lambda: waiting(own_redis) == before + 1)


def test_threads_have_lines_of_their_own(waiting_bells):
    def ring(number):
        for _ in range(50):
            wake(f"line{number}")

    race(8, ring)

    assert [waiting_bells(f"line{n}") for n in range(8)] == [MAX_OUTSTANDING] * 8


def test_a_forked_process_rings_on_a_line_of_its_own(waiting_bells):
    wake("default")
    if (pid := os.fork()) == 0:
        wake("mail")
        os._exit(0)
    os.waitpid(pid, 0)
    wake("default")

    until(lambda: waiting_bells("mail") == 1)
    assert waiting_bells("default") == 2


def waiting(server):
    with redis.Redis.from_url(server.url) as client:
        return client.llen("ritmo:default")
