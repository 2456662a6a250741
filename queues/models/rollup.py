"""What is remembered of tries for charts, long after their rows are pruned."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from queues.models.job import MAX_TYPE_LENGTH


class JobMinute(models.Model):
    """The tries of one type that ended the same way in one minute (later: hour).

    A wait is known while the job keeps the due time of the try, a run if the
    handler started; each histogram counts those that are known.
    """

    pk = models.CompositePrimaryKey("minute", "type", "outcome")
    minute = models.DateTimeField()
    type = models.CharField(max_length=MAX_TYPE_LENGTH)
    outcome = models.CharField(max_length=10)
    count = models.BigIntegerField()
    wait_seconds = models.FloatField()
    wait_max = models.FloatField()
    wait_histogram = ArrayField(models.IntegerField())
    run_seconds = models.FloatField()
    run_max = models.FloatField()
    run_histogram = ArrayField(models.IntegerField())

    class Meta:
        db_table = "job_minutes"

    def __str__(self) -> str:
        return f"{self.minute} {self.type} {self.outcome}: {self.count}"


class RollUp(models.Model):
    """The one row that says how far the minutes are rolled up for good."""

    id = models.PositiveSmallIntegerField(primary_key=True, db_default=1)
    done_until = models.DateTimeField()

    class Meta:
        db_table = "job_rollup"
        constraints = [models.CheckConstraint(name="rollup_single", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.done_until)
