"""A version tried out on one lead: when each step would go, and what it would say."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences import clock
from cadences.admin import desk, words
from cadences.admin.acts import told
from cadences.admin.find import lead_ids, uuid_in
from cadences.admin.steps_page import chosen
from cadences.models import Cadence, Lead, Version
from cadences.simulate import Moment, Timeline, is_near, simulate
from queues.admin.zones import offset

FOUND = 20
"""Leads that a search offers."""


class TrialForm(forms.Form):
    """Whom to try it on, and from when."""

    q = forms.CharField(
        label=gettext_lazy("Find a lead"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
        help_text=gettext_lazy(
            "A whole number or address, an id, or how words of a name begin. "
            "Empty: the newest."
        ),
    )
    lead = forms.ChoiceField(label=gettext_lazy("Lead"), required=False)
    start = forms.DateTimeField(
        label=gettext_lazy("Enters"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=gettext_lazy("Empty: now."),
    )

    def clean_start(self) -> datetime | None:
        """Refuse what no calendar reaches."""
        start: datetime | None = self.cleaned_data["start"]
        if start is not None and not is_near(start):
            raise forms.ValidationError(_("That is more than ten years away."))
        return start


def trial(_admin: Any, request: HttpRequest, cadence: Cadence) -> dict[str, Any]:
    """Show the timeline of a version for a lead."""
    version = chosen(request, cadence)
    leads = find(request, cadence.company_id, request.GET.get("q", ""))
    form = TrialForm(request.GET or None)
    lead = _lead(cadence, request.GET.get("lead", "")) or next(iter(leads), None)
    known = leads if lead is None or lead in leads else [lead, *leads]
    field: Any = form.fields["lead"]
    field.choices = [(str(each.pk), _named(request, each)) for each in known]
    field.initial = lead and str(lead.pk)
    start = _start(form)
    line = simulate(version, lead, start=start) if version and lead else None
    return {
        "title": _("Try it on a lead"),
        "version": version,
        "form": form,
        "lead": lead and _named(request, lead),
        "start": start,
        "line": line,
        "zone": line and f"{line.zone} ({offset(start, line.zone)})",
        "moments": [_shown(request, each) for each in line.moments] if line else [],
        "ends": line and _ends(line, version),
    }


def find(request: HttpRequest, company: str, text: str) -> list[Lead]:
    """Return leads of a company that a word finds, the newest first."""
    rows = Lead.objects.filter(company=company, erased_at=None)
    rows = rows.select_related("owner").order_by("-created_at", "-pk")
    if text.strip():
        rows = rows.filter(pk__in=lead_ids(request, text))
    return list(rows[:FOUND])


def _lead(cadence: Cadence, key: str) -> Lead | None:
    known = uuid_in(key)
    if known is None:
        return None
    rows = Lead.objects.filter(company=cadence.company_id).select_related("owner")
    return rows.filter(pk=known).first()


def _start(form: TrialForm) -> datetime:
    now = clock.now()
    if not form.is_bound or not form.is_valid():
        return now
    start: datetime | None = form.cleaned_data["start"]
    return start or now


def _named(request: HttpRequest, lead: Lead) -> str:
    return desk.name(request, lead.name) or str(lead.pk)


def _shown(request: HttpRequest, moment: Moment) -> dict[str, Any]:
    local = moment.local
    return {
        "moment": moment,
        "title": words.title(moment.step),
        "ways": words.medium(moment.medium)
        if moment.medium
        else words.ways(moment.step),
        "when": words.when(moment.step),
        "day": date_format(local, "D j M Y", use_l10n=False),
        "clock": f"{local:%H:%M}",
        "utc": moment.at.astimezone(UTC),
        "subject": desk.words(request, moment.subject),
        "body": desk.words(request, moment.body),
        "waits": [
            {
                "why": told(each.reason, each.detail),
                "until": _local(each.until, moment.zone),
            }
            for each in moment.waits
        ],
        "stop": moment.stop
        and told(_reason(moment.stop.act), _detail(moment.stop.act)),
        "is_skipped": moment.stop is not None
        and type(moment.stop.act).__name__ == "Skip",
    }


def _reason(act: Any) -> str:
    return str(getattr(act.reason, "value", act.reason))


def _detail(act: Any) -> str:
    return str(getattr(act, "detail", ""))


def _local(moment: datetime, zone: ZoneInfo) -> str:
    local = timezone.localtime(moment, zone)
    return f"{date_format(local, 'D j M', use_l10n=False)} {local:%H:%M}"


def _ends(line: Timeline, version: Version | None) -> str:
    if not line.ends:
        return str(_("Then all steps are done and the run ends."))
    return str(_("Here the run stops."))
