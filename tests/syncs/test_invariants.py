"""Each invariant of syncs is seen to break, alone: one that cannot fail checks nothing."""

import pytest

from queues.invariants import violations
from syncs import backfill
from syncs.invariants import INVARIANTS
from syncs.models import Run
from syncs.ports import Estimate, Period
from tests.syncs.stores import NOVEMBER, ask, sync

pytestmark = [pytest.mark.django_db, pytest.mark.raw_rows]

DONE = "(SELECT id FROM sync_queue WHERE status = 'completed' LIMIT 1)"
OPEN = "(SELECT id FROM sync_queue WHERE status = 'queued' AND kind = 'report' LIMIT 1)"
ENTRY = "(SELECT id FROM store_sync_cache LIMIT 1)"
AGO = "clock_timestamp() - interval '1 hour'"
BEGIN = (
    "UPDATE sync_queue SET status = 'processing', started_at = now(), starts = 1,"
    " job_id = job.id FROM jobs AS job"
    f" WHERE job.unique_key = dedupe_key AND sync_queue.id = {OPEN}"
)
RUNS = (
    "INSERT INTO jobs (type, queue, status, limit_name, limit_key)"
    " SELECT 'sync-store', 'default', 'processing', 'sync', {key} FROM generate_series(1, {n})"
)
PLANTS: dict[str, list[str]] = {
    "sync-i01-limit": [RUNS.format(key="gen_random_uuid()", n=4)],
    "sync-i02-one-per-store": [RUNS.format(key="'a'", n=2)],
    "sync-i02-one-run-per-store": [
        "DROP INDEX sync_one_processing_per_store",
        BEGIN,
        ("UPDATE sync_queue SET status = 'processing', started_at = now()"
        " WHERE store_id = (SELECT store_id FROM sync_queue WHERE status = 'processing')"
        " AND status = 'queued'"),
    ],
    "sync-i03-one-per-key": [
        "DROP INDEX sync_one_queued_per_key",
        ("INSERT INTO sync_queue (store_id, period_start, period_end, dedupe_key, kind)"
        " SELECT store_id, period_start, period_end, dedupe_key, kind"
        f" FROM sync_queue WHERE id = {OPEN}"),
    ],
    "sync-i04-a-turn-belongs-to-a-job": [
        BEGIN, (f"UPDATE sync_queue SET job_id = 0, updated_at = {AGO}"
        " WHERE status = 'processing'"),
    ],
    "sync-i05-rows-and-place-agree": ["UPDATE sync_streams SET last_count = 99"],
    "sync-i07-waiting-holds-no-slot": [
        (f"UPDATE sync_queue SET not_before = now() + interval '1 hour', job_id = job.id"
        f" FROM jobs AS job WHERE job.unique_key = dedupe_key AND sync_queue.id = {OPEN}"),
        (f"UPDATE jobs SET status = 'processing', started_at = {AGO}"
        " WHERE id = (SELECT job_id FROM sync_queue WHERE status = 'queued'"
        " AND job_id IS NOT NULL)"),
    ],
    "sync-i08-a-watermark-is-earned": [
        "UPDATE sync_streams SET watermark = now(), generation = 0"
    ],
    "sync-i11-no-numbers-without-evidence": [
        "UPDATE sync_stream_runs SET status = 'held'",
        "UPDATE sync_queue SET outcome = 'partial' WHERE status = 'completed'",
    ],
    "sync-i11-nothing-is-confirmed": ["UPDATE store_sync_cache SET record_count = 0"],
    "sync-i12-together": [
        ("INSERT INTO store_sync_cache (store_id, data_type, period_start, period_end,"
        " source, run_id, synced_at, version) SELECT store_id, 'products', period_start,"
        f" period_end, source, run_id, synced_at, 9 FROM store_sync_cache WHERE id = {ENTRY}"),
    ],
    "sync-i12-once": [
        ("INSERT INTO store_sync_cache_versions (entry_id, version, data, synced_at, run_id)"
        f" SELECT id, 0, '{{}}', now(), run_id FROM store_sync_cache WHERE id = {ENTRY}"),
    ],
    "sync-i14-waits-count-nothing": [
        ("UPDATE sync_queue SET waiting_for = 'quota', retry_count = 1"
        f" WHERE id = {OPEN}"),
    ],
    "sync-i16-over-says-how": [
        "ALTER TABLE sync_queue DROP CONSTRAINT sync_ended_iff_over",
        f"UPDATE sync_queue SET completed_at = NULL WHERE id = {DONE}",
    ],
    "sync-i16-what-is-over-is-kept": [
        "ALTER TABLE sync_queue DISABLE TRIGGER sync_queue_keeps"
    ],
    "sync-i17-no-secret-is-told": [
        ("INSERT INTO sync_events (run_id, code, message)"
        f" SELECT id, 'ended', 'shpat_example_0001' FROM sync_queue WHERE id = {DONE}"),
    ],
    "sync-i18-every-request-is-answered": [
        (f"DELETE FROM jobs WHERE unique_key = (SELECT dedupe_key FROM sync_queue"
        f" WHERE id = {OPEN})"),
        f"UPDATE sync_queue SET updated_at = {AGO} WHERE id = {OPEN}",
    ],
    "sync-i20-history-goes-on": [
        "DELETE FROM sync_queue WHERE kind = 'backfill'",
        f"UPDATE sync_backfills SET created_at = {AGO}",
    ],
    "sync-refund-adds-up": [
        ("INSERT INTO order_facts (connection_id, external_id, processed_at, created_at,"
        " provider_updated_at, currency)"
        " SELECT id, 'o-1', now(), now(), now(), 'BRL' FROM store_connections LIMIT 1"),
        ("INSERT INTO refund_facts (order_id, connection_id, external_id, created_at,"
        " amount, goods, tax, shipping) SELECT id, connection_id, 'r-1', now(), 9, 1, 1, 1"
        " FROM order_facts"),
    ],
    "sync-call-in-flight-ends": [
        "INSERT INTO provider_budgets (provider, account, \"group\") VALUES ('x', 'y', 'z')",
        ("INSERT INTO provider_calls (budget_id, counts_at)"
        " SELECT id, now() + interval '1 hour' FROM provider_budgets"),
    ],
    "sync-complete-has-evidence": [
        ("INSERT INTO sync_stream_runs (run_id, connection_id, stream, status)"
        " SELECT run_id, connection_id, 'other', 'failed' FROM sync_stream_runs LIMIT 1"),
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _rows_of_every_kind(stand, shop):
    """Write a sync that is done, two that wait, and a history, by their own verbs."""
    sync(shop("Feita"))
    waiting = shop("Espera")
    ask(waiting)
    ask(waiting, Period(NOVEMBER.start, NOVEMBER.start))
    backfill.begin(shop("Antiga"), NOVEMBER, Estimate(5, 4, 40, 20, 0.0, 9.0))


def test_what_syncs_write_holds():
    assert Run.objects.count() == 4
    assert dict(violations(INVARIANTS)) == {}


@pytest.mark.parametrize("name", INVARIANTS)
def test_a_violation_is_found_by_its_own_check_alone(name, sql):
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    # What triggers would refuse or mend is written all the same.
    sql("SET LOCAL session_replication_role = replica")
    for statement in PLANTS[name]:
        sql(statement)
    sql("SET LOCAL session_replication_role = origin")

    assert list(dict(violations(INVARIANTS))) == [name]
