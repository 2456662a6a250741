"""What was done, by whom, through which door; rows that nobody can change."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

MAX_LABEL_LENGTH = 200


class Door(models.TextChoices):
    """Where a change came in."""

    ADMIN = "admin", _("console")
    API = "api", _("API")
    CLI = "cli", _("command")
    CODE = "code", _("code")
    SQL = "sql", _("SQL")


class AuditEntry(models.Model):
    """One change. Triggers refuse to change it, and to delete it before its time.

    It refers to nothing by a foreign key: it outlives the people and the rows.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("when"), db_default=Now())
    actor = models.CharField(_("who"), max_length=MAX_LABEL_LENGTH)
    user_id = models.BigIntegerField(_("user id"), null=True)
    door = models.CharField(_("door"), max_length=5, choices=Door)
    action = models.CharField(_("action"), max_length=100)
    target_kind = models.CharField(_("kind"), max_length=100, db_default="")
    target_id = models.CharField(_("id"), max_length=MAX_LABEL_LENGTH, db_default="")
    label = models.CharField(_("what"), max_length=MAX_LABEL_LENGTH, db_default="")
    reason = models.TextField(_("reason"), db_default="")
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)
    count = models.PositiveIntegerField(_("rows"), db_default=1)

    class Meta:
        db_table = "audit_log"
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit")
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                name="audit_door_known", condition=models.Q(door__in=Door.values)
            ),
        ]
        # the page: newest first, of everything and of what each filter leaves
        indexes = [
            models.Index(name="audit_newest", fields=["-at", "-id"]),
            models.Index(name="audit_of_actor", fields=["actor", "-at", "-id"]),
            models.Index(name="audit_of_action", fields=["action", "-at", "-id"]),
            models.Index(name="audit_of_kind", fields=["target_kind", "-at", "-id"]),
            # the history of one row
            models.Index(
                name="audit_of_target",
                fields=["target_id", "target_kind", "-at", "-id"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.label}".rstrip()
