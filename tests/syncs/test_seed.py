"""Every statement that the seed prints runs as it stands; its columns are enough."""

import uuid

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(sql):
    return sql("INSERT INTO stores (name) VALUES ('Papelaria Sol') RETURNING id")[0][0]


def queued(sql, store, **columns):
    names = ["store_id", "period_start", "period_end", *columns]
    marks = ", ".join(["%s"] * len(names))
    return sql(
        f"INSERT INTO sync_queue ({', '.join(names)}) VALUES ({marks}) RETURNING id",
        store, "2026-11-01", "2026-11-30", *columns.values(),
    )[0][0]  # fmt: skip


def test_both_tables_are_where_the_seed_looks_for_them(sql):
    found = sql(
        """
        SELECT table_name FROM information_schema.tables
        WHERE table_schema = 'public'
          AND table_name IN ('sync_queue', 'store_sync_cache');
        """
    )

    assert {name for (name,) in found} == {"sync_queue", "store_sync_cache"}


def test_a_row_of_the_seeds_columns_is_queued_and_has_its_job(sql, store):
    run = queued(sql, store)

    assert sql(
        """
        SELECT status, retry_count, max_retries, priority, error_message IS NULL,
               queued_at IS NOT NULL, meta
        FROM sync_queue WHERE id = %s
        """,
        run,
    ) == [("queued", 0, 3, 5, True, True, "{}")]
    assert sql("SELECT type, status, payload ->> 'store' FROM jobs") == [
        ("sync-store", "pending", str(store))
    ]


def test_the_four_micro_jobs_of_the_seed_can_be_queued_side_by_side(sql, store):
    for data_type in ("orders", "campaigns", "flows", "analytics"):
        queued(sql, store, data_type=data_type, priority=1)

    assert sql("SELECT count(*) FROM jobs WHERE status = 'pending'") == [(4,)]


def test_what_the_seed_prints_about_the_queue_runs(sql, store):
    queued(sql, store)

    listed = sql(
        """
        SELECT
          id,
          store_id,
          status,
          period_start,
          period_end,
          retry_count,
          queued_at,
          started_at,
          completed_at,
          error_message
        FROM sync_queue
        ORDER BY queued_at DESC
        LIMIT 20;
        """
    )
    stats = sql("SELECT * FROM v_sync_queue_stats;")

    assert len(listed) == 1
    assert stats[0][:2] == ("queued", 1)


def test_the_manual_clean_up_of_the_seed_ends_what_is_stuck(sql, store):
    run = queued(sql, store)
    sql(
        "UPDATE sync_queue SET status = 'processing',"
        " started_at = now() - interval '11 minutes' WHERE id = %s",
        run,
    )

    sql(
        """
        UPDATE sync_queue
        SET status = 'failed',
            error_message = 'Manual cleanup',
            completed_at = NOW()
        WHERE status = 'processing'
          AND started_at < NOW() - INTERVAL '10 minutes';
        """
    )

    assert sql("SELECT status, outcome FROM sync_queue") == [("failed", "failed")]


def test_what_the_seed_prints_about_the_cache_runs(sql, store):
    sql(
        "INSERT INTO store_sync_cache"
        " (store_id, data_type, period_start, period_end, data, source)"
        " VALUES (%s, 'orders', '2026-11-01', '2026-11-30', '{\"total\": 7}', 'shopify')",
        store,
    )

    listed = sql(
        """
        SELECT
          id,
          store_id,
          data_type,
          period_start,
          period_end,
          source,
          synced_at
        FROM store_sync_cache
        ORDER BY synced_at DESC
        LIMIT 20;
        """
    )
    of_store = sql(
        f"""
        SELECT * FROM store_sync_cache
        WHERE store_id = '{store}'
        ORDER BY synced_at DESC;
        """
    )

    assert len(listed) == len(of_store) == 1


def test_what_has_ended_does_not_change(sql, store):
    from django.db import IntegrityError, transaction

    run = queued(sql, store)
    sql("UPDATE sync_queue SET status = 'completed' WHERE id = %s", run)

    with pytest.raises(IntegrityError, match="ended"), transaction.atomic():
        sql("UPDATE sync_queue SET status = 'queued' WHERE id = %s", run)

    assert sql("SELECT status, outcome FROM sync_queue") == [("completed", "succeeded")]


def test_an_unknown_store_is_refused_at_the_commit(sql):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        queued(sql, uuid.uuid4())
        sql("SET CONSTRAINTS ALL IMMEDIATE")
