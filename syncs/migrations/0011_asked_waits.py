"""Keep what a provider asked us to wait, so that an absurd wait is told."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column that may be empty."""

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
    ]
