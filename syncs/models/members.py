"""Leads that came from elsewhere, the segments they are in, and what happened to them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models import Company, Lead
from syncs.models.connections import Connection
from syncs.models.segments import SegmentControl


class SyncedLead(models.Model):
    """What an account said last of one lead, and which lead that is here."""

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(
        Connection, models.CASCADE, null=True, blank=True, related_name="+"
    )
    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    external_id = models.CharField(_("id there"), max_length=64)
    lead = models.ForeignKey(
        Lead, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Erased by request: they are not admitted again.
    is_forgotten = models.BooleanField(db_default=False)
    provider_updated_at = models.DateTimeField(null=True, blank=True)
    row_hash = models.CharField(max_length=64, blank=True, db_default="")
    enriched_at = models.DateTimeField(null=True, blank=True)
    enriched_for = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "synced_leads"
        verbose_name = _("synced lead")
        verbose_name_plural = _("synced leads")
        constraints = [
            models.UniqueConstraint(
                name="synced_lead_once",
                fields=["connection", "company", "external_id"],
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.external_id


class SegmentMember(models.Model):
    """A lead in a segment, since when and, once gone, until when."""

    id = models.BigAutoField(primary_key=True)
    control = models.ForeignKey(
        SegmentControl, models.CASCADE, related_name="memberships"
    )
    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="+", verbose_name=_("lead")
    )
    external_id = models.CharField(_("id there"), max_length=64)
    joined_at = models.DateTimeField(_("joined"), db_default=Now())
    removed_at = models.DateTimeField(_("left"), null=True, blank=True)

    class Meta:
        db_table = "segment_members"
        verbose_name = _("member of a segment")
        verbose_name_plural = _("members of segments")
        constraints = [
            models.UniqueConstraint(name="member_once", fields=["control", "lead"]),
            models.UniqueConstraint(
                name="member_once_by_id", fields=["control", "external_id"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.control_id}: {self.external_id}"


class LeadEvent(models.Model):
    """A lead joined a segment, left it, changed, or did something: once each, for good."""

    class Kind(models.TextChoices):
        JOINED = "joined", _("joined the segment")
        LEFT = "left", _("left the segment")
        CHANGED = "changed", _("changed")
        EVENT = "event", _("told by a webhook")

    id = models.BigAutoField(primary_key=True)
    control = models.ForeignKey(
        SegmentControl, models.CASCADE, null=True, blank=True, related_name="events"
    )
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="+")
    kind = models.CharField(_("event"), max_length=10, choices=Kind)
    # Since when they are in the segment, or what else makes the event one of a kind.
    occasion = models.CharField(max_length=100)
    # Found by the first reading of a segment: they were there before we looked.
    is_baseline = models.BooleanField(db_default=False)
    details = models.JSONField(default=dict, db_default={})
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        db_table = "lead_events"
        verbose_name = _("event of a lead")
        verbose_name_plural = _("events of leads")
        constraints = [
            models.UniqueConstraint(
                name="lead_event_once",
                fields=["lead", "kind", "occasion", "control"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="lead_event_kind",
                condition=Q(kind__in=["joined", "left", "changed", "event"]),
            ),
        ]
        indexes = [
            # the page of a segment
            models.Index(name="lead_event_by_control", fields=["control", "-at"]),
            # retention
            models.Index(name="lead_event_by_time", fields=["at"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.lead_id}"


class SegmentRefusal(models.Model):
    """A row that could not be read: its form without its values, until it is settled."""

    id = models.BigAutoField(primary_key=True)
    control = models.ForeignKey(
        SegmentControl, models.CASCADE, verbose_name=_("segment"),
        related_name="refusals",
    )  # fmt: skip
    external_id = models.CharField(_("id there"), max_length=64)
    reason = models.TextField(_("reason"))
    sample = models.JSONField(_("its form"), default=dict, db_default={})
    created_at = models.DateTimeField(_("since"), db_default=Now())
    seen_at = models.DateTimeField(_("last seen"), db_default=Now())
    resolved_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        db_table = "segment_refusals"
        verbose_name = _("row kept aside")
        verbose_name_plural = _("rows kept aside")
        permissions = [("replay_segmentrefusal", _("Can read rows kept aside again"))]
        constraints = [
            models.UniqueConstraint(
                name="refusal_once",
                fields=["control", "external_id"],
                condition=Q(resolved_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.control}: {self.external_id}"
