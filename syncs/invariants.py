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
    "sync-i03-one-per-key": Invariant(
        "Of one key at most one run has begun, and at most one waits to begin.",
        """
        SELECT dedupe_key, started_at IS NULL AS fresh, count(*) FROM sync_queue
        WHERE status IN ('queued', 'processing')
        GROUP BY dedupe_key, started_at IS NULL HAVING count(*) > 1
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
    "sync-i11-no-numbers-without-evidence": Invariant(
        "Numbers that a run published come from complete streams of that run.",
        """
        SELECT entry.id AS entry, run_id AS run FROM store_sync_cache AS entry
        WHERE run_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM sync_stream_runs AS stream
            WHERE stream.run_id = entry.run_id AND stream.status = 'complete')
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
