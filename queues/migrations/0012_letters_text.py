"""The index of the words of open letters, where PostgreSQL has trigrams."""

from django.db import DatabaseError, connections, migrations

# Of the open ones alone: a letter that is replayed or discarded leaves it for free.
# Where the extension is not there, or not allowed, a search reads the letters.
TEXT = """
CREATE INDEX CONCURRENTLY letter_open_text ON dead_letters
USING gin (upper(reason) {schema}.gin_trgm_ops)
WHERE replayed_at IS NULL AND dismissed_at IS NULL
"""
SCHEMA = """
SELECT quote_ident(nspname) FROM pg_extension
JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm'
"""
DROP = "DROP INDEX IF EXISTS letter_open_text"


def add_text(apps, schema_editor):
    if schema_editor.collect_sql:
        return
    with connections[schema_editor.connection.alias].cursor() as cursor:
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except DatabaseError:
            return
        cursor.execute(SCHEMA)
        (schema,) = cursor.fetchone()
        cursor.execute(DROP)
        cursor.execute(TEXT.format(schema=schema))


def drop_text(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(DROP)


class Migration(migrations.Migration):
    """Built beside running workers: nothing waits for it."""

    atomic = False
    dependencies = [("queues", "0011_letters_index")]

    operations = [migrations.RunPython(add_text, drop_text)]
