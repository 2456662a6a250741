"""Stores, and who may see them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.keys import RandomUUID


class Store(models.Model):
    """A shop whose numbers are kept; days and sums are those of its zone and currency."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    name = models.CharField(_("name"), max_length=200)
    timezone = models.CharField(_("time zone"), max_length=64, db_default="UTC")
    currency = models.CharField(_("currency"), max_length=3, blank=True, db_default="")
    is_active = models.BooleanField(_("active"), db_default=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        through="StoreMember",
        related_name="stores",
        verbose_name=_("members"),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated"), db_default=Now(), editable=False)

    class Meta:
        db_table = "stores"
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        # the console: by name
        indexes = [models.Index(name="store_by_name", fields=["name", "id"])]

    def __str__(self) -> str:
        return self.name


class StoreMember(models.Model):
    """A person who sees a store and may ask for its numbers anew."""

    id = models.BigAutoField(primary_key=True)
    store = models.ForeignKey(
        Store, models.CASCADE, verbose_name=_("store"), related_name="memberships"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("person"),
        related_name="store_memberships",
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        db_table = "store_members"
        verbose_name = _("member of a store")
        verbose_name_plural = _("members of stores")
        constraints = [
            models.UniqueConstraint(name="store_member_once", fields=["store", "user"])
        ]

    def __str__(self) -> str:
        return f"{self.store_id} {self.user_id}"
