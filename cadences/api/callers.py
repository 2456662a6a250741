"""Who may do what here: a service by its key, staff by permission, owners by their leads."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from ninja import Schema
from ninja.errors import HttpError
from pydantic import ValidationError

from cadences.models import Lead, Run
from queues.access import may_everywhere, may_on
from queues.api.auth import A_PERSON, ServiceKey
from queues.api.intake import Body, read_optional
from queues.audit import record, whoever
from queues.payload import printable

Wish = TypeVar("Wish", bound=Schema)


A_SERVICE_OR_PERSON = (ServiceKey(), *A_PERSON)
"""The cron secret starts passes, and nothing else."""
FACTS = ("status", "pause_reason", "exit_reason", "next_step", "next_run_at")
"""What the audit tells of a run."""


def actor() -> str:
    """Return the name that the story of a run tells."""
    return whoever().name


def person_of(request: HttpRequest) -> User | None:
    """Return the person who calls; None is a service."""
    auth = request.auth  # type: ignore[attr-defined] # set by the framework
    return auth if isinstance(auth, User) else None


def demand(request: HttpRequest, permission: str, row: Any = None) -> None:
    """Let a service through, and staff who may do that; refuse all others."""
    person = person_of(request)
    if person is None:
        return
    allowed = may_everywhere(person, permission)
    if row is not None:
        allowed = may_on(person, permission, row)
    if not (person.is_staff and allowed):
        raise HttpError(HTTPStatus.FORBIDDEN, "Forbidden")


def lead_of(request: HttpRequest, lead_id: UUID, permission: str) -> Lead:
    """Return a lead that the caller may do that to: owners may with their own."""
    lead = Lead.objects.filter(pk=lead_id).first()
    if lead is None:
        raise HttpError(HTTPStatus.NOT_FOUND, f"Unknown lead: {lead_id}")
    _own_or(request, lead, lead, permission)
    return lead


def run_of(request: HttpRequest, run_id: UUID, permission: str) -> Run:
    """Return a run that the caller may do that to: owners may with those of their leads."""
    runs = Run.objects.select_related("lead", "cadence", "version")
    run = runs.filter(pk=run_id).first()
    if run is None:
        raise HttpError(HTTPStatus.NOT_FOUND, f"Unknown run: {run_id}")
    _own_or(request, run.lead, run, permission)
    return run


def _own_or(request: HttpRequest, lead: Lead, row: Any, permission: str) -> None:
    person = person_of(request)
    if person is None or lead.owner_id != person.pk:
        demand(request, permission, row)


def steer(run: Run, action: str, act: Callable[[], Run]) -> Run:
    """Do something to a run, and write in the same transaction that it was done."""
    before = facts(run)
    with transaction.atomic():
        done = act()
        record(action, done, before=before, after=facts(done))
    return done


def facts(run: Run) -> dict[str, Any]:
    """Return what the audit tells of a run."""
    return {name: getattr(run, name) for name in FACTS}


def read_body(request: HttpRequest, schema: type[Wish]) -> tuple[Wish, Body]:
    """Return what the body asks for, checked, and the body as it came."""
    body = read_optional(request)
    if any(text != printable(text) for text in _texts(body)):
        message = "A text holds a character that cannot be stored"
        raise HttpError(HTTPStatus.BAD_REQUEST, message)
    return checked(schema, body), body


def checked(schema: type[Wish], body: Body) -> Wish:
    """Return what a body asks for, or refuse with all that is wrong with it."""
    try:
        return schema.model_validate(body)
    except ValidationError as error:
        said = "; ".join(_fault(each) for each in error.errors(include_url=False))
        raise HttpError(HTTPStatus.BAD_REQUEST, said) from None


def _texts(body: Body) -> Iterator[str]:
    """Return every text of a body; it may be nested too deep to recurse."""
    rest: list[Any] = [body]
    while rest:
        match rest.pop():
            case str() as text:
                yield text
            case dict() as members:
                rest += [*members, *members.values()]
            case list() as items:
                rest += items
            case _:
                pass


def _fault(each: Any) -> str:
    place = ".".join(str(part) for part in each["loc"])
    return f"{place}: {each['msg']}" if place else str(each["msg"])


def row_version(request: HttpRequest) -> int | None:
    """Return the version that If-Match demands; None if any will do."""
    text = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if text in {"", "*"}:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):  # noqa: PLR2004
        raise HttpError(HTTPStatus.BAD_REQUEST, "Invalid If-Match")
    return int(text)
