"""Two indexes for the search of the console; neither costs a job without a key."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import DatabaseError, connections, migrations, models

# Text of any kind, of the dead alone: a job that completes never touches it. Where
# the extension is not there, or not allowed, the console walks back from the newest.
TEXT = """
CREATE INDEX CONCURRENTLY job_failed_text ON {jobs} USING gin (
    (payload::text) {schema}.gin_trgm_ops, error {schema}.gin_trgm_ops
) WHERE status = 'failed'
"""
SCHEMA = """
SELECT quote_ident(nspname) FROM pg_extension
JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm'
"""


def add_text(apps, schema_editor):
    if schema_editor.collect_sql:
        return
    jobs = schema_editor.quote_name("jobs")
    with connections[schema_editor.connection.alias].cursor() as cursor:
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except DatabaseError:
            return
        cursor.execute(SCHEMA)
        (schema,) = cursor.fetchone()
        cursor.execute("DROP INDEX IF EXISTS job_failed_text")
        cursor.execute(TEXT.format(jobs=jobs, schema=schema))


def drop_text(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS job_failed_text")


class Migration(migrations.Migration):
    """Built beside running workers: nothing waits for it."""

    atomic = False
    dependencies = [("queues", "0012_letters_text")]

    operations = [
        AddIndexConcurrently(
            model_name="job",
            index=models.Index(
                name="job_key",
                fields=["unique_key", "id"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                condition=models.Q(("unique_key__isnull", False)),
            ),
        ),
        migrations.RunPython(add_text, drop_text),
    ]
