"""A wording read aloud: as a real lead would read it, with what is wrong beside it."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.utils.translation import gettext as _

from cadences import clock
from cadences.admin import desk
from cadences.admin.trial_page import find
from cadences.errors import BadTemplate, MissingVariable
from cadences.lint import Finding, read_text
from cadences.models import Company, Lead
from cadences.simulate import read_aloud
from cadences.states import Medium


def reading_of(
    request: HttpRequest, company: Company | None, words: Mapping[str, str]
) -> dict[str, Any]:
    """Return a wording as a lead of the company would read it now."""
    leads = find(request, company.pk, words.get("q", "")) if company else []
    lead = _chosen(leads, words.get("lead", ""))
    body = words.get("body", "").replace("\r\n", "\n")
    subject, medium = words.get("subject", ""), words.get("medium", "")
    found: dict[str, Any] = {
        "leads": [(str(each.pk), _named(request, each)) for each in leads],
        "lead": str(lead.pk) if lead else "",
        "q": words.get("q", ""),
        "medium": medium,
        "notes": _notes(body, subject, medium),
        "is_invented": lead is None,
        "length": len(body),
    }
    if company is None or not body.strip():
        return found
    who = lead or _invented(company)
    try:
        said = read_aloud(who, company, body=body, subject=subject, now=clock.now())
    except (BadTemplate, MissingVariable) as error:
        return {**found, "fault": str(error)}
    is_shown = lead is None or desk.reveals(request)
    return {
        **found,
        "subject": said[0] if is_shown else subject,
        "body": said[1] if is_shown else body,
        "is_masked": not is_shown,
    }


def _invented(company: Company) -> Lead:
    return Lead(
        id=uuid4(), company=company, name=_("Maria Silva"), first_name=_("Maria"),
        time_zone="", stage="", data={}, owner=None,
    )  # fmt: skip


def _chosen(leads: list[Lead], key: str) -> Lead | None:
    found = next((each for each in leads if str(each.pk) == key), None)
    return found or next(iter(leads), None)


def _named(request: HttpRequest, lead: Lead) -> str:
    return desk.name(request, lead.name) or str(lead.pk)


def _notes(body: str, subject: str, medium: str) -> list[Finding]:
    if medium not in Medium or not body.strip():
        return []
    found = read_text(body, subject, medium)
    return [Finding(None, each[0], is_fault=len(each) == 1) for each in found]
