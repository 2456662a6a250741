"""The commands: what they print, how they refuse, and their exit codes."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection
from django.utils import timezone

from queues.enqueue import enqueue
from queues.models import Job
from queues.work import run_due
from tests.processes import command, worker


def call(name: str, *arguments: str) -> str:
    """Run a command in this process and return what it prints."""
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_enqueue_prints_the_id_of_the_row():
    printed = call("enqueue", "send-receipt", '{"order_id": 7}', "--priority", "2",
                   "--unique", "order-7")  # fmt: skip

    job = Job.objects.get(pk=int(printed))
    assert (job.type, job.payload, job.priority) == ("send-receipt", {"order_id": 7}, 2)
    assert (job.unique_key, job.source, job.queue) == ("order-7", "command", "default")
    assert (
        int(call("enqueue", "send-receipt", '{"order_id": 7}', "--unique", "order-7"))
        == job.pk
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("word", "kept"), [("keep", 1), ("replace", 2), ("coalesce", 1)]
)
def test_enqueue_says_what_becomes_of_a_request_whose_key_is_held(word, kept):
    first = call("enqueue", "noop", '{"n": 1}', "--unique", "k")

    again = call("enqueue", "noop", '{"n": 2}', "--unique", "k", "--on-conflict", word)

    assert again == first
    assert Job.objects.get().payload == {"n": kept}


@pytest.mark.django_db
def test_enqueue_takes_a_moment_with_or_without_its_offset(settings):
    moment = timezone.now().replace(microsecond=0) + timedelta(hours=3)

    plain = call("enqueue", "noop", "--at", moment.replace(tzinfo=None).isoformat())
    exact = call("enqueue", "noop", "--at", moment.isoformat(), "--queue", "reports")

    assert Job.objects.get(pk=int(plain)).run_at == moment
    job = Job.objects.get(pk=int(exact))
    assert (job.run_at, job.queue) == (moment, "reports")


BAD = [
    (["nothing-like-it"], "Unknown job type: nothing-like-it"),
    (["no such type!"], "Invalid job type"),
    (["noop", "{"], "Invalid job data: not JSON"),
    (["noop", "[1]"], "Invalid job data: expected an object"),
    (["noop", "[" * 100_000], "Invalid job data: not JSON"),
    (["noop", '{"a": NaN}'], "Invalid job data: contains NaN"),
    (["noop", '{"a": "\\u0000"}'], "Invalid job data: contains a NUL"),
    (["noop", json.dumps({"a": "x" * 300_000})], "Payload too large"),
    (["send-receipt", "{}"], "order_id: Field required"),
    (["noop", "--priority", "0"], "Invalid priority"),
    (["noop", "--priority", "10"], "Invalid priority"),
    (["noop", "--queue", "nowhere"], "Unknown queue: nowhere"),
    (["noop", "--at", "tomorrow"], "Not a date and time: tomorrow"),
    (["noop", "--at", "2001-01-01T00:00Z"], "The due time lies in the past"),
    (["noop", "--at", "9999-01-01T00:00Z"], "more than ten years ahead"),
    (["noop", "--unique", ""], "A unique key is a text"),
    (["noop", "--unique", "k", "--on-conflict", "drop"], "Unknown on_conflict: drop"),
    (["noop", "--wait", "-1"], "--wait takes seconds"),
    (["noop", "--wait", "nan"], "--wait takes seconds"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("arguments", "line"), BAD)
def test_enqueue_refuses_in_one_line_and_writes_nothing(arguments, line):
    with pytest.raises(CommandError) as refusal:
        call("enqueue", *arguments)

    assert refusal.value.returncode == 2
    assert line in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert not Job.objects.exists()


@pytest.fixture
def in_background() -> Iterator[Callable[..., None]]:
    """Return a function that works on the queue beside the test until it is over."""
    over, threads = threading.Event(), []

    def loop() -> None:
        while not over.wait(0.05):
            run_due(limit=10, seconds=5)
        connection.close()

    threads.append(threading.Thread(target=loop))
    yield threads[0].start
    over.set()
    for thread in threads:
        if thread.ident:
            thread.join()


@pytest.mark.django_db(transaction=True)
def test_enqueue_waits_for_the_result(in_background):
    in_background()

    printed = call(
        "enqueue", "send-receipt", '{"order_id": 7}', "--wait", "10"
    ).splitlines()

    assert Job.objects.get(pk=int(printed[0])).status == "completed"
    assert json.loads(printed[1])["order_id"] == 7


@pytest.mark.django_db(transaction=True)
def test_enqueue_fails_with_a_job_that_fails(in_background):
    in_background()

    with pytest.raises(CommandError, match=r"Job \d+ is failed: no use") as failure:
        call("enqueue", "choose", '{"end": "bury"}', "--wait", "10")

    assert failure.value.returncode == 1


@pytest.mark.django_db
def test_enqueue_fails_if_the_time_is_over():
    said = r"is still pending after 0\.2 s\. It is due, but no worker is running\."

    with pytest.raises(CommandError, match=said) as failure:
        call("enqueue", "noop", "--wait", "0.2")

    assert failure.value.returncode == 1
    assert Job.objects.get().status == "pending"


@pytest.mark.django_db
def test_process_queue_prints_the_stats():
    enqueue("noop")
    dying = enqueue("choose", {"end": "bury"}, priority=1)
    trying = enqueue("fail-slowly", priority=2)
    enqueue("noop", priority=9)

    first = json.loads(call("process_queue", "--max", "3"))

    assert first == {
        "processed": 1, "failed": 1, "errors": [
            {"jobId": str(dying.pk), "type": "choose", "error": "no use"},
            {"jobId": str(trying.pk), "type": "fail-slowly", "error": "RuntimeError: later again"},
        ],
    }  # fmt: skip
    assert Job.objects.filter(status="pending").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("most", ["0", "-1", "10001"])
def test_process_queue_refuses_a_bad_number(most):
    with pytest.raises(CommandError, match="--max takes a number") as refusal:
        call("process_queue", "--max", most)

    assert refusal.value.returncode == 2


@pytest.mark.django_db
def test_prune_says_how_many(sql):
    sql(
        "INSERT INTO jobs (type, status, completed_at)"
        " SELECT 'noop', 'completed', now() - interval '400 days' FROM generate_series(1, 3)"
    )
    enqueue("noop")

    assert call("prune") == "Deleted 3 jobs\n"
    assert call("prune") == "Deleted 0 jobs\n"


@pytest.mark.parametrize("arguments", [
    ["enqueue"], ["enqueue", "noop", "--priority", "x"], ["process_queue", "--max", "ten"],
    ["prune", "--all"],
])  # fmt: skip
def test_arguments_that_cannot_be_parsed_are_refused_in_one_line(arguments, capsys):
    name, *rest = arguments
    wanted = load_command_class("queues", name)

    with pytest.raises(SystemExit) as refusal:
        wanted.run_from_argv(["manage.py", name, *rest])

    assert refusal.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.django_db(transaction=True)
def test_misuse_exits_2_with_one_line():
    ended = command("enqueue", "noop", "{")

    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert ended.stdout == ""


@pytest.mark.django_db(transaction=True)
def test_no_database_is_a_failure_of_one_line():
    ended = command("process_queue", DATABASE_URL="postgres://u:p@127.0.0.1:9/none")

    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


@pytest.mark.django_db(transaction=True)
def test_a_worker_completes_what_the_command_enqueues():
    with worker("-c", "1"):
        done = command("enqueue", "send-receipt", '{"order_id": 7}', "--wait", "30")
        with pytest.raises(CommandError, match=r"is failed: no use$") as dead:
            call("enqueue", "choose", '{"end": "bury"}', "--wait", "30")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[1])["attempt"] == 1
    assert dead.value.returncode == 1
