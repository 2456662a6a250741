"""Give the letters that are there their fingerprints, a page a transaction."""

import time

from django.db import migrations

PAGE = 2000
PAUSE = 0.2
"""Seconds until letters that others held are tried again."""

# Whoever holds a letter now is not waited for: the next round comes back to it.
FILL = """
UPDATE dead_letters SET fingerprint = ritmo_fingerprint(reason, traceback)
WHERE id IN (
    SELECT id FROM dead_letters WHERE fingerprint IS NULL AND id > %s
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
LEFT = "SELECT EXISTS (SELECT FROM dead_letters WHERE fingerprint IS NULL)"


def fill(apps, schema_editor):
    """Go through the table until every letter has one."""
    with schema_editor.connection.cursor() as cursor:
        left = True
        while left:
            last = 0
            while True:
                cursor.execute(FILL, [last, PAGE])
                if not (page := cursor.fetchall()):
                    break
                last = max(letter for (letter,) in page)
            cursor.execute(LEFT)
            (left,) = cursor.fetchone()
            time.sleep(PAUSE if left else 0)


class Migration(migrations.Migration):
    """Data; runs beside workers, and again from where it was stopped."""

    atomic = False
    dependencies = [("queues", "0009_letters_sql")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
