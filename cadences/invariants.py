"""What always holds of cadences, as sentences and as SQL that finds what breaks them.

The numbers are those of `docs/cadences.md`. They run after every test of this app,
and by `manage.py doctor`.
"""

from queues.invariants import Invariant, register

MAYBE = "('sending', 'sent', 'unknown', 'assumed')"
LIVE = "('ATIVA', 'PAUSADA')"

CLOSED = f"""
SELECT execution.id, execution.intended_at, execution.hours_since FROM (
    SELECT execution.id, intended_at, calendar_id, hours_since,
        intended_at AT TIME ZONE zone AS local
    FROM lead_step_executions AS execution
    JOIN calendars AS calendar ON calendar.id = calendar_id
    WHERE state IN {MAYBE} AND NOT is_forced) AS execution
WHERE NOT EXISTS (
        SELECT FROM calendar_slots AS slot WHERE calendar_id = execution.calendar_id
        AND CASE
            WHEN opens < closes THEN weekday = extract(isodow FROM local) - 1
                AND local::time >= opens AND local::time < closes
            WHEN local::time >= opens THEN weekday = extract(isodow FROM local) - 1
            ELSE weekday = (extract(isodow FROM local)::int + 5) % 7
                AND local::time < closes END)
   OR EXISTS (
        SELECT FROM calendar_holidays AS holiday
        WHERE calendar_id = execution.calendar_id AND date = local::date
          AND (until IS NULL OR local::time < until))
"""
"""What was meant for a moment that is closed, as the hours are now."""

