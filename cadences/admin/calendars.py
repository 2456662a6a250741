"""Calendars: the open hours of a week, the days that are closed, and what is next."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cadences.admin.desk import Desk
from cadences.admin.week import opening_of, week_of, zone_of
from cadences.errors import UnknownPlace
from cadences.fill import FURTHEST, countries, fill, proposed, regions
from cadences.models import Calendar, Holiday, Slot
from cadences.steps import DEFAULT_ZONE
from queues.admin.show import explain
from queues.audit import record

OFFICE = (("08:00", "18:00"), range(5))
"""What a new calendar may begin with: Monday to Friday."""


class CalendarForm(forms.ModelForm):
    """A calendar and the place whose holidays it has."""

    office = forms.BooleanField(
        label=gettext_lazy("Begin with Monday to Friday, 8:00 to 18:00"),
        required=False,
        initial=True,
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Country"), choices=lambda: [(c, c) for c in countries()]
    )

    class Meta:
        model = Calendar
        fields = ("name", "country", "region", "with_optional")
        labels = {
            "region": gettext_lazy("State"),
            "with_optional": gettext_lazy("Optional holidays, too"),
        }
        help_texts = {
            "region": gettext_lazy("Empty: the whole country. In Brazil: SP, RJ, …"),
            "with_optional": gettext_lazy("In Brazil: carnival, Corpus Christi, …"),
        }

    def clean(self) -> dict[str, Any]:
        """Check that the state is one of the country."""
        data = super().clean() or self.cleaned_data
        region = data["region"] = (data.get("region") or "").strip().upper()
        known = regions(data.get("country", ""))
        if region and region not in known:
            text = (
                _("It knows these states: %(known)s.") if known else _("It has none.")
            )
            self.add_error("region", text % {"known": ", ".join(known)})
        return data


class SlotForm(forms.ModelForm):
    """One span of open hours."""

    class Meta:
        model = Slot
        fields = ("weekday", "opens", "closes")
        widgets = {
            name: forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
            for name in ("opens", "closes")
        }


class HolidayForm(forms.ModelForm):
    """One closed day."""

    class Meta:
        model = Holiday
        fields = ("date", "name", "until")
        widgets = {
            "date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }


class SlotInline(admin.TabularInline):
    """The open hours of a week."""

    model = Slot
    form = SlotForm
    ordering = ("weekday", "opens")
    extra = 2


class HolidayInline(admin.TabularInline):
    """The days that are closed."""

    model = Holiday
    form = HolidayForm
    ordering = ("date",)
    extra = 1


@admin.register(Calendar)
class CalendarAdmin(Desk):
    """Every calendar; companies, cadences and steps follow one."""

    form = CalendarForm
    inlines = (SlotInline, HolidayInline)
    ordering = ("name",)
    list_display = ("name", "country", "region", "opening")
    search_fields = ("name",)

    def get_urls(self) -> list[Any]:
        """Give the filling of holidays an address."""
        view = self.admin_site.admin_view(self._fill)
        at = path("<path:object_id>/fill/", view, name="cadences_calendar_fill")
        return [at, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Offer a beginning to a new one."""
        fields = ("name", "country", "region", "with_optional")
        return fields if obj else (*fields, "office")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Ask for hours and holidays once it is there."""
        return self.inlines if obj else ()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read hours and holidays of the page at once."""
        changes = super().get_changelist_instance(request)
        rows = changes.queryset.prefetch_related("slots", "holidays")
        known = {each.pk: each for each in rows.filter(pk__in=changes.result_list)}
        changes.result_list = [known[row.pk] for row in changes.result_list]
        return changes

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the week, and the next opening."""
        zone = zone_of(row)
        return {
            "week": week_of(row),
            "opening": opening_of(row, zone),
            "zone": zone,
            "years": timezone.localdate().year,
        }

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: Any
    ) -> None:
        """Write hours and holidays, with what changed in the audit."""
        calendar = form.instance
        before = _told(calendar)
        super().save_related(request, form, formsets, change)
        if not change and form.cleaned_data.get("office"):
            (opens, closes), days = OFFICE
            Slot.objects.bulk_create(
                Slot(calendar=calendar, weekday=day, opens=opens, closes=closes)
                for day in days
            )
        after = _told(calendar)
        changed = [name for name in after if after[name] != before[name]]
        if changed:
            record(
                "calendar.hours", calendar,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
            )  # fmt: skip

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Lead to its hours and holidays."""
        self.message_user(request, _("The calendar is there. Look at its hours."))
        return redirect("admin:cadences_calendar_change", obj.pk)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the page, which shows what the edit means."""
        text = _("“%(name)s” is saved.") % {"name": obj}
        self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:cadences_calendar_change", obj.pk)

    @admin.display(description=gettext_lazy("open"))
    def opening(self, row: Any) -> str:
        """Tell whether it is open, or when it will be."""
        return str(opening_of(row, zone=ZoneInfo(DEFAULT_ZONE))["text"])

    def _fill(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the holidays of the place that are missing; add the chosen ones."""
        calendar = self.get_object(request, object_id)
        if calendar is None:
            raise Http404
        if not self.has_change_permission(request, calendar):
            raise PermissionDenied
        years = _years(request)
        try:
            found = proposed(calendar, years)
        except UnknownPlace as error:
            self.message_user(request, explain(error), messages.ERROR)
            return redirect("admin:cadences_calendar_change", calendar.pk)
        if request.method == "POST":
            return self._write(request, calendar, found)
        known = set(calendar.holidays.values_list("date", flat=True))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Fill in holidays"),
            "opts": self.opts,
            "original": calendar,
            "first": years[0],
            "last": years[-1],
            "days": [(day, name, day in known) for day, name in found.items()],
            "missing": len(found.keys() - known),
        }
        return TemplateResponse(request, "admin/cadences/calendar/fill.html", context)

    def _write(
        self, request: HttpRequest, calendar: Calendar, found: dict[date, str]
    ) -> HttpResponse:
        wanted = set(request.POST.getlist("day"))
        chosen = {day: name for day, name in found.items() if str(day) in wanted}
        added = fill(calendar, chosen)
        text = ngettext("%(n)d holiday is added.", "%(n)d holidays are added.", added)
        self.message_user(request, text % {"n": added}, messages.SUCCESS)
        return redirect("admin:cadences_calendar_change", calendar.pk)


def _years(request: HttpRequest) -> list[int]:
    """Return the years that the address asks for: this one and the next."""
    given = request.POST if request.method == "POST" else request.GET
    this = timezone.localdate().year
    first, last = (
        int(given[word]) if given.get(word, "").isdigit() else this + later
        for word, later in (("first", 0), ("last", 1))
    )
    first = min(max(first, this - FURTHEST), this + FURTHEST)
    last = min(max(last, first), first + FURTHEST)
    return list(range(first, last + 1))


def _told(calendar: Calendar) -> dict[str, list[str]]:
    slots = Slot.objects.filter(calendar=calendar).order_by("weekday", "opens")
    days = Holiday.objects.filter(calendar=calendar).order_by("date")
    return {
        "slots": [f"{s.weekday} {s.opens:%H:%M}-{s.closes:%H:%M}" for s in slots],
        "holidays": [f"{each} {each.until or ''}".strip() for each in days],
    }
