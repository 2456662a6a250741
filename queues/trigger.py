"""Give the queue a push from application code, as `triggerWorker` did."""

import time
from typing import NotRequired, TypedDict

from queues.models import Job
from queues.outcomes import Bury, Cancel, Retry, Snooze, Succeed
from queues.states import FINAL, State
from queues.work import Pass, run_due

PASS_SECONDS = 60.0
WAIT_SECONDS = 120.0
LOOK_EVERY = 0.1


class Triggered(TypedDict):
    """How the push ended."""

    success: bool
    message: str
    jobId: NotRequired[int]
    result: NotRequired[object]


def trigger_worker(
    wait_for_job_id: int | None = None, timeout: float | None = None
) -> Triggered:
    """Run the next due job here and now; or run jobs until that one has ended.

    `timeout` is in seconds: 60 for one pass, 120 for a wait. Never raises for what
    a job does: `success` tells, and `message` says why not.
    """
    if wait_for_job_id is None:
        return _told(run_due(limit=1, seconds=timeout or PASS_SECONDS))
    return _wait(wait_for_job_id, WAIT_SECONDS if timeout is None else timeout)


def _told(done: Pass) -> Triggered:
    if not done.ran:
        return {"success": True, "message": "No jobs to process"}
    claim, outcome = done.ran[0]
    told: Triggered = {"success": True, "message": "", "jobId": claim.job_id}
    match outcome:
        case Succeed(result):
            told["message"] = "Job completed"
            told["result"] = result
        case Snooze():
            told["message"] = "Job postponed"
        case Retry(error=error) | Bury(reason=error):
            told["success"] = False
            told["message"] = (
                error if done.failed else f"{error} (it will be tried again)"
            )
        case Cancel():
            told["success"] = False
            told["message"] = "Job cancelled"
        case _:
            told["success"] = False
            told["message"] = "Job handed back: the time was over"
    return told


def _wait(job_id: int, timeout: float) -> Triggered:
    until = time.monotonic() + timeout
    while job := Job.objects.filter(pk=job_id).first():
        if job.status in FINAL:
            return _ended(job)
        if (left := until - time.monotonic()) <= 0:
            message = f"Job {job_id} is still {job.status} after {timeout:g} s"
            return {"success": False, "message": message, "jobId": job_id}
        # A worker may be at it already; then there is nothing here but to look.
        if not run_due(limit=1, seconds=left, queues=[job.queue]).ran:
            time.sleep(min(LOOK_EVERY, left))
    return {"success": False, "message": f"Unknown job: {job_id}", "jobId": job_id}


def _ended(job: Job) -> Triggered:
    if job.status == State.COMPLETED:
        return {
            "success": True, "message": "Job completed", "jobId": job.pk,
            "result": job.result,
        }  # fmt: skip
    message = job.error or f"Job {job.status}"
    return {"success": False, "message": message, "jobId": job.pk}
