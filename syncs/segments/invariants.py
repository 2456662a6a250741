"""What always holds of segments, as sentences and as SQL that finds what breaks them.

The numbers are those of `docs/syncs-segments.md`.
"""

from queues.invariants import Invariant, register

INVARIANTS = {
    "segment-i01-one-sync": Invariant(
        "At most one sync of a segment runs.",
        """
        SELECT payload ->> 'control' AS segment, count(*) FROM jobs
        WHERE type = 'sync-segment-leads' AND status = 'processing'
            AND payload ->> 'control' IS NOT NULL
        GROUP BY payload ->> 'control' HAVING count(*) > 1
        """,
    ),
    "segment-i02-a-due-time-once": Invariant(
        "A due time of a segment has one log row.",
        """
        SELECT control_id AS segment, scheduled_for, count(*) FROM sync_segments_logs
        WHERE scheduled_for IS NOT NULL AND control_id IS NOT NULL
        GROUP BY control_id, scheduled_for HAVING count(*) > 1
        """,
    ),
    "segment-i03-joined-is-told": Invariant(
        "Whoever is in a segment has an event that says since when, while it is kept.",
        """
        SELECT member.id AS member FROM segment_members AS member
        WHERE removed_at IS NULL AND joined_at > clock_timestamp() - interval '29 days'
            AND NOT EXISTS (
                SELECT FROM lead_events AS event
                WHERE event.control_id = member.control_id
                    AND event.lead_id = member.lead_id AND kind = 'joined'
                    AND event.at = member.joined_at)
        """,
    ),
    "segment-i04-members-are-leads-of-the-company": Invariant(
        "The members of one segment are leads of one company.",
        """
        SELECT control_id AS segment, count(DISTINCT company_id)
        FROM segment_members JOIN leads ON leads.id = lead_id
        WHERE removed_at IS NULL
        GROUP BY control_id HAVING count(DISTINCT company_id) > 1
        """,
    ),
    "segment-i05-once-a-rule": Invariant(
        "A rule puts a lead into a cadence at most once for one event.",
        """
        SELECT rule_id AS rule, event_id AS event, count(*) FROM lead_enrolments
        GROUP BY rule_id, event_id HAVING count(*) > 1
        """,
    ),
    "segment-i06-an-enrolment-says-what-came-of-it": Invariant(
        "An enrolment has a run of its own lead, or says why not.",
        """
        SELECT enrolment.id AS enrolment FROM lead_enrolments AS enrolment
        JOIN lead_cadence_runs AS run ON run.id = run_id
        WHERE run.lead_id <> enrolment.lead_id OR motive <> ''
        """,
    ),
    "segment-i07-pages-belong-to-a-sync-that-lives": Invariant(
        "No sync is left an hour after its job has ended.",
        """
        SELECT sync.id AS sync, job_id AS job FROM sync_segment_passes AS sync
        LEFT JOIN jobs AS job ON job.id = job_id
        WHERE sync.created_at < clock_timestamp() - interval '1 hour'
            AND (job.id IS NULL OR job.completed_at
                < clock_timestamp() - interval '1 hour')
        """,
    ),
    "segment-i08-success-has-evidence": Invariant(
        "A success found every lead that was counted at the source.",
        """
        SELECT id AS log FROM sync_segments_logs
        WHERE status = 'success' AND stats ? 'found' AND stats ? 'total'
            AND stats ->> 'found' <> stats ->> 'total'
        """,
    ),
}

register(INVARIANTS)
