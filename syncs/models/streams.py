"""How far each stream of a connection has been read."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from syncs.models.connections import Connection


class StreamState(models.Model):
    """The place to go on from: written with the rows of a page, or not at all."""

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="streams")
    stream = models.CharField(_("stream"), max_length=100)
    # The period of a report; empty for a stream that is read from end to end.
    scope = models.CharField(_("scope"), max_length=100, blank=True, db_default="")
    # Moves only at the end of a complete pass.
    watermark = models.DateTimeField(_("complete up to"), null=True, blank=True)
    page_cursor = models.TextField(_("next page"), null=True, blank=True)
    pages_done = models.PositiveIntegerField(_("pages of this pass"), db_default=0)
    rows_done = models.PositiveIntegerField(_("rows of this pass"), db_default=0)
    generation = models.PositiveIntegerField(_("passes"), db_default=0)
    last_complete_at = models.DateTimeField(_("complete at"), null=True, blank=True)
    last_count = models.PositiveIntegerField(_("rows then"), null=True, blank=True)
    # Of the last five complete passes, newest first.
    counts = ArrayField(
        models.PositiveIntegerField(), default=list, db_default=[], editable=False
    )
    updated_at = models.DateTimeField(_("updated"), db_default=Now())

    class Meta:
        db_table = "sync_streams"
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        constraints = [
            models.UniqueConstraint(
                name="stream_state_once", fields=["connection", "stream", "scope"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.scope}".strip()
