"""The pages of the audit, the queues and the workers: what they show, at what cost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from queues.admin.changes import brief, differences
from queues.audit import Door, acting, record
from queues.cancel import cancel
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.lines import standings
from queues.models import AuditEntry, Queue, Worker
from queues.pause_queue import pause_queue
from queues.presence import present
from queues.work import run_due
from tests.queues.desk import JOBS, page

pytestmark = pytest.mark.django_db

AUDIT = "/admin/queues/auditentry/"
QUEUES = "/admin/queues/queue/"
WORKERS = "/admin/queues/worker/"


def shown(client: Client, address: str) -> list[int]:
    """Return the ids of the entries on a page of the audit, in their order."""
    import re

    found = re.findall(r"/auditentry/(\d+)/change/", page(client, address))
    return list(dict.fromkeys(map(int, found)))


def link(client: Client, address: str, rel: str) -> str:
    """Return the link to the page before or after, or nothing."""
    import re
    from html import unescape

    found = re.search(rf'<a href="([^"]*)" rel="{rel}"', page(client, address))
    return AUDIT + unescape(found[1]) if found else ""


def test_a_change_is_shown_with_who_what_and_why(admin_client: Client):
    job = enqueue("noop")
    with acting("maria", door=Door.ADMIN):
        cancel(job.pk, reason="<b>twice</b>")
    entry = AuditEntry.objects.get()

    for address in (AUDIT, f"{AUDIT}{entry.pk}/change/", f"{JOBS}{job.pk}/history/"):
        text = page(admin_client, address)
        for words in ("maria", "job.cancel", "pending", "&lt;b&gt;twice"):
            assert words in text, (address, words)
    assert f'href="{JOBS}{job.pk}/change/"' in page(admin_client, AUDIT)


def test_pages_go_on_where_the_last_one_ended(admin_client: Client, sql):
    sql("""
        INSERT INTO audit_log (actor, door, action)
        SELECT 'x', 'code', 'job.cancel' FROM generate_series(1, 120)
    """)
    everything = list(
        AuditEntry.objects.order_by("-at", "-id").values_list("pk", flat=True)
    )

    first = AUDIT
    second = link(admin_client, first, "next")
    record("job.retry")
    third = link(admin_client, second, "next")

    assert link(admin_client, first, "prev") == ""
    assert shown(admin_client, second) == everything[50:100]
    assert shown(admin_client, third) == everything[100:]
    assert link(admin_client, third, "next") == ""
    back = link(admin_client, third, "prev")
    assert shown(admin_client, back) == everything[50:100]
    top = link(admin_client, back, "prev")
    assert shown(admin_client, top) == everything[:50]
    newest = link(admin_client, top, "prev")
    assert shown(admin_client, newest) == [AuditEntry.objects.latest("id").pk]


def test_entries_of_one_moment_are_neither_lost_nor_doubled(admin_client: Client, sql):
    sql("ALTER TABLE audit_log DISABLE TRIGGER audit_log_dated")
    sql("""
        INSERT INTO audit_log (actor, door, action, at)
        SELECT 'x', 'code', 'job.cancel', '2026-01-01' FROM generate_series(1, 70)
    """)

    second = link(admin_client, AUDIT, "next")

    seen = shown(admin_client, AUDIT) + shown(admin_client, second)
    assert sorted(seen) == sorted(AuditEntry.objects.values_list("pk", flat=True))


def test_filters_and_the_search_narrow_the_log(admin_client: Client, sql):
    job = enqueue("noop")
    with acting("maria", door=Door.ADMIN):
        record("job.cancel", job)
    with acting("joão", door=Door.API):
        record("limit.change", label="mail")
    sql("ALTER TABLE audit_log DISABLE TRIGGER audit_log_dated")
    sql(
        "INSERT INTO audit_log (actor, door, action, at)"
        " VALUES ('old', 'code', 'job.cancel', clock_timestamp() - interval '2 days')"
    )
    cancelled, limited, old = AuditEntry.objects.order_by("id")

    for query, expected in (
        ("?actor=maria", [cancelled]),
        ("?action=job.cancel", [cancelled, old]),
        ("?kind=queues.job", [cancelled]),
        ("?span=day", [limited, cancelled]),
        ("?span=week", [limited, cancelled, old]),
        ("?span=never", [limited, cancelled, old]),
        (f"?q=%23{job.pk}", [cancelled]),
        ("?q=nothing", []),
        ("?older=nonsense", [limited, cancelled, old]),
        ("?older=99999999999999999999999-1", [limited, cancelled, old]),
    ):
        found = [each.pk for each in expected]
        assert shown(admin_client, AUDIT + query) == found, query
    text = page(admin_client, AUDIT)
    for choice in ("maria", "joão", "limit.change"):
        assert choice in text


def test_the_log_costs_the_same_however_long(admin_client: Client, sql):
    counts = []
    for _ in range(2):
        sql("""
            INSERT INTO audit_log (actor, door, action, target_kind, target_id)
            SELECT 'p' || n % 7, 'code', 'job.cancel', 'queues.job', n::text
            FROM generate_series(1, 2000) AS n
        """)
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, AUDIT)
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 12
    sql("ANALYZE audit_log")
    for condition in ("true", "actor = 'p1'", "target_kind = 'queues.job'"):
        plan = sql(
            f"EXPLAIN SELECT * FROM audit_log WHERE {condition}"
            " ORDER BY at DESC, id DESC LIMIT 51"
        )
        text = "\n".join(line for (line,) in plan)
        assert "Index Scan" in text, text
        assert "Sort" not in text, text


def test_differences_are_told_by_their_dotted_names():
    before = {"job": {"type": "a", "data": {"n": 1}}, "same": [1], "gone": None}
    after = {"job": {"type": "b", "data": {"n": 1}}, "same": [1], "new": {}}

    found = [
        (each.name, each.before, each.after) for each in differences(before, after)
    ]

    assert found == [
        ("job.type", "a", "b"),
        ("gone", "null", None),
        ("new", None, "{}"),
    ]
    assert differences(None, None) == []
    assert brief(before, after).count("<ins>") == 1
    assert brief(before, after).endswith("…")
    assert "<b>" not in brief({"x": "<b>"}, {"x": "y" * 100})


# ── Queues ──────────────────────────────────────────────────────────────────────────


def test_each_queue_is_shown_with_what_stands_in_it(admin_client: Client, me):
    enqueue_many("noop", [{}] * 3, priority=2)
    run_due(limit=1, seconds=5)
    claim(["default"], worker=me, limit=1)
    enqueue("noop", run_at=_later())

    (default,) = [each for each in standings() if each.name == "default"]

    assert (default.due, default.later, default.running) == (1, 1, 1)
    assert default.pace == pytest.approx(1 / 5)
    assert [(line.priority, line.due) for line in default.lines] == [(2, 1), (5, 0)]
    assert default.age >= 0
    for address in (QUEUES, f"{QUEUES}default/change/"):
        assert "nobody listens" in page(admin_client, address)
    assert "turnstile" in page(admin_client, f"{QUEUES}default/change/")


def _later():
    from django.utils import timezone

    return timezone.now() + timedelta(days=1)


def test_a_queue_is_paused_with_a_note_and_resumed(admin_client: Client):
    present(Worker.Kind.NODE, queues="default,reports")

    answer = admin_client.post(
        f"{QUEUES}reports/pause/", {"note": "bank <down>"}, follow=True
    )
    text = answer.content.decode()
    for words in ("is paused", "admin", "bank &lt;down&gt;", "queue.pause"):
        assert words in text
    assert "bank &lt;down&gt;" in page(admin_client, QUEUES)
    assert Queue.objects.get().paused_by == "admin"

    admin_client.post(f"{QUEUES}reports/resume/")
    assert Queue.objects.get().paused_at is None
    assert "queue.resume" in page(admin_client, f"{QUEUES}reports/history/")


def test_a_queue_that_is_not_there_is_not_found(admin_client: Client):
    assert admin_client.get(f"{QUEUES}nowhere/change/").status_code == 404
    assert admin_client.post(f"{QUEUES}nowhere/pause/").status_code == 404
    long = admin_client.post(f"{QUEUES}default/pause/", {"note": "x" * 501})
    assert long.status_code == 302
    assert not Queue.objects.exists()


def test_the_pages_of_queues_and_workers_ask_little(admin_client: Client, me):
    for number in range(5):
        enqueue("noop", priority=number + 1)
        pause_queue("default", f"{number}")
        present(Worker.Kind.NODE, queues="default")
    for address in (
        QUEUES,
        f"{QUEUES}default/change/",
        WORKERS,
        f"{WORKERS}{me}/change/",
    ):
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, address)
        assert len(queries) <= 15, (address, len(queries))


# ── Workers ─────────────────────────────────────────────────────────────────────────


def test_a_worker_is_shown_with_what_it_runs(admin_client: Client, me):
    node = Worker.objects.get(pk=present(Worker.Kind.NODE, queues="default,reports"))
    Worker.objects.filter(pk=me).update(parent_pid=node.pid, memory_bytes=50 * 2**20)
    job = enqueue("noop")
    (_claim,) = claim(["default"], worker=me, limit=1)

    listed = page(admin_client, WORKERS)
    assert "50.0" in listed
    assert '<td class="field-jobs">1</td>' in listed
    for row in (me, node.pk):
        detail = page(admin_client, f"{WORKERS}{row}/change/")
        assert f"#{job.pk}" in detail
        assert "Python" in detail
    assert f"{WORKERS}{me}/change/" in page(admin_client, f"{WORKERS}{node.pk}/change/")
    assert f"{QUEUES}reports/change/" in page(
        admin_client, f"{WORKERS}{node.pk}/change/"
    )


def test_a_worker_is_drained_told_to_go_on_and_stopped(admin_client: Client):
    node = present(Worker.Kind.NODE)
    address = f"{WORKERS}{node}/"

    admin_client.post(f"{address}drain/")
    assert "draining" in page(admin_client, WORKERS)
    admin_client.post(f"{address}undrain/")
    assert "draining" not in page(admin_client, WORKERS)
    assert "supervises it" in page(admin_client, f"{address}stop/")
    assert Worker.objects.get().stop_requested_at is None
    admin_client.post(f"{address}stop/")
    assert "stopping" in page(admin_client, f"{address}change/")

    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["worker.drain", "worker.undrain", "worker.stop"]
    assert "worker.stop" in page(admin_client, f"{address}history/")


def test_who_vanished_is_told_from_who_left(admin_client: Client):
    for name, vanished in (("left", False), ("lost", True)):
        Worker.objects.create(
            kind="child", name=name, machine="m", pid=1, born="1",
            gone_at=_later(), vanished=vanished,
        )  # fmt: skip

    text = page(admin_client, f"{WORKERS}?state=vanished")

    assert "lost" in text
    assert ">left<" not in text
    assert 'badge bad">vanished' in text
