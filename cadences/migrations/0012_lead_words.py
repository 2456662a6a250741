"""The indexes of the list of leads, and of what accounts told last."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

# Not among the model's own: Django cannot say it without an app of its own.
BY_WORDS = """
CREATE INDEX CONCURRENTLY lead_by_words ON leads USING gin (
    to_tsvector('simple', lower(translate(name, 'ÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑáàâãäéèêëíìîïóòôõöúùûüçñ', 'aaaaaeeeeiiiiooooouuuucnaaaaaeeeeiiiiooooouuuucn')))
)
"""
BY_NAME = "CREATE INDEX CONCURRENTLY lead_by_name ON leads (upper(name) text_pattern_ops)"


class Migration(migrations.Migration):
    """No lock but the shortest."""

    atomic = False
    dependencies = [("cadences", "0011_readable_moments")]

    operations = [
        AddIndexConcurrently("lead", models.Index(condition=Q(mode="manual"), fields=["created_at", "id"], name="lead_in_person")),
        AddIndexConcurrently("lead", models.Index(condition=Q(erased_at__isnull=False), fields=["created_at", "id"], name="lead_erased")),
        AddIndexConcurrently("lead", models.Index(condition=Q(do_not_contact=True), fields=["created_at", "id"], name="lead_never")),
        AddIndexConcurrently("message", models.Index(condition=Q(channel="webhook"), fields=["account", "-created_at"], name="message_of_account")),
        migrations.RunSQL(
            ["DROP INDEX CONCURRENTLY IF EXISTS lead_by_words", BY_WORDS],
            "DROP INDEX CONCURRENTLY lead_by_words",
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS lead_by_name", BY_NAME),
    ]
