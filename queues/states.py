"""The five states of a job and the ends of an attempt."""

from datetime import UTC, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Where a job stands; "scheduled" and "retrying" are derived from `run_at`."""

    PENDING = "pending", _("pending")
    PROCESSING = "processing", _("processing")
    COMPLETED = "completed", _("completed")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


READABLE = (datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
"""Where a moment may lie: PostgreSQL knows others, `infinity` too, and Python does not."""

LIVE = (State.PENDING, State.PROCESSING)
FINAL = (State.COMPLETED, State.FAILED, State.CANCELLED)


class End(models.TextChoices):
    """How an attempt was closed; only `settle` writes one."""

    COMPLETED = "completed", _("completed")
    SNOOZED = "snoozed", _("snoozed")
    FAILED = "failed", _("failed")
    BURIED = "buried", _("buried")
    CANCELLED = "cancelled", _("cancelled")
    LOST = "lost", _("lost with its process")
    RELEASED = "released", _("handed back")
