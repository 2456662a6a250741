"""Name the links between rows of syncs as people do; no column changes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('syncs', '0009_readable_moments'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='cacheentry',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='syncs.store', verbose_name='store'),
        ),
        migrations.AlterField(
            model_name='connection',
            name='store',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='connections', to='syncs.store', verbose_name='store'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='connection',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='syncs.connection', verbose_name='connection'),
        ),
        migrations.AlterField(
            model_name='quarantined',
            name='connection',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='quarantined', to='syncs.connection', verbose_name='connection'),
        ),
        migrations.AlterField(
            model_name='quarantined',
            name='run',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='quarantined', to='syncs.run', verbose_name='sync'),
        ),
        migrations.AlterField(
            model_name='storemember',
            name='store',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='syncs.store', verbose_name='store'),
        ),
        migrations.AlterField(
            model_name='storemember',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='store_memberships', to=settings.AUTH_USER_MODEL, verbose_name='person'),
        ),
    ]
