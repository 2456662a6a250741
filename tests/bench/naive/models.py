"""The naive baseline's row: what a team writes before it knows better."""

from django.db import models
from django.db.models.functions import Now


class Row(models.Model):
    """One job. No index but its key: the leanest form."""

    payload = models.JSONField()
    status = models.CharField(max_length=10, default="pending")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"#{self.pk}"
