"""The jobs of a person."""

from functools import partial
from http import HTTPStatus

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import override
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from queues.access import may, may_on, scoped
from queues.api.auth import A_PERSON, person_of
from queues.api.errors import problems
from queues.api.idempotency import once
from queues.api.intake import Body, enqueue_from, read_object
from queues.api.represent import represent
from queues.api.schemas import Created, Page, PayloadWish, Shown, ShownAlone, body_of
from queues.audit import record
from queues.cancel import cancel
from queues.errors import UnknownJob
from queues.handlers import NAME
from queues.models import Job
from queues.models.job import LARGEST_ID
from queues.replay import replay
from queues.states import State
from queues.waits import wait_of

LONGEST_PAGE = 100

router = Router(tags=["jobs"], auth=A_PERSON, by_alias=True)


class Filters(Schema):
    """What narrows the list; an empty value narrows nothing."""

    status: str = ""
    type: str = ""
    cursor: str = ""
    limit: str = "20"
    all: str = "false"


@router.post(
    "/api/jobs",
    response={201: Created, **problems(400, 401, 403, 409, 413)},
    openapi_extra=body_of(PayloadWish),
)
def create_job(request: HttpRequest) -> HttpResponse:
    """Enqueue a job that the caller owns."""
    body = read_object(request)
    make = partial(_created, body, person_of(request))
    return once(request, body, make, status=HTTPStatus.CREATED)


@router.get("/api/jobs", response={200: Page, **problems(400, 401, 403)})
def list_jobs(request: HttpRequest, filters: Query[Filters]) -> Body:
    """List the caller's jobs, newest first; with `all=true`, those of everybody."""
    limit = _number(filters.limit, "limit", most=LONGEST_PAGE)
    jobs = list(_chosen(person_of(request), filters)[: limit + 1])
    shown = jobs[:limit]
    return {
        "jobs": [represent(job) for job in shown],
        "nextCursor": str(shown[-1].pk) if len(jobs) > limit else None,
    }


@router.get(
    "/api/jobs/{int:job_id}", response={200: ShownAlone, **problems(401, 403, 404)}
)
def get_job(request: HttpRequest, job_id: int) -> Body:
    """Show one job, and what it waits for."""
    job = _found(request, job_id, permission="queues.view_job")
    wait = wait_of(job)
    with override("en"):
        return {**represent(job), "waitsFor": str(wait) if wait else None}


@router.post(
    "/api/jobs/{int:job_id}/cancel",
    response={200: Shown, **problems(401, 403, 404, 409)},
)
def cancel_job(request: HttpRequest, job_id: int) -> Body:
    """Cancel a waiting job, or ask a running one to stop."""
    _found(request, job_id, permission="queues.cancel_job")
    return represent(cancel(job_id, reason=_reason(request)))


@router.post(
    "/api/jobs/{int:job_id}/retry",
    response={200: Shown, **problems(401, 403, 404, 409)},
)
def retry_job(request: HttpRequest, job_id: int) -> Body:
    """Put a dead job back, its failures forgotten."""
    _found(request, job_id, permission="queues.retry_job")
    return represent(replay(job_id, reason=_reason(request)))


def _created(body: Body, owner: User) -> Body:
    # Rolled back on a conflict: nobody replaces what somebody else asked for.
    with transaction.atomic():
        job = enqueue_from(body, data="payload", owner=owner)
        if job.owner_id != owner.pk:
            message = "A live job of somebody else holds this uniqueKey"
            raise HttpError(HTTPStatus.CONFLICT, message)
        if owner.is_staff and not may_on(owner, "queues.enqueue_job", job):
            raise HttpError(HTTPStatus.FORBIDDEN, "Forbidden")
        record("job.enqueue", job, after=_told(job))
    return {"jobId": job.pk, "status": str(job.status)}


def _reason(request: HttpRequest) -> str:
    """Return why, if the body says so; it may be left out."""
    if request.content_type != "application/json" or not request.body:
        return ""
    reason = read_object(request).get("reason")
    return reason if isinstance(reason, str) else ""


def _told(job: Job) -> Body:
    return {"type": job.type, "queue": job.queue, "priority": job.priority}


def _found(request: HttpRequest, job_id: int, *, permission: str) -> Job:
    job = Job.objects.defer("checkpoint").filter(pk=job_id).first()
    if job is None:
        raise UnknownJob(job_id)
    person = person_of(request)
    if job.owner_id != person.pk and not (
        person.is_staff and may_on(person, permission, job)
    ):
        raise HttpError(HTTPStatus.FORBIDDEN, "Forbidden")
    return job


def _chosen(person: User, filters: Filters) -> QuerySet[Job]:
    jobs = Job.objects.defer("checkpoint").order_by("-pk")
    if filters.all not in {"true", "false", ""}:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid all")
    if filters.all != "true":
        jobs = jobs.filter(owner_id=person.pk)
    elif not (person.is_staff and may(person, "queues.view_job")):
        raise HttpError(HTTPStatus.FORBIDDEN, "Forbidden")
    else:
        jobs = scoped(person, jobs, "queues.view_job")
    if filters.status:
        jobs = jobs.filter(status=_known(filters.status, State.values, "status"))
    if filters.type:
        known = [filters.type] if NAME.fullmatch(filters.type) else []
        jobs = jobs.filter(type=_known(filters.type, known, "type"))
    if filters.cursor:
        jobs = jobs.filter(pk__lt=_number(filters.cursor, "cursor", most=LARGEST_ID))
    return jobs


def _known(value: str, choices: list[str], name: str) -> str:
    if value not in choices:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"Invalid {name}")
    return value


def _number(text: str, name: str, *, most: int) -> int:
    # isascii: other scripts have digits too; the length keeps int() quick.
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
        raise HttpError(HTTPStatus.BAD_REQUEST, f"Invalid {name}")
    if not 1 <= int(text) <= most:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"Invalid {name}")
    return int(text)
