"""Publish the registered types and limits to the database, for SQL and for staff."""

from django.db import connection

from queues.allowance import declare
from queues.handlers import registry

PUBLISH = """
INSERT INTO job_types (name, queue, description)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
ON CONFLICT (name) DO UPDATE
    SET queue = excluded.queue, description = excluded.description
    WHERE (job_types.queue, job_types.description)
        IS DISTINCT FROM (excluded.queue, excluded.description)
"""


def publish() -> None:
    """Write every registered type, and every limit that has no row yet; idempotent."""
    known = list(registry)
    with connection.cursor() as cursor:
        cursor.execute(
            PUBLISH,
            [
                [each.name for each in known],
                [each.queue for each in known],
                [each.description for each in known],
            ],
        )
    declare(registry.limits.values())
