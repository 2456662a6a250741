"""The doors for other services, opened by their secrets."""

from functools import partial
from typing import assert_never

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from queues import figures
from queues.api.auth import (
    CronSecret,
    CronSecretOrServiceKey,
    ServiceSecret,
    WorkerSecret,
)
from queues.api.errors import problems
from queues.api.idempotency import once
from queues.api.intake import Body, enqueue_from, read_object, read_optional
from queues.api.represent import iso
from queues.api.schemas import (
    DataWish,
    Enqueued,
    QueuePass,
    Stats,
    WorkerPass,
    body_of,
)
from queues.api.stats import describe
from queues.claims import Claim
from queues.outcomes import (
    Bury,
    Cancel,
    Lose,
    Outcome,
    Release,
    Retry,
    Snooze,
    Succeed,
)
from queues.work import run_due

JOBS_A_PASS = 10
PASS_SECONDS = 60.0

router = Router(tags=["services"], by_alias=True)


@router.post(
    "/functions/v1/enqueue-job",
    auth=CronSecretOrServiceKey(),
    response={200: Enqueued, **problems(400, 401, 409, 413)},
    openapi_extra=body_of(DataWish),
)
def enqueue_job(request: HttpRequest) -> HttpResponse:
    """Enqueue a job."""
    body = read_object(request)
    return once(request, body, partial(_enqueued, body), status=200)


@router.post(
    "/api/cron/process-queue",
    auth=CronSecret(),
    response={200: QueuePass, **problems(400, 401, 413)},
)
def process_queue(request: HttpRequest) -> Body:
    """Run up to ten due jobs in this request, most urgent first."""
    read_optional(request)
    done = run_due(limit=JOBS_A_PASS, seconds=PASS_SECONDS)
    stats = {"processed": done.processed, "failed": done.failed, "errors": done.errors}
    return {"success": True, "stats": stats, "timestamp": iso(timezone.now())}


@router.post(
    "/api/workers",
    auth=WorkerSecret(),
    response={200: WorkerPass, **problems(400, 401, 413)},
    exclude_unset=True,
)
def workers(request: HttpRequest) -> Body:
    """Run the next due job in this request; `success` tells whether this try did."""
    read_optional(request)
    for claim, outcome in run_due(limit=1, seconds=PASS_SECONDS).ran:
        return _told(claim, outcome)
    return {"success": True, "message": "No jobs to process"}


@router.get(
    "/api/queues/stats",
    auth=ServiceSecret(),
    response={200: Stats, **problems(401)},
)
def stats(request: HttpRequest) -> Body:
    """Tell how much stands where, and how long the oldest has been due."""
    return describe()


def _enqueued(body: Body) -> Body:
    job = enqueue_from(body, data="data")
    return {
        "success": True,
        "jobId": str(job.pk),
        "queuePosition": figures.place(job),
        "message": "Job enqueued successfully",
    }


def _told(claim: Claim, outcome: Outcome) -> Body:
    told: Body = {"success": False, "jobId": claim.job_id}
    match outcome:
        case Succeed(result):
            return {
                **told,
                "success": True,
                "message": "Job completed",
                "result": result,
            }
        case Snooze():
            return {**told, "success": True, "message": "Job snoozed"}
        case Retry(error=error) | Bury(reason=error):
            return {**told, "message": f"Job failed: {error}"}
        case Cancel():
            return {**told, "message": "Job cancelled"}
        case Lose(reason) | Release(reason):
            return {**told, "message": f"Job not finished: {reason}"}
        case _:
            assert_never(outcome)
