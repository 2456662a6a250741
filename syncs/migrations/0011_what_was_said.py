"""Keep what providers asked for and told, and the code of what went wrong."""

from django.db import migrations, models


def code() -> "models.CharField[str, str]":
    return models.CharField(
        blank=True, db_default="", max_length=60, verbose_name="code of the error"
    )


class Migration(migrations.Migration):
    """Columns that may be empty, or that the database fills in."""

    dependencies = [
        ("syncs", "0010_words_of_links"),
    ]

    operations = [
        migrations.AddField(
            model_name="budget",
            name="asked_seconds",
            field=models.FloatField(
                blank=True, null=True, verbose_name="seconds that were asked for"
            ),
        ),
        migrations.AddField(
            model_name="connection",
            name="told_at",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="last change told"
            ),
        ),
        migrations.AddField(
            model_name="connection",
            name="status_code",
            field=models.CharField(db_default="", editable=False, max_length=60),
        ),
        migrations.AddField(
            model_name="backfill",
            name="reason_code",
            field=models.CharField(db_default="", editable=False, max_length=60),
        ),
        migrations.AddField(
            model_name="streamrun", name="error_code", field=code()
        ),
        migrations.AddField(
            model_name="cacheentry", name="error_code", field=code()
        ),
    ]
