"""Try a version, or a text, on a lead: what would be sent, and when. Nothing is written."""

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router
from ninja.errors import HttpError
from pydantic import AfterValidator, AwareDatetime

from cadences import clock
from cadences.api.callers import (
    A_SERVICE_OR_PERSON,
    demand,
    lead_of,
    read_body,
    run_of,
)
from cadences.api.enrolments import cadence_of
from cadences.errors import BadTemplate, IllegalMove, InvalidLead, MissingVariable
from cadences.grammar import render, variables
from cadences.models import Cadence, Version
from cadences.plan import read
from cadences.simulate import Moment, Stop, Wait, is_near, read_aloud, simulate
from cadences.values import is_known, values_of
from queues.api.errors import problems
from queues.api.intake import Body
from queues.api.represent import iso
from queues.api.schemas import Camel, body_of

REVEAL, VIEW = "cadences.reveal_lead", "cadences.view_cadence"
ANSWERS: dict[int, Any] = {
    200: dict[str, Any],
    **problems(400, 401, 403, 404, 409, 422),
}

router = Router(tags=["cadences"], auth=A_SERVICE_OR_PERSON, by_alias=True)


def _near(start: datetime) -> datetime:
    """Refuse what no calendar reaches."""
    if not is_near(start):
        raise ValueError("not within ten years")
    return start


class Trial(Camel):
    """On whom, entering when; without a version the draft, else the published one."""

    lead: UUID
    start_at: Annotated[AwareDatetime, AfterValidator(_near)] | None = None
    version: int | None = Field(None, ge=1)


class Text(Camel):
    """A text to try, on a lead, or on the lead of a run with what the run knows."""

    body: str = Field(max_length=20_000)
    subject: str = Field("", max_length=255)
    run: UUID | None = None
    lead: UUID | None = None


@router.post(
    "/api/cadences/{uuid:cadence_id}/simulate",
    response=ANSWERS,
    openapi_extra=body_of(Trial, once=False),
)
def try_version(request: HttpRequest, cadence_id: UUID) -> Body:
    """Tell when each step would go to a lead, what it would say, and what would stop it."""
    which = cadence_of(str(cadence_id), None)
    demand(request, VIEW, which)
    wish, _ = read_body(request, Trial)
    lead = lead_of(request, wish.lead, REVEAL)
    if lead.company_id != which.company_id:
        raise InvalidLead(["The lead is of another company"])
    version = _version(which, wish.version)
    line = simulate(version, lead, start=wish.start_at or clock.now())
    return {
        "cadence": which.code,
        "version": version.number,
        "lead": str(lead.pk),
        "timeZone": line.zone,
        "timeZoneToldBy": line.told_by,
        "moments": [_moment(each) for each in line.moments],
        "endsBecause": line.ends or None,
    }


@router.post(
    "/api/cadences/templates/preview",
    response=ANSWERS,
    openapi_extra=body_of(Text, once=False),
)
def try_text(request: HttpRequest) -> Body:
    """Render a text for a lead, as a send would now."""
    wish, _ = read_body(request, Text)
    if (wish.run is None) == (wish.lead is None):
        raise HttpError(400, "Say either run or lead")
    try:
        used = sorted({*variables(wish.body), *variables(wish.subject)})
        subject, body = _rendered(request, wish)
    except MissingVariable as error:
        return {"missing": error.names, "unknown": _unknown(used)}
    except BadTemplate as error:
        raise HttpError(422, str(error)) from None
    told = {"subject": subject, "body": body, "variables": used}
    return {**told, "unknown": _unknown(used)}


def _rendered(request: HttpRequest, wish: Text) -> tuple[str, str]:
    now = clock.now()
    if wish.run is None:
        lead = lead_of(request, cast("UUID", wish.lead), REVEAL)
        return read_aloud(
            lead, lead.company, body=wish.body, subject=wish.subject, now=now
        )
    run = run_of(request, wish.run, REVEAL)
    values = values_of(read(run.pk), now=now)
    return render(wish.subject, values, line=True), render(wish.body, values)


def _unknown(used: list[str]) -> list[str]:
    return [name for name in used if not is_known(name)]


def _version(which: Cadence, number: int | None) -> Version:
    versions = which.versions.select_related(
        "cadence__company__calendar", "cadence__calendar"
    )
    if number is not None:
        found = versions.filter(number=number).first()
        if found is None:
            raise HttpError(404, f"Unknown version: {number}")
        return found
    states = Version.State
    found = versions.filter(state=states.DRAFT).first()
    found = found or versions.filter(state=states.PUBLISHED).first()
    if found is None:
        raise IllegalMove("There is no version")
    return found


def _moment(each: Moment) -> Body:
    return {
        "step": each.step.position,
        "kind": each.step.kind,
        "dueAt": iso(each.due),
        "at": iso(each.at),
        "localAt": _local(each.local),
        "medium": each.medium or None,
        "template": each.template_code or None,
        "variant": each.variant or None,
        "sender": each.sender or None,
        "subject": each.subject,
        "body": each.body,
        "fault": each.fault or None,
        "waits": [_wait(wait) for wait in each.waits],
        "stop": None if each.stop is None else _stop(each.stop),
    }


def _local(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _wait(wait: Wait) -> Body:
    return {"reason": wait.reason, "detail": wait.detail, "until": iso(wait.until)}


def _stop(stop: Stop) -> Body:
    return {
        "gate": stop.gate,
        "becomes": type(stop.act).__name__.lower(),
        "reason": str(stop.act.reason),
        "detail": getattr(stop.act, "detail", ""),
    }
