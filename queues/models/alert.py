"""Alerts as rows: rules that staff edit, how each subject stands, who was told what."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from queues.seal import Sealed

MAX_SUBJECT_LENGTH = 200
HOUR = 3600


class Level(models.TextChoices):
    """How bad it is."""

    WARNING = "warning", _("warning")
    CRITICAL = "critical", _("critical")


class AlertChannel(models.Model):
    """A way to tell people. A message that one cannot deliver goes on to the next."""

    class Kind(models.TextChoices):
        """How it is delivered."""

        SLACK = "slack", _("Slack")
        EMAIL = "email", _("e-mail")
        WEBHOOK = "webhook", _("signed webhook")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    position = models.PositiveSmallIntegerField(_("order"), db_default=100)
    target = models.TextField(_("target"), blank=True, db_default="")
    secret = Sealed(_("secret"), null=True, blank=True)
    enabled = models.BooleanField(_("enabled"), db_default=True)

    class Meta:
        db_table = "alert_channels"
        verbose_name = _("alert channel")
        verbose_name_plural = _("alert channels")

    def __str__(self) -> str:
        return self.name


class AlertRule(models.Model):
    """What is measured, over which time, and from where on people are told."""

    class Side(models.TextChoices):
        """On which side of the threshold something is wrong."""

        ABOVE = "above", _("above")
        BELOW = "below", _("below")

    code = models.SlugField(_("rule"), max_length=100, unique=True)
    measure = models.CharField(_("measure"), max_length=100)
    subject = models.CharField(
        _("only for"), max_length=MAX_SUBJECT_LENGTH, blank=True, db_default=""
    )
    side = models.CharField(
        _("fires when it is"), max_length=5, choices=Side, db_default=Side.ABOVE
    )
    threshold = models.FloatField(_("threshold"))
    critical_threshold = models.FloatField(_("critical from"), null=True, blank=True)
    level = models.CharField(
        _("level"), max_length=10, choices=Level, db_default=Level.WARNING
    )
    window_seconds = models.PositiveIntegerField(_("window"), db_default=HOUR)
    min_sample = models.PositiveIntegerField(_("minimum sample"), db_default=1)
    cooldown_seconds = models.PositiveIntegerField(_("cooldown"), db_default=HOUR)
    channels = models.ManyToManyField(
        AlertChannel, verbose_name=_("channels"), blank=True
    )
    enabled = models.BooleanField(_("enabled"), db_default=True)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    note = models.TextField(_("what to do"), blank=True, db_default="")
    is_starter = models.BooleanField(_("shipped"), db_default=False, editable=False)
    failed_at = models.DateTimeField(_("could not measure"), null=True, editable=False)
    error = models.TextField(_("error"), blank=True, db_default="", editable=False)

    class Meta:
        db_table = "alert_rules"
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        permissions = [("mute_alert", _("Can mute an alert"))]
        constraints = [
            models.CheckConstraint(
                name="alert_rule_side_known", condition=Q(side__in=("above", "below"))
            ),
            models.CheckConstraint(
                name="alert_rule_level_known",
                condition=Q(level__in=("warning", "critical")),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class AlertState(models.Model):
    """How one subject stands under one rule; an incident stands for a whole group."""

    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="states")
    subject = models.CharField(
        _("subject"), max_length=MAX_SUBJECT_LENGTH, db_default=""
    )
    is_incident = models.BooleanField(_("incident"), db_default=False)
    is_firing = models.BooleanField(_("firing"), db_default=False)
    # People have heard that it fires, and will hear that it is over.
    is_told = models.BooleanField(_("told"), db_default=False)
    level = models.CharField(_("level"), max_length=10, choices=Level)
    since = models.DateTimeField(_("since"), db_default=Now())
    told_at = models.DateTimeField(_("told at"), null=True)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    value = models.FloatField(_("value"))
    label = models.CharField(_("what"), max_length=MAX_SUBJECT_LENGTH, db_default="")
    group = models.CharField(_("group"), max_length=MAX_SUBJECT_LENGTH, db_default="")
    path = models.CharField(_("page"), max_length=300, db_default="")
    incident = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="members"
    )

    class Meta:
        db_table = "alert_states"
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="alert_state_once", fields=["rule", "subject", "is_incident"]
            ),
            models.CheckConstraint(
                name="alert_state_told_has_time",
                condition=Q(is_told=False) | Q(told_at__isnull=False),
            ),
        ]
        indexes = [
            # the page, and the overview: what fires now
            models.Index(
                name="alert_firing", fields=["-since"], condition=Q(is_firing=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule.code} {self.label or self.subject}".rstrip()


class AlertMessage(models.Model):
    """What people are told of one change: written with the change, sent by jobs."""

    class Kind(models.TextChoices):
        """What changed."""

        FIRED = "fired", _("fired")
        RECOVERED = "recovered", _("recovered")

    id = models.BigAutoField(primary_key=True)
    rule = models.ForeignKey(
        AlertRule, models.SET_NULL, null=True, related_name="messages"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    level = models.CharField(_("level"), max_length=10, choices=Level)
    title = models.CharField(_("title"), max_length=300)
    body = models.TextField(_("text"))
    subjects = ArrayField(models.TextField(), verbose_name=_("subjects"))
    created_at = models.DateTimeField(_("written"), db_default=Now())

    class Meta:
        db_table = "alert_messages"
        verbose_name = _("alert message")
        verbose_name_plural = _("alert messages")
        default_permissions = ("view",)
        # prune, and the page: newest first
        indexes = [models.Index(name="alert_message_newest", fields=["-created_at"])]

    def __str__(self) -> str:
        return self.title


class AlertDelivery(models.Model):
    """One message over one channel, once."""

    class Status(models.TextChoices):
        """How far it came."""

        PENDING = "pending", _("pending")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(AlertMessage, models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(AlertChannel, models.CASCADE, related_name="deliveries")
    status = models.CharField(
        _("status"), max_length=10, choices=Status, db_default=Status.PENDING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), db_default=0)
    error = models.TextField(_("error"), db_default="")
    sent_at = models.DateTimeField(_("sent"), null=True)

    class Meta:
        db_table = "alert_deliveries"
        verbose_name = _("alert delivery")
        verbose_name_plural = _("alert deliveries")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="alert_delivery_once", fields=["message", "channel"]
            ),
            models.CheckConstraint(
                name="alert_delivery_sent_has_time",
                condition=~Q(status="sent") | Q(sent_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} → {self.channel_id}"
