"""The ledger: what really happened, written by handlers outside the engine's tables."""

from django.db import models
from django.db.models.functions import Now

from queues.seal import Sealed


class Entry(models.Model):
    """One start or end of a handler."""

    job_id = models.BigIntegerField()
    event = models.CharField(max_length=10)
    pid = models.IntegerField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.event} of #{self.job_id}"


class Till(models.Model):
    """A drawer with a code that nobody may read."""

    code = Sealed(null=True)

    def __str__(self) -> str:
        return f"#{self.pk}"
