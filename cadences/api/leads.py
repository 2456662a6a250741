"""What other systems tell of a lead: a reply, an opt-out, a meeting, a new stage."""

from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router

from cadences.answer import hear, leave, opt_out, takes_over
from cadences.api.callers import (
    A_SERVICE_OR_PERSON,
    actor,
    lead_of,
    read_body,
)
from cadences.api.represent import run_body
from cadences.models import Lead, Run
from cadences.replies import Kind, Reading
from cadences.replies import read as read_reply
from cadences.states import ExitReason, Medium
from queues.api.errors import problems
from queues.api.intake import Body
from queues.api.schemas import Camel, body_of
from queues.audit import record

OPERATE = "cadences.operate_run"
ANSWERS: dict[int, Any] = {200: dict[str, Any], **problems(400, 401, 403, 404, 409)}

router = Router(tags=["cadences"], auth=A_SERVICE_OR_PERSON, by_alias=True)


class OptOut(Camel):
    """By which channel they said so; it holds for all of them."""

    medium: Medium = Medium.WHATSAPP
    source: str = Field("api", max_length=500)


class Reply(Camel):
    """What the lead wrote, and by which channel."""

    text: str = Field(max_length=10_000)
    medium: Medium = Medium.WHATSAPP


class Meeting(Camel):
    """Nothing more has to be said."""


class Stage(Camel):
    """Where the lead stands now; `ends` says whether that ends the runs."""

    stage: str = Field(max_length=100)
    ends: bool = False


class Mode(Camel):
    """Who talks to the lead: cadences, or a person."""

    mode: Literal["auto", "manual"]


@router.post(
    "/api/cadences/leads/{uuid:lead_id}/opt-out",
    response=ANSWERS,
    openapi_extra=body_of(OptOut, once=False),
)
def opt_out_lead(request: HttpRequest, lead_id: UUID) -> Body:
    """End all runs of a lead who wants no more messages, for good."""
    wish, _ = read_body(request, OptOut)
    return _tell(
        request, lead_id, "lead.opt_out",
        lambda lead: opt_out(lead.pk, medium=wish.medium, source=wish.source),
        medium=wish.medium.value,
    )  # fmt: skip


@router.post(
    "/api/cadences/leads/{uuid:lead_id}/reply",
    response=ANSWERS,
    openapi_extra=body_of(Reply, once=False),
)
def reply(request: HttpRequest, lead_id: UUID) -> Body:
    """Apply what a lead wrote to their runs, as the webhooks do."""
    wish, _ = read_body(request, Reply)

    def act(lead: Lead) -> list[Run]:
        reading = _reading(wish.text)
        return hear(lead.pk, reading, medium=wish.medium, text=wish.text)

    return _tell(request, lead_id, "lead.reply", act, medium=wish.medium.value)


@router.post(
    "/api/cadences/leads/{uuid:lead_id}/meeting",
    response=ANSWERS,
    openapi_extra=body_of(Meeting, once=False),
)
def meeting(request: HttpRequest, lead_id: UUID) -> Body:
    """End all runs of a lead with whom a meeting is booked."""
    return _tell(
        request, lead_id, "lead.meeting",
        lambda lead: leave(lead.pk, ExitReason.MEETING, actor=actor()),
    )  # fmt: skip


@router.post(
    "/api/cadences/leads/{uuid:lead_id}/stage",
    response=ANSWERS,
    openapi_extra=body_of(Stage, once=False),
)
def stage(request: HttpRequest, lead_id: UUID) -> Body:
    """Write the stage of a lead; the gates of each run look at it."""
    wish, _ = read_body(request, Stage)

    def act(lead: Lead) -> list[Run]:
        Lead.objects.filter(pk=lead.pk).update(stage=wish.stage)
        return leave(lead.pk, ExitReason.STAGE, actor=actor()) if wish.ends else []

    return _tell(request, lead_id, "lead.stage", act, stage=wish.stage)


@router.post(
    "/api/cadences/leads/{uuid:lead_id}/mode",
    response=ANSWERS,
    openapi_extra=body_of(Mode, once=False),
)
def mode(request: HttpRequest, lead_id: UUID) -> Body:
    """Let a person talk to a lead, or the cadences again."""
    wish, _ = read_body(request, Mode)
    return _tell(
        request, lead_id, "lead.mode",
        lambda lead: takes_over(lead.pk, manual=wish.mode == "manual", actor=actor()),
        mode=wish.mode,
    )  # fmt: skip


def _reading(text: str) -> Reading:
    if not text.strip():
        return Reading(Kind.HUMAN)  # a picture, a voice message
    return read_reply(text, today=timezone.localdate())


def _tell(
    request: HttpRequest,
    lead_id: UUID,
    action: str,
    act: Callable[[Lead], list[Run]],
    **said: Any,
) -> Body:
    """Do it, and write who told us in the same transaction; answer with the runs."""
    lead = lead_of(request, lead_id, OPERATE)
    with transaction.atomic():
        runs = act(lead)
        told = {**said, "runs": len(runs)}
        record(action, lead, label=f"lead {str(lead.pk)[:8]}", after=told)
    return {"lead": str(lead.pk), "runs": [run_body(run) for run in runs]}
