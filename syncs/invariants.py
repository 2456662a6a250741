"""What always holds of syncs, as sentences and as SQL that finds what breaks them.

The numbers are those of `docs/syncs.md`. They run after every test of this app, and by
`manage.py doctor`.
"""

from queues.invariants import Invariant, register

INVARIANTS = {
    "sync-i01-limit": Invariant(
        "No more syncs run at once than the limit allows, unless it was just lowered.",
        """
        SELECT limit_name, count(*) FROM jobs JOIN limits ON limits.name = limit_name
        WHERE type = 'sync-store' AND status = 'processing'
        GROUP BY limit_name, running, running_per_key
        HAVING count(*) > greatest(running, 3)
        """,
    ),
    "sync-i02-one-per-store": Invariant(
        "At most one sync of a store runs.",
        """
        SELECT limit_key AS store, count(*) FROM jobs
        WHERE limit_name = 'sync' AND status = 'processing'
        GROUP BY limit_key HAVING count(*) > 1
        """,
    ),
    "sync-i02-one-run-per-store": Invariant(
        "At most one run of a store is being synced.",
        """
        SELECT store_id AS store, count(*) FROM sync_queue
        WHERE status = 'processing' GROUP BY store_id HAVING count(*) > 1
        """,
    ),
    "sync-i03-one-per-key": Invariant(
        "Of one key at most one run has begun, and at most one waits to begin.",
        """
        SELECT dedupe_key, started_at IS NULL AS fresh, count(*) FROM sync_queue
        WHERE status IN ('queued', 'processing')
        GROUP BY dedupe_key, started_at IS NULL HAVING count(*) > 1
        """,
    ),
    "sync-i04-a-turn-belongs-to-a-job": Invariant(
        "A run that a worker syncs names a job of its own key.",
        """
        SELECT run.id AS run, job_id AS job FROM sync_queue AS run
        WHERE status = 'processing' AND starts > 0
            AND updated_at < clock_timestamp() - interval '1 minute'
            AND NOT EXISTS (SELECT FROM jobs WHERE id = run.job_id
                AND type = 'sync-store' AND unique_key = run.dedupe_key)
        """,
    ),
    "sync-i05-rows-and-place-agree": Invariant(
        "What a stream keeps of its last complete pass is what its run counted.",
        """
        SELECT state.id AS stream, last_count, counted FROM sync_streams AS state
        CROSS JOIN LATERAL (
            SELECT rows_seen - repeated AS counted
            FROM sync_stream_runs AS row JOIN sync_queue AS run ON run.id = row.run_id
            WHERE row.connection_id = state.connection_id AND row.stream = state.stream
                AND row.status = 'complete' AND run.kind <> 'recompute'
                AND state.scope = concat_ws('/', to_char(period_start, 'YYYY-MM-DD'),
                    to_char(period_end, 'YYYY-MM-DD'))
            ORDER BY row.finished_at DESC LIMIT 1) AS pass
        WHERE last_complete_at > clock_timestamp() - interval '1 day'
            AND last_count <> counted
        """,
    ),
    "sync-i07-waiting-holds-no-slot": Invariant(
        "A run that waits for a moment has no processing job of its own.",
        """
        SELECT run.id AS run, job.id AS job FROM sync_queue AS run
        JOIN jobs AS job ON job.id = run.job_id AND job.status = 'processing'
        WHERE run.status = 'queued' AND run.not_before > clock_timestamp()
            + interval '5 seconds' AND job.started_at < clock_timestamp()
            - interval '5 minutes'
        """,
    ),
    "sync-i08-a-watermark-is-earned": Invariant(
        "A stream is complete up to a moment only after a complete pass.",
        """
        SELECT id AS stream, watermark FROM sync_streams
        WHERE watermark IS NOT NULL AND (last_complete_at IS NULL OR generation = 0)
        """,
    ),
    "sync-i11-no-numbers-without-evidence": Invariant(
        "Numbers that a run published come from complete streams of that run.",
        """
        SELECT entry.id AS entry, run_id AS run FROM store_sync_cache AS entry
        WHERE run_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM sync_stream_runs AS stream
            WHERE stream.run_id = entry.run_id AND stream.status = 'complete')
        """,
    ),
    "sync-i11-nothing-is-confirmed": Invariant(
        "Numbers of nothing that a run published say that the provider confirmed it.",
        """
        SELECT id AS entry FROM store_sync_cache
        WHERE run_id IS NOT NULL AND record_count = 0 AND NOT is_negative
        """,
    ),
    "sync-i12-together": Invariant(
        "Entries that one run published at one moment have one version.",
        """
        SELECT run_id AS run, synced_at, count(DISTINCT version)
        FROM store_sync_cache WHERE run_id IS NOT NULL
        GROUP BY run_id, synced_at HAVING count(DISTINCT version) > 1
        """,
    ),
    "sync-i12-once": Invariant(
        "No run publishes an entry twice.",
        """
        SELECT id AS entry, run_id AS run FROM (
            SELECT entry_id AS id, run_id FROM store_sync_cache_versions
            UNION ALL SELECT id, run_id FROM store_sync_cache) AS published
        WHERE run_id IS NOT NULL GROUP BY id, run_id HAVING count(*) > 1
        """,
    ),
    "sync-i14-waits-count-nothing": Invariant(
        "A run that waits for its provider or its turn counts no try but those told.",
        """
        SELECT id AS run, retry_count FROM sync_queue AS run
        WHERE status = 'queued'
            AND waiting_for IN ('rate_limit', 'quota', 'provider', 'slice')
            AND retry_count > (SELECT count(*) FROM sync_events WHERE run_id = run.id
                AND code IN ('try_failed', 'lease_expired', 'stalled'))
        """,
    ),
    "sync-i16-what-is-over-is-kept": Invariant(
        "The database refuses to change what has ended, and what was told.",
        """
        SELECT name AS trigger FROM unnest(
            ARRAY['sync_queue_keeps', 'sync_events_only_grow']) AS each (name)
        WHERE NOT EXISTS (SELECT FROM pg_trigger
            WHERE tgname = name AND tgenabled <> 'D')
        """,
    ),
    "sync-i17-no-secret-is-told": Invariant(
        "No token of a provider stands in what was told of the last syncs.",
        """
        SELECT id AS event FROM (
            SELECT id, concat(message, data) AS said FROM sync_events
            ORDER BY id DESC LIMIT 5000) AS lately
        WHERE said ~ '(shpat_|shprt_|shpss_|pk_)[A-Za-z0-9_]{6,}'
        """,
    ),
    "sync-i16-over-says-how": Invariant(
        "A run has ended exactly if it says when, and how.",
        """
        SELECT id AS run, status FROM sync_queue
        WHERE (status IN ('completed', 'failed')) <> (completed_at IS NOT NULL)
            OR (status IN ('completed', 'failed')) <> (outcome IS NOT NULL)
        """,
    ),
    "sync-i18-every-request-is-answered": Invariant(
        "An open run has a live job, or one that ended less than a minute ago.",
        """
        SELECT run.id AS run, run.status FROM sync_queue AS run
        WHERE run.status IN ('queued', 'processing') AND run.kind <> 'segment'
            AND run.updated_at < clock_timestamp() - interval '1 minute'
            AND NOT EXISTS (
                SELECT FROM jobs WHERE type = 'sync-store'
                AND unique_key = run.dedupe_key AND (
                    status IN ('pending', 'processing')
                    OR completed_at > clock_timestamp() - interval '1 minute'))
        """,
    ),
    "sync-i20-history-goes-on": Invariant(
        "A history that is being read has a slice that waits, runs or has just ended.",
        """
        SELECT id AS history FROM sync_backfills AS history
        WHERE status = 'running' AND created_at < clock_timestamp() - interval '1 minute'
            AND NOT EXISTS (SELECT FROM sync_queue
                WHERE store_id = history.store_id AND scope = history.id::text
                AND kind = 'backfill' AND (status IN ('queued', 'processing')
                    OR completed_at > clock_timestamp() - interval '1 minute'))
        """,
    ),
    "sync-refund-adds-up": Invariant(
        "What a refund was for adds up to its amount.",
        """
        SELECT id AS refund, amount FROM refund_facts
        WHERE amount <> 0 AND amount <> goods + tax + shipping
        """,
    ),
    "sync-call-in-flight-ends": Invariant(
        "A call that was reserved counts for 65 seconds at most before its answer.",
        """
        SELECT id AS call, counts_at FROM provider_calls
        WHERE counts_at > clock_timestamp() + interval '66 seconds'
        """,
    ),
    "sync-complete-has-evidence": Invariant(
        "A run that succeeded has no stream that is not complete.",
        """
        SELECT run.id AS run, stream.stream, stream.status
        FROM sync_queue AS run JOIN sync_stream_runs AS stream ON stream.run_id = run.id
        WHERE run.outcome = 'succeeded' AND stream.status <> 'complete'
        """,
    ),
}

register(INVARIANTS)
