"""Histories: what reading one would take, how far each is, and how to stop it."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.access import may_everywhere
from queues.admin import show
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Operated, Verb, Window
from queues.errors import QueueError
from syncs import backfill
from syncs.errors import SyncError
from syncs.models import Backfill, Store
from syncs.ports import Estimate, Period
from syncs.reasons import reason
from syncs.states import UNFINISHED, BackfillStatus

STEER = "syncs.steer_backfill"
TONES = {
    BackfillStatus.RUNNING: "busy",
    BackfillStatus.PAUSED: "warn",
    BackfillStatus.STOPPED: "bad",
    BackfillStatus.COMPLETED: "good",
    BackfillStatus.CANCELLED: "mute",
}


def _verb(name: str, label: Any, logged: Any, act: Any, *statuses: str) -> Verb:
    return Verb(
        name=name, label=label, logged=logged, act=act, permission=STEER,
        offered=lambda row: row.status in statuses,
    )  # fmt: skip


PAUSE = _verb(
    "pause", gettext_lazy("Pause"), gettext_lazy("Paused"), backfill.pause,
    BackfillStatus.RUNNING,
)  # fmt: skip
RESUME = _verb(
    "resume", gettext_lazy("Go on"), gettext_lazy("Goes on"), backfill.resume,
    BackfillStatus.PAUSED, BackfillStatus.STOPPED,
)  # fmt: skip
CANCEL = _verb(
    "cancel", gettext_lazy("Stop reading"), gettext_lazy("Stopped"), backfill.cancel,
    *UNFINISHED,
)  # fmt: skip


class PlanForm(forms.Form):
    """Whose history, and how far back."""

    store = forms.ModelChoiceField(
        label=gettext_lazy("Store"), queryset=Store.objects.order_by("name", "id")
    )
    first = forms.DateField(
        label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"})
    )
    last = forms.DateField(
        label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"})
    )
    slice_days = forms.IntegerField(
        label=gettext_lazy("Days of a slice"),
        required=False,
        min_value=1,
        max_value=31,
        help_text=gettext_lazy("Empty: as many as bring about 500 orders."),
    )

    def clean(self) -> dict[str, Any]:
        """Check the days against the store's calendar."""
        found: dict[str, Any] = super().clean() or {}
        if {"store", "first", "last"} <= found.keys():
            try:
                found["days"] = backfill.days_of(
                    found["store"], found["first"], found["last"]
                )
            except SyncError as error:
                raise forms.ValidationError(str(error)) from None
        return found


@admin.register(Backfill)
class BackfillAdmin(Operated, Window):
    """Every history that was read or is being read, newest first."""

    verbs = (PAUSE, RESUME, CANCEL)
    refusals = (QueueError, SyncError)
    ordering = ("-created_at", "-id")
    sortable_by = ()
    paginator = EstimatingPaginator
    list_display = ("store", "state", "days", "done", "begun", "why")
    list_filter = ("status",)
    list_select_related = ("store",)
    search_fields = ("store__name",)
    change_form_template = "admin/queues/operated.html"
    fields = readonly_fields = (
        "store", "state", "days", "done", "left_until", "takes", "why", "user",
        "begun", "ended_at",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to those who may read the history of any store."""
        return may_everywhere(request.user, STEER)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Ask for the days, show what they take, and begin once that is accepted."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PlanForm(request.POST or None, initial=request.GET.dict())
        found: Estimate | None = None
        if form.is_valid():
            try:
                found, made = self._planned(request, **form.cleaned_data)
                if made is not None:
                    return redirect("admin:syncs_backfill_change", made.pk)
            except SyncError as error:
                form.add_error(None, str(error))
        return self._plan(request, form, found)

    def _planned(
        self, request: HttpRequest, *, store: Store, days: Period,
        slice_days: int | None, **_rest: Any,
    ) -> tuple[Estimate, Backfill | None]:  # fmt: skip
        found = backfill.look_ahead(store, days, slice_days=slice_days)
        if "begin" not in request.POST:
            return found, None
        made = backfill.begin(store, days, found, user=cast("User", request.user))
        self.log_addition(request, made, _("Begun"))
        return found, made

    def _plan(
        self, request: HttpRequest, form: PlanForm, found: Estimate | None
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Read the history of a store"),
            "opts": self.opts,
            "form": form,
            "found": found,
            "span": found and show.span(timedelta(seconds=found.seconds)),
        }
        return TemplateResponse(request, "admin/syncs/backfill.html", context)

    @admin.display(description=gettext_lazy("status"))
    def state(self, row: Backfill) -> SafeString:
        """Show how it stands."""
        return show.badge(
            str(row.get_status_display()), TONES[BackfillStatus(row.status)]
        )

    @admin.display(description=gettext_lazy("days"))
    def days(self, row: Backfill) -> str:
        """Show the days that it is about."""
        return str(row)

    @admin.display(description=gettext_lazy("slices"))
    def done(self, row: Backfill) -> str:
        """Show how far it is."""
        return f"{row.slices_done} / {row.slices}"

    @admin.display(description=gettext_lazy("begun"))
    def begun(self, row: Backfill) -> str:
        """Show since when it is there."""
        return show.moment(row.created_at)

    @admin.display(description=gettext_lazy("it was said to take"))
    def takes(self, row: Backfill) -> str:
        """Show what was said before it began."""
        said = row.preview
        text = _("%(rows)s orders, %(calls)s calls, %(span)s") % {
            "rows": show.NOTHING if said.get("rows") is None else said["rows"],
            "calls": said.get("calls", show.NOTHING),
            "span": show.span(timedelta(seconds=said.get("seconds", 0))),
        }
        return str(text)

    @admin.display(description=gettext_lazy("because"))
    def why(self, row: Backfill) -> str:
        """Show what stopped it."""
        return show.short(reason(row.reason_code, row.reason), 90) or str(show.NOTHING)
