"""Health, readiness and metrics, with everything there and with nothing there."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection

import pytest
from django.db import connection
from django.test import RequestFactory, override_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from queues.api import health
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.models import Worker
from queues.outcomes import Bury, Succeed
from queues.pause_queue import pause_queue
from queues.presence import present
from queues.settle import settle
from tests.processes import Process, web
from tests.queues.callers import CRON, ENQUEUE, RECEIPT, SERVICE, WORKER, call, get

live = pytest.mark.django_db(transaction=True)
READY = {"database": "ok", "broker": "ok", "beat": "ok", "workers": "ok"}


def ready(**more):
    answer = get("/readyz", secret=None, **more)
    return answer.status_code, answer.json()


def test_a_living_process_asks_nobody():
    # No database mark: a query would fail this test.
    answer = get("/healthz", secret=None)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert call("HEAD", "/healthz", secret=None).status_code == 200


@live
def test_a_house_where_everybody_answers():
    for kind in (Worker.Kind.BEAT, Worker.Kind.NODE):
        present(kind)

    assert ready() == (200, {"status": "ready", "checks": READY})


@live
def test_whoever_is_not_heard_is_named():
    present(Worker.Kind.NODE)
    present(Worker.Kind.BEAT)
    Worker.objects.filter(kind="beat").update(
        seen_at=timezone.now() - timedelta(seconds=16)
    )

    status, said = ready()

    assert (status, said["status"]) == (503, "not ready")
    assert said["checks"] == {**READY, "beat": "not seen within 15 s"}
    assert said["error"] == "Not ready: beat not seen within 15 s"
    Worker.objects.filter(kind="node").update(gone_at=timezone.now())
    assert ready()[1]["checks"]["workers"] == "not seen within 15 s"


@live
def test_an_answer_that_is_awaited_is_no_news_for_the_log():
    def record(path: str) -> logging.LogRecord:
        said = logging.makeLogRecord({"name": "django.request", "status_code": 503})
        said.request = RequestFactory().get(path)
        return said

    news = logging.getLogger("django.request").filter

    assert not news(record("/readyz"))
    assert news(record("/api/jobs"))
    assert news(logging.makeLogRecord({"msg": "without a request"}))


def test_a_migration_that_waits_is_told(monkeypatch):
    wanted = health._wanted() | {("queues", "9999_later")}
    monkeypatch.setattr(health, "_wanted", lambda: wanted)

    assert ready()[1]["checks"]["database"] == "waits for 1 migrations"


@live
@pytest.mark.raw_rows
def test_a_database_without_tables_is_told(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "NAME", "postgres")

    checks = ready()[1]["checks"]

    assert (checks["database"], checks["beat"]) == ("is not migrated", "unknown")


@live
@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://:wrong@{address}/0"])
def test_a_broker_that_does_not_answer_is_told(settings, url):
    address = settings.CELERY_BROKER_URL.rpartition("@")[2].partition("/")[0]

    with override_settings(CELERY_BROKER_URL=url.format(address=address)):
        broker = ready()[1]["checks"]["broker"]

    assert broker in {"does not answer", "refuses the password"}


@pytest.fixture
def silent() -> Iterator[int]:
    """Listen on a port and never say a word, like a server that is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@live
