"""Who may do what, who may knock at the HTTP door, and what was answered."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ApiToken(models.Model):
    """A person's key to the API; only its SHA-256 digest is stored."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("begins with"), max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        db_table = "api_tokens"
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotencyKey(models.Model):
    """The answer given to one (caller, key), to be given again."""

    id = models.BigAutoField(primary_key=True)
    caller = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "idempotency_keys"
        constraints = [
            models.UniqueConstraint(
                name="idempotency_once_per_caller", fields=["caller", "key"]
            ),
        ]
        # prune: keys past their day
        indexes = [models.Index(name="idempotency_oldest", fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.caller}: {self.key}"


class AccessScope(models.Model):
    """Where the permissions of a group hold; a group without a scope has them everywhere."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(Group, models.CASCADE, related_name="access_scopes")
    type = models.CharField(
        _("job type"),
        max_length=101,
        blank=True,
        db_default="",
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}\*?$",
                _("Write the name of a job type, or its beginning and a *."),
            )
        ],
        help_text=_("A name, or a beginning such as sync-*. Empty: every type."),
    )
    queue = models.CharField(
        _("queue"),
        max_length=100,
        blank=True,
        db_default="",
        help_text=_("Empty: every queue."),
    )

    class Meta:
        db_table = "access_scopes"
        verbose_name = _("scope")
        verbose_name_plural = _("scopes")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="scope_once_per_group", fields=["group", "type", "queue"]
            ),
            models.CheckConstraint(
                name="scope_names_something",
                condition=~Q(type="", queue=""),
                violation_error_message=_("Name a job type, a queue, or both."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type or '*'} @ {self.queue or '*'}"


class RoleGrant(models.Model):
    """A role was given a permission once; taking it away later is respected."""

    id = models.BigAutoField(primary_key=True)
    role = models.CharField(max_length=150)
    permission = models.CharField(max_length=255)
    granted_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "role_grants"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="role_granted_once", fields=["role", "permission"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.permission}"
