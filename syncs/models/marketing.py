"""What Klaviyo tells of campaigns, flows and what they brought."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from syncs.models.connections import Connection
from syncs.models.runs import Run


class Piece(models.Model):
    """A campaign or a flow, as its list tells it."""

    class Kind(models.TextChoices):
        CAMPAIGN = "campaign", _("campaign")
        FLOW = "flow", _("flow")

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="pieces", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    external_id = models.CharField(_("id at the provider"), max_length=64)
    name = models.CharField(_("name"), max_length=255, db_default="")
    # Words of the provider's: one that is new is stored as it is.
    status = models.CharField(_("status"), max_length=60, db_default="")
    channel = models.CharField(_("channel"), max_length=30, db_default="")
    is_archived = models.BooleanField(_("archived"), db_default=False)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    provider_updated_at = models.DateTimeField(_("changed at the provider"))
    seen_at = models.DateTimeField(_("read"), db_default=Now())

    class Meta:
        db_table = "marketing_pieces"
        verbose_name = _("campaign or flow")
        verbose_name_plural = _("campaigns and flows")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="piece_once", fields=["connection", "kind", "external_id"]
            )
        ]

    def __str__(self) -> str:
        return self.name or self.external_id


class Result(models.Model):
    """What a message brought within a period, by one conversion metric.

    The period is the provider's account's; another metric is another result.
    """

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="results", db_index=False
    )
    report = models.CharField(_("report"), max_length=20)
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    metric = models.CharField(_("conversion metric"), max_length=64)
    piece = models.CharField(_("campaign or flow"), max_length=64)
    message = models.CharField(_("message"), max_length=64, db_default="")
    channel = models.CharField(_("channel"), max_length=30, db_default="")
    recipients = models.BigIntegerField(_("recipients"), db_default=0)
    delivered = models.BigIntegerField(_("delivered"), db_default=0)
    opens = models.BigIntegerField(_("unique opens"), db_default=0)
    clicks = models.BigIntegerField(_("unique clicks"), db_default=0)
    conversions = models.BigIntegerField(_("conversions"), db_default=0)
    converted = models.BigIntegerField(_("people who converted"), db_default=0)
    revenue = models.DecimalField(
        _("revenue"), max_digits=20, decimal_places=4, db_default=0
    )
    # The pass that brought it: what the last complete one did not bring is gone.
    run = models.ForeignKey(Run, models.SET_NULL, null=True, related_name="+")
    seen_at = models.DateTimeField(_("read"), db_default=Now())

    class Meta:
        db_table = "marketing_results"
        verbose_name = _("result of a message")
        verbose_name_plural = _("results of messages")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="result_once",
                fields=[
                    "connection", "report", "period_start", "period_end", "metric",
                    "piece", "message", "channel",
                ],
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.piece} {self.revenue}"


class ReportState(models.Model):
    """Which report of which period is complete, and which metric it is about."""

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="reports", db_index=False
    )
    report = models.CharField(_("report"), max_length=20)
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    metric = models.CharField(_("conversion metric"), max_length=64, db_default="")
    data = models.JSONField(_("numbers"), default=dict, db_default={})
    as_of = models.DateTimeField(_("as of"))

    class Meta:
        db_table = "marketing_reports"
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="report_once",
                fields=["connection", "report", "period_start", "period_end"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.report} {self.period_start}/{self.period_end}"
