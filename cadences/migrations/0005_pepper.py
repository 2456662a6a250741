"""The secret that suppressed addresses are hashed with lives beside them."""

import queues.seal
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True  # it only creates a table

    dependencies = [
        ('cadences', '0005_channels_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='Pepper',
            fields=[
                ('id', models.SmallIntegerField(db_default=1, default=1, primary_key=True, serialize=False)),
                ('sealed', queues.seal.Sealed(editable=False, null=True)),
                ('plain', models.TextField(db_default='', editable=False)),
            ],
            options={
                'verbose_name': 'pepper',
                'verbose_name_plural': 'peppers',
                'db_table': 'suppression_pepper',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='pepper_is_one'), models.CheckConstraint(condition=models.Q(('sealed__isnull', True), ('plain', ''), _connector='XOR'), name='pepper_is_kept_once')],
            },
        ),
    ]
