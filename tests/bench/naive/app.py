"""The naive baseline: one Celery message a row, the task updates the row.

Celery's defaults where ours differ (prefetch of four a process, early
acknowledgement), and Django keeps its connection, as in the engine.
"""

from celery import Celery
from django.db.models.functions import Now
from django.utils import timezone

QUEUE = "naive"

app = Celery("naive", set_as_current=False)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_default_queue=QUEUE,
    worker_prefetch_multiplier=4,
    worker_disable_prefetch=False,
    task_acks_late=False,
    task_ignore_result=True,
)


@app.task(name="naive.run")
def run(row_id: int) -> None:
    """Set the row running, do nothing, set it done."""
    from tests.bench.naive.models import Row

    row = Row.objects.filter(pk=row_id)
    row.update(status="running")
    began = timezone.now()
    row.update(status="done", started_at=began, finished_at=Now())