@pytest.mark.raw_rows
def test_servers_that_hang_are_not_waited_for(silent, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", silent)
    began = time.monotonic()

    with override_settings(CELERY_BROKER_URL=f"redis://127.0.0.1:{silent}/0"):
        status, said = ready()

    assert time.monotonic() - began < 5
    assert status == 503
    assert said["checks"] == {
        "database": "does not answer", "broker": "does not answer",
        "beat": "unknown", "workers": "unknown",
    }  # fmt: skip


@live
@pytest.mark.parametrize("secret", [CRON, SERVICE, WORKER])
def test_every_service_secret_opens_the_metrics(secret):
    answer = get("/metrics", secret=secret, REMOTE_ADDR="203.0.113.9")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")


@live
@pytest.mark.parametrize("address", ["203.0.113.9", "", "unknown", "::2"])
def test_a_stranger_gets_no_metrics(address):
    answer = get("/metrics", secret=None, REMOTE_ADDR=address)

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


@live
def test_an_allowed_network_needs_no_secret_unless_a_proxy_speaks_for_it():
    def status(address, **more):
        return get("/metrics", secret=None, REMOTE_ADDR=address, **more).status_code

    assert status("127.0.0.1") == status("::1") == 200
    assert status("127.0.0.1", headers={"X-Forwarded-For": "203.0.113.9"}) == 401
    with override_settings(METRICS_ALLOWED_NETWORKS=["203.0.113.0/24"]):
        assert status("203.0.113.9") == 200
        assert status("127.0.0.1") == 401


@live
def test_the_metrics_read_the_rows(me):
    enqueue_many("noop", [{}] * 3)
    ends = [Succeed(), Bury("no")]
    settle(list(zip(claim(["default"], worker=me, limit=2), ends, strict=True)))
    enqueue("reports-queue")
    claim(["reports"], worker=me, limit=1)
    pause_queue("reports")

    text = get("/metrics").content.decode()

    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    told = {
        ("ritmo_jobs", "default", "pending"): 1,
        ("ritmo_jobs", "reports", "processing"): 1,
        ("ritmo_jobs_due", "default"): 1,
        ("ritmo_dead_letters", "noop"): 1,
        ("ritmo_attempts_last_hour", "completed"): 1,
        ("ritmo_attempts_last_hour", "buried"): 1,
        ("ritmo_attempts_last_hour", "lost"): 0,
        ("ritmo_firings_last_hour", "skipped"): 0,
        ("ritmo_firing_delay_seconds",): 0,
        ("ritmo_schedules_late",): 0,
        ("ritmo_workers", "child"): 1,
        ("ritmo_workers", "beat"): 0,
        ("ritmo_queue_paused", "default"): 0,
        ("ritmo_queue_paused", "reports"): 1,
        ("ritmo_audit_last_hour", "code"): 1,
        ("ritmo_audit_last_hour", "api"): 0,
    }
    assert {key: found[key] for key in told} == told
    assert found["ritmo_oldest_due_seconds", "default"] >= 0
    assert found["ritmo_worker_memory_bytes", "child"] > 10_000_000
    assert 0 <= found["ritmo_heartbeat_age_seconds", "child"] < 15


@pytest.fixture(scope="module")
def orphan() -> Iterator[int]:
    """Serve the site in a process of its own whose servers are both gone; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nowhere = {
        "DATABASE_URL": "postgres://nobody:hidden@127.0.0.1:1/none",
        "REDIS_URL": "redis://:hidden@127.0.0.1:1/0",
    }
    with web(port, **nowhere) as process:
        wait_for_port(port, process)
        yield port


def wait_for_port(port: int, process: Process) -> None:
    for _ in range(200):
        assert process.popen.poll() is None, process.output
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


def ask(port, method, path, body=None, **headers):
    door = HTTPConnection("127.0.0.1", port, timeout=8)
    began = time.monotonic()
    try:
        door.request(method, path, body, {"Host": "localhost", **headers})
        answer = door.getresponse()
        text = answer.read().decode()
    finally:
        door.close()
    assert time.monotonic() - began < 5
    assert "hidden" not in text
    assert "Traceback" not in text
    return answer.status, json.loads(text) if text else None


OPEN = {"Authorization": f"Bearer {CRON}", "Content-Type": "application/json"}


def test_without_servers_the_process_lives_and_is_not_ready(orphan):
    assert ask(orphan, "GET", "/healthz") == (200, {"status": "ok"})
    assert ask(orphan, "HEAD", "/healthz") == (200, None)

    status, said = ask(orphan, "GET", "/readyz")

    assert status == 503
    assert said["checks"]["database"] == said["checks"]["broker"] == "does not answer"


def test_without_a_database_the_doors_say_so_within_five_seconds(orphan):
    person = {"Authorization": "Bearer ritmo_token"}
    calls = [
        ("POST", ENQUEUE, OPEN), ("POST", "/api/cron/process-queue", OPEN),
        ("GET", "/api/queues/stats", OPEN), ("GET", "/metrics", OPEN),
        ("GET", "/api/jobs", person), ("GET", "/api/jobs", {"Cookie": "sessionid=" + "x" * 32}),
    ]  # fmt: skip

    def act(call):
        method, path, headers = call
        return ask(orphan, method, path, json.dumps(RECEIPT), **headers)

    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(act, calls))

    assert answers == [(503, {"error": "The database does not answer"})] * len(calls)


def test_without_a_database_refusals_stay_refusals(orphan):
    assert ask(orphan, "POST", ENQUEUE, "{}")[0] == 401
    assert ask(orphan, "POST", ENQUEUE, "{", **OPEN) == (
        400,
        {"error": "Malformed JSON"},
    )
    assert ask(orphan, "POST", ENQUEUE, "x" * 1_048_577, **OPEN)[0] == 413
    assert ask(orphan, "PUT", ENQUEUE, "{}")[0] == 405


def test_a_chunked_body_over_a_real_socket(orphan):
    door = HTTPConnection("127.0.0.1", orphan, timeout=5)
    try:
        headers = {"Host": "localhost", **OPEN, "Transfer-Encoding": "chunked"}
        door.request("POST", ENQUEUE, iter([b"{", b"}"]), headers, encode_chunked=True)
        assert door.getresponse().status == 411
    finally:
        door.close()
