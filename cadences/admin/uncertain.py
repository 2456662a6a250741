"""Sends of which nobody knows whether they arrived: the evidence, and a verdict."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.admin import deeds, desk, look
from cadences.admin.desk import Desk, Kept
from cadences.admin.run_forms import ReasonForm
from cadences.admin.run_page import one_send
from cadences.models import Execution
from cadences.resolve import TOO_YOUNG, Verdict, resolve
from cadences.states import ExecutionState
from queues.admin import show
from queues.admin.keyset import Keyset
from queues.admin.verbs import Verb, Window
from queues.audit import record, whoever
from queues.rooms import Page, add_page

RESOLVE = "cadences.resolve_execution"
LIST = "cadences_execution_changelist"

add_page(
    Page(
        "uncertain",
        gettext_lazy("Uncertain sends"),
        f"admin:{LIST}",
        permission="cadences.view_execution",
    )
)


class EvidenceForm(forms.Form):
    """How somebody knows that nothing was sent."""

    evidence = forms.CharField(
        label=gettext_lazy("How do you know?"),
        min_length=5,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "For example: looked at the conversation in the app, nothing is there."
        ),
    )


def _resolved(verdict: Verdict) -> Any:
    def act(execution: Execution, evidence: str = "") -> Execution:
        before = {"state": execution.state}
        after: Execution = deeds.tried(
            lambda: resolve(
                execution.pk, verdict, actor=whoever().name, evidence=evidence
            )
        )
        record(
            f"execution.{verdict}", execution, reason=evidence, before=before,
            after={"state": after.state},
        )  # fmt: skip
        return after

    return act


def _is_unknown(execution: Any) -> bool:
    return bool(execution.state == ExecutionState.UNKNOWN)


SENT = Verb(
    name="sent",
    label=gettext_lazy("It was sent"),
    act=_resolved("sent"),
    permission=RESOLVE,
    logged=gettext_lazy("Marked as sent"),
    offered=_is_unknown,
    form=ReasonForm,
)
SKIP = Verb(
    name="skip",
    label=gettext_lazy("Skip it"),
    act=_resolved("skip"),
    permission=RESOLVE,
    logged=gettext_lazy("Skipped"),
    offered=_is_unknown,
    form=ReasonForm,
)
AGAIN = Verb(
    name="again",
    label=gettext_lazy("Not sent, send again"),
    act=_resolved("not_sent"),
    permission=RESOLVE,
    logged=gettext_lazy("Goes out again"),
    offered=_is_unknown,
    question=gettext_lazy(
        "If the message did arrive, the lead gets it twice. Only say this if you have "
        "looked, and not within two minutes of the send."
    ),
    form=EvidenceForm,
)


class OldestFirst(Keyset):
    """The doubts, the oldest first."""

    moment, rises = "intended_at", True


@admin.register(Execution)
class ExecutionAdmin(Kept, Window, Desk):
    """The list shows what is unknown; a page shows any step that was taken."""

    verbs = (SENT, SKIP, AGAIN)
    ordering = ("intended_at", "id")
    sortable_by = ()
    list_display = ("what", "age", "looked", "why")
    list_select_related = ("run__lead", "run__cadence", "account")
    fields = readonly_fields = ("id",)
    change_list_template = "admin/cadences/execution/change_list.html"
    change_form_template = "admin/cadences/execution/change_form.html"

    def called(self, request: HttpRequest, row: Any) -> str:
        """Name a send by to whom it went, and in which step of what."""
        run = row.run
        return f"{look.lead(request, run.lead)} · {run.cadence} · {row.position}"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Stay out of the navigation: there it is named by what it is for."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Keyset]:
        """Page by place."""
        return OldestFirst

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """List the doubts only, without what may be large."""
        rows: QuerySet = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == LIST:
            return rows.filter(state=ExecutionState.UNKNOWN).defer("body")
        return rows.select_related("run__lead", "run__cadence", "account")

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show leads as this person may know them."""

        @admin.display(description=gettext_lazy("lead"))
        def who(execution: Execution) -> str:
            return look.two_lines(
                look.lead(request, execution.run.lead),
                desk.address(request, execution.address),
            )

        return (who, *self.list_display)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Lead to the send from its lead."""
        return (list_display[0],)

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the evidence."""
        return {
            "execution": row,
            "badge": look.sent(row),
            "lead": look.lead(request, row.run.lead),
            "send": one_send(request, row),
            "is_young": _is_unknown(row) and _age(row, timezone.now()) < TOO_YOUNG,
        }

    @admin.display(description=gettext_lazy("step"))
    def what(self, execution: Execution) -> SafeString:
        """Show the step, and through what it went."""
        step = f"{execution.run.cadence} · {execution.position}"
        return look.two_lines(step, execution.account or "")

    @admin.display(description=gettext_lazy("since"))
    def age(self, execution: Execution) -> SafeString:
        """Show since when nobody knows."""
        return show.moment(execution.intended_at)

    @admin.display(description=gettext_lazy("looked for"))
    def looked(self, execution: Execution) -> SafeString:
        """Show how often it was looked for, and when next."""
        times = _("%(n)d times") % {"n": execution.lookups}
        if execution.look_at is None:
            return look.two_lines(times, _("waits for a person"))
        return look.two_lines(times, show.relative(execution.look_at))

    @admin.display(description=gettext_lazy("evidence"))
    def why(self, execution: Execution) -> str:
        """Show what the call came back with."""
        return show.short(execution.reason, 60) or show.NOTHING


def _age(execution: Execution, now: datetime) -> Any:
    return now - (execution.intended_at or now)
