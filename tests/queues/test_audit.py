"""Who changed what: one row a change, in its transaction, that nobody can change."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from django.db import IntegrityError, connection, transaction

from queues.audit import Door, acting, identify, record
from queues.enqueue import enqueue
from queues.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_a_row_tells_who_did_what_to_what():
    job = enqueue("noop")

    with acting("maria", door=Door.ADMIN, user_id=7):
        record(
            "job.cancel", job, reason="twice", before={"a": 1}, after={"a": 2}, count=3
        )

    row = AuditEntry.objects.get()
    assert (row.actor, row.door, row.user_id) == ("maria", "admin", 7)
    assert (row.action, row.reason, row.count) == ("job.cancel", "twice", 3)
    assert (row.target_kind, row.target_id) == ("queues.job", str(job.pk))
    assert (row.label, row.before, row.after) == (str(job), {"a": 1}, {"a": 2})


def test_what_nobody_claims_was_done_by_code(settings):
    settings.PROCESS = "worker"

    record("limit.change", label="mail")

    row = AuditEntry.objects.get()
    assert (row.actor, row.door, row.label) == ("worker", "code", "mail")
    assert (row.before, row.target_kind, row.target_id) == (None, "", "")


def test_whoever_is_recognized_later_acts_to_the_end_of_the_request():
    identify("nobody")

    with acting("anonymous", door=Door.API):
        identify("maria", user_id=7)
        record("job.retry")
    record("job.retry")

    first, second = AuditEntry.objects.order_by("id")
    assert (first.actor, first.door, first.user_id) == ("maria", "api", 7)
    assert (second.door, second.user_id) == ("code", None)


def test_another_thread_is_not_the_person():
    from queues.audit import whoever

    seen = []
    with acting("maria", door=Door.ADMIN):
        thread = Thread(target=lambda: seen.append(whoever().door))
        thread.start()
        thread.join()

    assert seen == ["code"]


def test_it_is_rolled_back_with_what_it_tells_of():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record("job.cancel")
        raise ZeroDivisionError

    assert not AuditEntry.objects.exists()


def test_secrets_are_masked_however_deep():
    record(
        "schedule.change",
        before={"password": "x", "data": {"headers": [{"Authorization": "Bearer y"}]}},
        after={"api_key": "", "name": "ok"},
    )

    row = AuditEntry.objects.get()
    assert row.before == {
        "password": "•••",
        "data": {"headers": [{"Authorization": "•••"}]},
    }
    assert row.after == {"api_key": "", "name": "ok"}


def test_whatever_a_row_holds_can_be_told():
    at = datetime(2026, 1, 2, tzinfo=UTC)
    record(
        "x" * 10,
        label="é" * 300,
        after={"n\x00": float("nan"), "at": at, "set": {1}, "span": timedelta(1)},
        reason="\ud800 half",
    )

    row = AuditEntry.objects.get()
    assert row.after == {
        "n\ufffd": "nan", "at": str(at), "set": [1], "span": "1 day, 0:00:00",
    }  # fmt: skip
    assert (len(row.label), row.reason) == (200, "? half")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'somebody else'",
        "UPDATE audit_log SET actor = 'x' WHERE false",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        """INSERT INTO audit_log (id, actor, door, action)
           SELECT id, 'x', 'sql', 'y' FROM audit_log
           ON CONFLICT (id) DO UPDATE SET actor = 'x'""",
        "SET LOCAL session_replication_role = replica; DELETE FROM audit_log",
    ],
)
def test_the_database_refuses_to_change_it(sql, statement):
    record("job.cancel")
    sql("ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_untruncated")

    with pytest.raises(IntegrityError, match="audit log"), transaction.atomic():
        sql(statement)

    assert AuditEntry.objects.count() == 1


def test_the_database_dates_it(sql):
    sql(
        "INSERT INTO audit_log (actor, door, action, at)"
        " VALUES ('x', 'sql', 'y', '2001-01-01')"
    )

    row = AuditEntry.objects.get()
    assert row.at.year > 2020
    assert (row.count, row.label, row.reason) == (1, "", "")


def test_sql_callers_write_it_under_their_own_name(sql):
    sql("SELECT ritmo_audit('schedule.change', p_label => 'nightly')")

    row = AuditEntry.objects.get()
    ((user,),) = sql("SELECT session_user")
    assert (row.actor, row.door, row.action) == (user, "sql", "schedule.change")
    assert row.label == "nightly"


def test_an_unknown_door_is_refused(sql):
    with pytest.raises(IntegrityError, match="audit_door_known"), transaction.atomic():
        sql("INSERT INTO audit_log (actor, door, action) VALUES ('x', 'roof', 'y')")
    assert connection.in_atomic_block
