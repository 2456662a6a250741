"""Ask for the numbers of every store at once, without starting all at the same moment."""

from django.db import connection

# The trigger of each row enqueues its job; a store's place in the spread is the same
# every day. One statement: 10,000 stores take seconds.
REQUEST = """
INSERT INTO sync_queue (store_id, period_start, period_end, trigger, not_before, priority)
SELECT store.id, today.day - %(days)s + 1, today.day, 'cron',
       CASE WHEN %(spread)s > 0 THEN clock_timestamp() + interval '1 second'
           * (abs(hashtext(store.id::text)::bigint) %% %(spread)s) END, 7
FROM stores AS store
CROSS JOIN LATERAL (
    SELECT (clock_timestamp() AT TIME ZONE CASE WHEN EXISTS (
        SELECT FROM pg_timezone_names WHERE name = store.timezone)
        THEN store.timezone ELSE 'UTC' END)::date AS day
) AS today
WHERE store.is_active
  AND EXISTS (SELECT FROM store_connections WHERE store_id = store.id
              AND status = 'active')
  AND NOT EXISTS (
      SELECT FROM store_sync_cache WHERE store_id = store.id
      AND period_start = today.day - %(days)s + 1 AND period_end = today.day
      AND synced_at > clock_timestamp() - %(skip)s * interval '1 second')
ON CONFLICT (dedupe_key) WHERE status = 'queued' AND started_at IS NULL DO NOTHING
"""


def request_all(*, days: int, spread: int, skip: float) -> int:
    """Ask for the last days of every active store; return how many runs that made.

    The starts are spread over so many seconds; who was synced `skip` seconds ago at
    most is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(REQUEST, {"days": days, "spread": spread, "skip": skip})
        return int(cursor.rowcount)
