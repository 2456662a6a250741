"""Many leads at once: load a sheet, see what would come of each line, then enrol them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.admin import deeds, desk, look
from cadences.admin.desk import Desk, Kept
from cadences.admin.lead_verbs import cadence_field
from cadences.admin.run_forms import SaidForm
from cadences.admin.run_verbs import OPERATE
from cadences.errors import BadSheet, NotEnrolled
from cadences.load import accept, load_later, results
from cadences.models import EnrollmentBatch, EnrollmentRow
from cadences.sheet import MOST_BYTES, rows
from queues.access import may_everywhere
from queues.admin import show
from queues.admin.keyset import Keyset
from queues.admin.verbs import Verb, Window
from queues.audit import whoever

SHOWN = 100
Result = EnrollmentRow.Result
TONES = {
    Result.ENROLLED: "good",
    Result.REFUSED: "warn",
    Result.DUPLICATE: "mute",
    Result.INVALID: "bad",
    Result.ERROR: "bad",
}


class LoadForm(forms.Form):
    """Which sheet, and into which cadence."""

    cadence = cadence_field()
    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv,text/plain"}),
        help_text=gettext_lazy(
            "CSV as spreadsheets write it. Columns: external_id, name, first_name, "
            "phone, email, time_zone, stage, data.…, context.…"
        ),
    )
    is_dry = forms.BooleanField(
        label=gettext_lazy("Only tell what would come of it"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Nothing is changed; you can enrol them afterwards."),
    )
    without_contact = forms.BooleanField(
        label=gettext_lazy("Also leads without an address"), required=False
    )

    def clean_file(self) -> Any:
        """Refuse what is far too large before it is read."""
        found = self.cleaned_data["file"]
        if found.size > MOST_BYTES:
            most = {"n": MOST_BYTES // 1024**2}
            raise forms.ValidationError(_("The file is larger than %(n)d MB.") % most)
        return found

    def act(self) -> EnrollmentBatch:
        """Keep every line, and let a worker go through them; raises what refuses."""
        told = self.cleaned_data
        with transaction.atomic():
            batch = accept(
                told["cadence"], rows(told["file"].read()), name=told["file"].name,
                is_dry=told["is_dry"], without_contact=told["without_contact"],
                actor=whoever().name,
            )  # fmt: skip
            load_later(batch)
        return batch


def _in_earnest(dry: EnrollmentBatch) -> EnrollmentBatch:
    """Enrol the lines of a dry run as they were told then."""
    lines = dry.rows.order_by("line").values_list("line", "data")
    batch: EnrollmentBatch = deeds.tried(
        lambda: accept(
            dry.cadence, lines.iterator(), name=dry.name, owner=dry.owner,
            without_contact=dry.without_contact, actor=whoever().name,
        )
    )  # fmt: skip
    load_later(batch)
    return batch


ENROLL = Verb(
    name="enroll",
    label=gettext_lazy("Enrol them now"),
    act=_in_earnest,
    permission=OPERATE,
    logged=gettext_lazy("Ordered: the new batch is in the list"),
    offered=lambda batch: batch.is_dry and batch.finished_at is not None,
    question=gettext_lazy(
        "The lines of this dry run are enrolled by a job. What has changed since is "
        "looked at anew, line by line."
    ),
    form=SaidForm,
)


class Newest(Keyset):
    """The batches, the newest first."""

    moment = "created_at"


@admin.register(EnrollmentBatch)
class BatchAdmin(Kept, Window, Desk):
    """Every batch, the newest first."""

    verbs = (ENROLL,)
    ordering = ("-created_at", "-id")
    sortable_by = ()
    list_display = ("title", "where", "state", "began", "by")
    list_display_links = ("title",)
    list_select_related = ("cadence",)
    fields = readonly_fields = ("id",)
    change_list_template = "admin/cadences/enrollmentbatch/change_list.html"
    change_form_template = "admin/cadences/enrollmentbatch/change_form.html"

    def get_urls(self) -> list[Any]:
        """Add the page that loads a sheet."""
        wrap = self.admin_site.admin_view
        name = "cadences_enrollmentbatch_load"
        return [path("load/", wrap(self.load), name=name), *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer none: a batch is looked at before it is enrolled."""
        return {}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Keyset]:
        """Page by place."""
        return Newest

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Bring along what a page shows."""
        found: QuerySet = super().get_queryset(request)
        return found.select_related("cadence", "owner")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show the batches, and how to load one."""
        context = {"may_load": may_everywhere(request.user, OPERATE)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show what became of the lines, and those that somebody should look at."""
        word = request.GET.get("result", "")
        found = row.rows.exclude(result=None).order_by("line")
        known = word in Result.values
        found = (
            found.filter(result=word)
            if known
            else found.exclude(result=Result.ENROLLED)
        )
        lines = list(found[: SHOWN + 1])
        return {
            "batch": row,
            "badge": state(row),
            "counts": _counts(row),
            "chosen": word if known else "",
            "lines": [_line(request, each) for each in lines[:SHOWN]],
            "has_more": len(lines) > SHOWN,
        }

    def load(self, request: HttpRequest) -> HttpResponse:
        """Take a sheet, and let a worker go through its lines."""
        if not may_everywhere(request.user, OPERATE):
            raise PermissionDenied
        form = LoadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                batch = form.act()
            except (BadSheet, NotEnrolled) as error:
                form.add_error("file", deeds.phrase(error))
            else:
                messages.success(request, _("A job goes through the lines."))
                return redirect("admin:cadences_enrollmentbatch_change", batch.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Load a sheet of leads"), "opts": self.opts, "form": form,
        }  # fmt: skip
        page = "admin/cadences/enrollmentbatch/load.html"
        return TemplateResponse(request, page, context)

    @admin.display(description=gettext_lazy("name"))
    def title(self, batch: EnrollmentBatch) -> str:
        """Show what it is called."""
        return batch.name or f"#{str(batch.pk)[:8]}"

    @admin.display(description=gettext_lazy("cadence"))
    def where(self, batch: EnrollmentBatch) -> str:
        """Show the cadence."""
        return str(batch.cadence)

    @admin.display(description=gettext_lazy("state"))
    def state(self, batch: EnrollmentBatch) -> SafeString:
        """Show how far it is."""
        return state(batch)

    @admin.display(description=gettext_lazy("created"))
    def began(self, batch: EnrollmentBatch) -> SafeString:
        """Show when it came."""
        return show.moment(batch.created_at)

    @admin.display(description=gettext_lazy("by"))
    def by(self, batch: EnrollmentBatch) -> str:
        """Show whose it is."""
        return batch.created_by or show.NOTHING


def state(batch: EnrollmentBatch) -> SafeString:
    """Show whether a batch is done, and whether it only told."""
    if batch.finished_at is None:
        return show.badge(_("under way"), "busy")
    if batch.is_dry:
        return show.badge(_("dry run"), "wait")
    return show.badge(_("done"), "good")


def _counts(batch: EnrollmentBatch) -> list[dict[str, Any]]:
    found = results(batch)
    order = [each for each in Result if found[each.value]]
    counts = [
        {
            "word": each.value, "badge": show.badge(str(each.label), TONES[each]),
            "count": number_format(found[each.value], force_grouping=True),
        }
        for each in order
    ]  # fmt: skip
    if left := found["pending"]:
        badge = show.badge(_("still to do"), "busy")
        count = number_format(left, force_grouping=True)
        counts.append({"word": "", "badge": badge, "count": count})
    return counts


def _line(request: HttpRequest, row: EnrollmentRow) -> dict[str, Any]:
    known = Result(str(row.result))
    said = row.detail
    if known == Result.REFUSED:
        said = str(_(deeds.MOTIVES.get(said, said)))
    elif known == Result.INVALID:
        said = desk.words(request, said)  # what was typed stands in it
    return {
        "line": row.line,
        "badge": show.badge(str(known.label), TONES[known]),
        "said": said,
        "run": row.run_id and look.address("run", row.run_id),
    }
