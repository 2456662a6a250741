"""The secret that suppressed addresses are hashed with lives beside them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True  # it only creates a table

    dependencies = [
        ('cadences', '0003_cadences_sql'),
    ]

    operations = [
        migrations.CreateModel(
            name='Pepper',
            fields=[
                ('id', models.SmallIntegerField(db_default=1, default=1, primary_key=True, serialize=False)),
                ('value', models.TextField(editable=False)),
            ],
            options={
                'verbose_name': 'pepper',
                'verbose_name_plural': 'peppers',
                'db_table': 'suppression_pepper',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='pepper_is_one')],
            },
        ),
    ]
