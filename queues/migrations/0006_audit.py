"""The audit log, and the triggers that keep it as it was written."""

import django.db.models.functions.datetime
from django.db import migrations, models

# Whoever may insert cannot say when: the database's clock does.
DATED = r"""
CREATE FUNCTION ritmo_audit_dated() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.at := clock_timestamp();
    RETURN NEW;
END;
$$;
CREATE TRIGGER audit_log_dated BEFORE INSERT ON audit_log
FOR EACH ROW EXECUTE FUNCTION ritmo_audit_dated();
"""

# For everyone, the owner of the table included, and in replication sessions too.
# A row may go once it is a year old; until then nobody can delete it.
KEPT = r"""
CREATE FUNCTION ritmo_audit_kept() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' THEN
        IF OLD.at < clock_timestamp() - interval '365 days' THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'The audit log keeps its rows for a year: % is younger', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RAISE EXCEPTION 'The audit log is append-only: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION ritmo_audit_kept();
CREATE TRIGGER audit_log_undeleted BEFORE DELETE ON audit_log
FOR EACH ROW EXECUTE FUNCTION ritmo_audit_kept();
CREATE TRIGGER audit_log_untruncated BEFORE TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION ritmo_audit_kept();
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_unchanged;
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_undeleted;
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_log_untruncated;
"""

# For SQL callers, and for the functions behind the doors of SQL: `session_user`
# is who signed in, also inside a function that runs as somebody else.
AUDIT = r"""
CREATE FUNCTION ritmo_audit(
    p_action text, p_target_kind text DEFAULT '', p_target_id text DEFAULT '',
    p_label text DEFAULT '', p_before jsonb DEFAULT NULL, p_after jsonb DEFAULT NULL,
    p_reason text DEFAULT '', p_count int DEFAULT 1
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    INSERT INTO audit_log (actor, door, action, target_kind, target_id, label, before,
                           after, reason, count)
    VALUES (session_user, 'sql', left(p_action, 100), left(p_target_kind, 100),
            left(p_target_id, 200), left(p_label, 200), p_before, p_after, p_reason,
            p_count)
$$;
"""


class Migration(migrations.Migration):

    dependencies = [("queues", "0005_needs_sql")]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='when')),
                ('actor', models.CharField(max_length=200, verbose_name='who')),
                ('user_id', models.BigIntegerField(null=True, verbose_name='user id')),
                ('door', models.CharField(choices=[('admin', 'console'), ('api', 'API'), ('cli', 'command'), ('code', 'code'), ('sql', 'SQL')], max_length=5, verbose_name='door')),
                ('action', models.CharField(max_length=100, verbose_name='action')),
                ('target_kind', models.CharField(db_default='', max_length=100, verbose_name='kind')),
                ('target_id', models.CharField(db_default='', max_length=200, verbose_name='id')),
                ('label', models.CharField(db_default='', max_length=200, verbose_name='what')),
                ('reason', models.TextField(db_default='', verbose_name='reason')),
                ('before', models.JSONField(null=True, verbose_name='before')),
                ('after', models.JSONField(null=True, verbose_name='after')),
                ('count', models.PositiveIntegerField(db_default=1, verbose_name='rows')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit',
                'db_table': 'audit_log',
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['-at', '-id'], name='audit_newest'), models.Index(fields=['actor', '-at', '-id'], name='audit_of_actor'), models.Index(fields=['action', '-at', '-id'], name='audit_of_action'), models.Index(fields=['target_kind', '-at', '-id'], name='audit_of_kind'), models.Index(fields=['target_id', 'target_kind', '-at', '-id'], name='audit_of_target')],
                'constraints': [models.CheckConstraint(condition=models.Q(('door__in', ['admin', 'api', 'cli', 'code', 'sql'])), name='audit_door_known')],
            },
        ),
        migrations.RunSQL(DATED, "DROP FUNCTION ritmo_audit_dated CASCADE"),
        migrations.RunSQL(KEPT, "DROP FUNCTION ritmo_audit_kept CASCADE"),
        migrations.RunSQL(AUDIT, "DROP FUNCTION ritmo_audit"),
    ]