INVARIANTS = {
    "cadence-i01-one-execution": Invariant(
        "A run has one execution for each step of each round.",
        """
        SELECT run_id AS run, round, step_key, count(*) FROM lead_step_executions
        GROUP BY run_id, round, step_key HAVING count(*) > 1
        """,
    ),
    "cadence-i02-one-call-that-may-have-arrived": Invariant(
        "An execution has at most one call that may have reached the lead, unless a"
        " person resolved the one before.",
        """
        SELECT execution_id AS execution, count(*) FROM send_attempts
        WHERE (outcome IS NULL OR outcome IN ('accepted', 'unknown'))
          AND resolved_at IS NULL
        GROUP BY execution_id HAVING count(*) > 1
        """,
    ),
    "cadence-i04-active-is-due-some-day": Invariant(
        "An active run has a next moment.",
        """
        SELECT id AS run FROM lead_cadence_runs
        WHERE status = 'ATIVA' AND next_run_at IS NULL
        """,
    ),
    "cadence-i05-others-are-never-due": Invariant(
        "A run that is not active has no next moment and no claim.",
        """
        SELECT id AS run, status FROM lead_cadence_runs
        WHERE status <> 'ATIVA'
          AND (next_run_at IS NOT NULL OR claim_token IS NOT NULL)
        """,
    ),
    "cadence-i06-one-live-run": Invariant(
        "A lead has one live run of a cadence, and one of all exclusive ones.",
        f"""
        SELECT lead_id AS lead, cadence_id::text AS what, count(*)
        FROM lead_cadence_runs WHERE status IN {LIVE}
        GROUP BY lead_id, cadence_id HAVING count(*) > 1
        UNION ALL
        SELECT lead_id, company_id, count(*)
        FROM lead_cadence_runs WHERE status IN {LIVE} AND is_exclusive
        GROUP BY lead_id, company_id HAVING count(*) > 1
        """,
    ),
    "cadence-i07-nothing-hangs": Invariant(
        "No call is on the wire for longer than 3.5 minutes, and no outcome stays"
        " unknown for longer than 75 without a person or a policy to decide.",
        """
        SELECT execution.id AS execution, state, intended_at
        FROM lead_step_executions AS execution
        JOIN lead_cadence_runs AS run ON run.id = run_id
        WHERE state = 'sending'
            AND intended_at < cadence_now() - interval '210 seconds'
        OR state = 'unknown' AND run.status = 'ATIVA'
            AND run.next_step_key = execution.step_key
            AND intended_at < cadence_now() - interval '75 minutes'
        """,
    ),
    "cadence-i08-nothing-after-an-opt-out": Invariant(
        "Nothing was sent to an address after it was suppressed.",
        f"""
        SELECT execution.id AS execution, intended_at, suppression.created_at
        FROM suppressions AS suppression
        JOIN lead_step_executions AS execution USING (address_hash)
        JOIN lead_cadence_runs AS run ON run.id = run_id
        WHERE execution.state IN {MAYBE}
          AND (suppression.medium IS NULL OR suppression.medium = execution.medium)
          AND (suppression.company_id IS NULL
               OR suppression.company_id = run.company_id)
          AND intended_at > suppression.created_at
          AND (expires_at IS NULL OR intended_at < expires_at)
        """,
    ),
    "cadence-i09-nothing-after-a-reply": Invariant(
        "Nothing was sent after a reply that ends or pauses the run.",
        f"""
        SELECT execution.id AS execution, intended_at, replied_at
        FROM lead_step_executions AS execution
        JOIN lead_cadence_runs AS run ON run.id = run_id
        JOIN leads AS lead ON lead.id = run.lead_id
        JOIN cadences AS cadence ON cadence.id = run.cadence_id
        WHERE execution.state IN {MAYBE} AND execution.round = run.round
          AND replied_at > coalesce(heard_at, started_at) AND replied_at > started_at
          AND intended_at > replied_at AND on_reply <> 'continue'
        """,
    ),
    # An edit is judged by itself a minute later: who sent meanwhile did not see it.
    "cadence-i10-within-open-hours": Invariant(
        "Nothing was sent outside the open hours of its calendar, unless by hand.",
        f"""
        SELECT id AS execution, intended_at FROM ({CLOSED}) AS closed
        WHERE intended_at > hours_since + interval '1 minute'
        """,
    ),
    "cadence-i11-published-is-frozen": Invariant(
        "The steps of a published version are as they were published.",
        """
        SELECT id AS version, cadence_id AS cadence FROM cadence_versions
        WHERE state <> 'draft' AND checksum <> cadence_checksum(id)
        """,
    ),
    "cadence-i12-versions-fit": Invariant(
        "A run follows a published version of its own cadence, an execution a step of it.",
        """
        SELECT 'run' AS what, run.id FROM lead_cadence_runs AS run
        JOIN cadence_versions AS version ON version.id = version_id
        WHERE version.cadence_id <> run.cadence_id OR version.state = 'draft'
        UNION ALL
        SELECT 'execution', execution.id FROM lead_step_executions AS execution
        JOIN lead_cadence_runs AS run ON run.id = run_id
        WHERE NOT EXISTS (
            SELECT FROM cadence_steps AS step
            JOIN cadence_versions AS version ON version.id = step.version_id
            WHERE step.key = step_key AND version.cadence_id = run.cadence_id)
        """,
    ),
    "cadence-i13-quotas-are-kept": Invariant(
        "No account has sent more than it may.",
        "SELECT id AS quota, used, allowed FROM quota_buckets WHERE used > allowed",
    ),
    "cadence-i14-delivery-only-grows": Invariant(
        "What is known of a delivery is as far as its rank says.",
        """
        SELECT id AS execution, delivery, delivery_rank FROM lead_step_executions
        WHERE delivery_rank <> CASE delivery WHEN 'none' THEN 0 WHEN 'delivered' THEN 2
            WHEN 'read' THEN 3 ELSE 1 END
        """,
    ),
    "cadence-i15-passes-end": Invariant(
        "No pass of the runner is open for longer than 25 minutes.",
        """
        SELECT id AS log, executed_at FROM cadence_runner_logs
        WHERE status = 'running' AND executed_at < cadence_now() - interval '25 minutes'
        """,
    ),
    "cadence-i16-no-placeholder-left": Invariant(
        "No text that was sent holds a placeholder.",
        f"""
        SELECT id AS execution FROM lead_step_executions
        WHERE state IN {MAYBE} AND (body || subject) ~ '\\{{\\{{|\\}}\\}}|\\{{%'
        """,
    ),
    "cadence-i17-runs-say-why": Invariant(
        "An ended run says why it ended, a paused one why it waits.",
        """
        SELECT id AS run, status FROM lead_cadence_runs
        WHERE (status IN ('CONCLUIDA', 'CANCELADA')) <> (exit_reason IS NOT NULL)
           OR (status = 'PAUSADA') <> (pause_reason IS NOT NULL)
           OR status NOT IN ('CONCLUIDA', 'CANCELADA', 'ATIVA', 'PAUSADA')
        """,
    ),
    "cadence-i18-sent-is-whole": Invariant(
        "What was sent keeps its text, wording, account, moment and attempts.",
        f"""
        SELECT id AS execution FROM lead_step_executions
        WHERE state IN {MAYBE} AND (
            revision_id IS NULL OR account_id IS NULL OR intended_at IS NULL
            OR attempts < 1 OR attempts <> (
                SELECT count(*) FROM send_attempts
                WHERE execution_id = lead_step_executions.id))
        """,
    ),
    "cadence-i19-three-errors-pause": Invariant(
        "An active run has fewer than three errors in a row.",
        """
        SELECT id AS run, errors_in_a_row FROM lead_cadence_runs
        WHERE status = 'ATIVA' AND errors_in_a_row >= 3 OR errors_in_a_row > 3
        """,
    ),
    "cadence-i20-one-schedule": Invariant(
        "At most one schedule that is on starts the runner.",
        """
        SELECT count(*) AS schedules FROM django_celery_beat_periodictask
        WHERE task = 'cadence-runner' AND enabled HAVING count(*) > 1
        """,
    ),
}
"""I3 counts what reached the phones, which only a test knows: `tests/cadences/ledger.py`."""

register(INVARIANTS)
