"""What people may do with cadences, beyond looking and editing."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('cadences', '0003_cadences_sql'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='account',
            options={'permissions': [('rest_account', 'Can let an account rest, wake and test it')], 'verbose_name': 'account', 'verbose_name_plural': 'accounts'},
        ),
        migrations.AlterModelOptions(
            name='cadence',
            options={'permissions': [('publish_cadence', 'Can publish a version of a cadence'), ('pause_cadence', 'Can pause, open and archive a cadence')], 'verbose_name': 'cadence', 'verbose_name_plural': 'cadences'},
        ),
        migrations.AlterModelOptions(
            name='control',
            options={'permissions': [('switch_runner', 'Can stop and start all sending')], 'verbose_name': 'control', 'verbose_name_plural': 'control'},
        ),
        migrations.AlterModelOptions(
            name='execution',
            options={'permissions': [('resolve_execution', 'Can say what became of an unknown send')], 'verbose_name': 'execution', 'verbose_name_plural': 'executions'},
        ),
        migrations.AlterModelOptions(
            name='lead',
            options={'permissions': [('reveal_lead', 'Can see addresses of leads and what they wrote')], 'verbose_name': 'lead', 'verbose_name_plural': 'leads'},
        ),
        migrations.AlterModelOptions(
            name='run',
            options={'permissions': [('operate_run', 'Can enrol, pause, move and end runs')], 'verbose_name': 'run', 'verbose_name_plural': 'runs'},
        ),
    ]
