"""The bells that a process hears itself, while Celery thinks that it still works."""

import os
import signal
import time

import pytest
import redis
from django.conf import settings

from queues import listen, tasks
from queues.drain import drain, undrain
from queues.enqueue import enqueue
from queues.listen import bells, open_ear, shut_ear
from queues.models import Attempt, Job, Worker
from queues.wake import wake
from tests.processes import until, worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Listen for a moment only, and have deaf ears afterwards."""
    monkeypatch.setattr(listen, "IDLE", 0.3)
    monkeypatch.setattr(listen, "NAP", 0.1)
    open_ear()
    yield
    shut_ear()
    listen._ear[listen.LEAVING] = 0
    listen._mine.__dict__.clear()


def test_every_bell_is_heard_once_the_queues_in_their_order():
    wake("mail")
    wake("default")
    wake("default")

    assert list(bells(["default", "mail"])) == ["default", "default", "mail"]


def test_who_hears_nothing_for_a_while_goes_back_to_celery():
    began = time.monotonic()

    assert list(bells(["default"])) == []
    assert time.monotonic() - began < 5


def test_a_bell_that_reaches_a_leaving_process_is_passed_on(waiting_bells):
    enqueue("noop")
    listen.leave_off()
    rung = waiting_bells()

    tasks.work("default")

    assert not Attempt.objects.exists()
    assert waiting_bells() == rung + 1


def test_whoever_is_always_busy_goes_back_now_and_then(monkeypatch):
    monkeypatch.setattr(listen, "TURN", 0.5)
    wake("default")
    heard = 0

    for _ in bells(["default"]):
        heard += 1
        wake("default")
        time.sleep(0.01)

    assert heard > 1


def test_a_deaf_process_hears_nothing(waiting_bells):
    shut_ear()
    wake("default")

    assert list(bells(["default"])) == []
    assert waiting_bells() == 1


def test_a_bell_that_comes_as_the_ear_is_shut_is_left_to_others(
    monkeypatch, waiting_bells
):
    hear = listen._hear

    def hear_late(queues):
        queue = hear(queues)
        shut_ear()
        return queue

    monkeypatch.setattr(listen, "_hear", hear_late)
    wake("default")

    assert list(bells(["default"])) == []
    assert waiting_bells() == 1


def test_without_a_broker_there_is_nothing_to_hear(own_redis):
    own_redis.stop()

    assert list(bells(["default"])) == []


def test_a_restarted_broker_is_heard_again(own_redis):
    assert list(bells(["default"])) == []
    own_redis.stop()
    own_redis.start()

    with redis.Redis.from_url(own_redis.url) as client:
        client.delete("ritmo:default")
    wake("default")

    assert list(bells(["default"])) == ["default"]


class TestWorker:
    """A real one: of many bells Celery itself hears a few."""

    def test_its_processes_listen_and_end_at_once(self):
        with worker("-c", "2") as celery:
            for _ in range(12):
                done(enqueue("noop"))
            until(lambda: listeners() >= 2)  # the worker itself is one at most
            began = time.monotonic()
            celery.send(signal.SIGTERM)
            assert celery.wait(30) == 0
            took = time.monotonic() - began

        assert took < 8  # no handler ran: nothing was waited for
        assert not Worker.objects.filter(gone_at=None).exists()

    def test_it_hears_all_of_its_queues(self):
        with worker("-c", "1", queues="default,reports"):
            for queue in ["default", "reports", "reports"] * 5:
                done(enqueue("noop", queue=queue))

    def test_a_killed_listener_takes_no_job_along(self):
        with worker("-c", "2") as celery:
            for _ in range(10):
                done(enqueue("noop"))
            os.kill(celery.children()[0], signal.SIGKILL)
            for _ in range(10):
                done(enqueue("noop"))

        assert Attempt.objects.count() == Job.objects.count() == 20

    def test_while_it_drains_its_bells_are_left_to_others(self, waiting_bells):
        with worker("-c", "2"):
            for _ in range(5):
                done(enqueue("noop"))
            node = Worker.objects.get(kind="node", gone_at=None)
            drain(node.pk)
            time.sleep(2 + listen.NAP)
            job = enqueue("noop")
            until(lambda: waiting_bells() > 0, 5)
            assert Job.objects.get(pk=job.pk).status == "pending"

            undrain(node.pk)
            done(job)


def listeners():
    """Return how many connections wait for a bell."""
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        return sum(each["cmd"] == "brpop" for each in client.client_list())


def done(job):
    until(lambda: Job.objects.get(pk=job.pk).status == "completed", every=0.005)


def test_the_key_is_the_one_that_celery_waits_at():
    wake("default")
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        assert client.keys() == [b"ritmo:default"]
