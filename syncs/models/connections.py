"""Connections of stores to providers, and what opens them."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.keys import RandomUUID
from queues.seal import Sealed
from syncs.models.stores import Store
from syncs.states import ConnectionStatus, Provider


class Connection(models.Model):
    """One account of a store at a provider. Only an active one is called."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    store = models.ForeignKey(
        Store, models.CASCADE, verbose_name=_("store"), related_name="connections"
    )
    provider = models.CharField(_("provider"), max_length=20, choices=Provider)
    label = models.CharField(_("label"), max_length=100, blank=True, db_default="")
    external_account = models.CharField(
        _("account"),
        max_length=200,
        blank=True,
        db_default="",
        help_text=_("The domain of the shop, the public key, or the instance."),
    )
    timezone = models.CharField(
        _("time zone"), max_length=64, blank=True, db_default=""
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True, db_default="")
    api_version = models.CharField(
        _("API version"), max_length=20, blank=True, db_default=""
    )
    settings = models.JSONField(_("settings"), blank=True, default=dict, db_default={})
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=ConnectionStatus,
        db_default=ConnectionStatus.ACTIVE,
    )
    status_code = models.CharField(max_length=60, editable=False, db_default="")
    status_reason = models.TextField(_("because"), blank=True, db_default="")
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    consecutive_errors = models.PositiveIntegerField(_("errors in a row"), db_default=0)
    # After five errors in a row nobody calls before this moment.
    breaker_until = models.DateTimeField(_("rests until"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    # When a change that the provider told by itself was stored last.
    told_at = models.DateTimeField(_("last change told"), null=True, blank=True)
    freshness_minutes = models.PositiveIntegerField(
        _("should be no older than, in minutes"), null=True, blank=True
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated"), db_default=Now(), editable=False)

    class Meta:
        db_table = "store_connections"
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        permissions = [
            ("test_connection", _("Can test a connection")),
            ("rotate_connection", _("Can replace the credentials of a connection")),
            ("pause_connection", _("Can pause a connection")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="connection_once",
                fields=["store", "provider", "external_account"],
            ),
            models.CheckConstraint(
                name="connection_status_known",
                condition=models.Q(status__in=ConnectionStatus.values),
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"{self.provider} {self.external_account}".strip()


class Credential(models.Model):
    """What opens a connection, sealed; `syncs.credentials` alone opens it.

    The sealed text is a JSON object: access_token, refresh_token,
    previous_refresh_token, client_id, client_secret, whichever a kind has.
    """

    connection = models.OneToOneField(
        Connection, models.CASCADE, primary_key=True, related_name="credential"
    )
    kind = models.CharField(_("kind"), max_length=30, blank=True, db_default="token")
    sealed = Sealed()
    # The last four characters of the access token: enough to tell two apart.
    ending = models.CharField(_("ends in"), max_length=4, blank=True, db_default="")
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    rotated_at = models.DateTimeField(_("replaced"), db_default=Now())
    version = models.PositiveIntegerField(db_default=1)

    class Meta:
        db_table = "connection_credentials"
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        default_permissions = ()

    def __str__(self) -> str:
        return f"…{self.ending}" if self.ending else "…"
