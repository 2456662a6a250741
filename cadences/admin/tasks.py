"""Tasks for people: what cadences ask somebody to do, done or passed over."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from cadences.admin import deeds, look
from cadences.admin.desk import Desk, Kept
from cadences.admin.run_forms import ReasonForm
from cadences.admin.run_verbs import OPERATE
from cadences.models import Task
from cadences.pause import finish_task
from queues.admin import show
from queues.admin.keyset import Keyset
from queues.admin.verbs import Verb, Window
from queues.audit import record, whoever

TONES = {
    Task.State.OPEN: "busy",
    Task.State.DONE: "good",
    Task.State.SKIPPED: "mute",
    Task.State.CANCELLED: "mute",
}


def _ended(action: str, *, skipped: bool) -> Any:
    def act(task: Task) -> Task:
        after: Task = deeds.tried(
            lambda: finish_task(task.pk, actor=whoever().name, skipped=skipped)
        )
        record(action, task, before={"state": task.state}, after={"state": after.state})
        return after

    return act


def _is_open(task: Any) -> bool:
    return bool(task.state == Task.State.OPEN)


DONE = Verb(
    name="done",
    label=gettext_lazy("Done"),
    act=_ended("task.done", skipped=False),
    permission=OPERATE,
    logged=gettext_lazy("Done"),
    offered=_is_open,
)
SKIP = Verb(
    name="skip",
    label=gettext_lazy("Skip"),
    act=_ended("task.skip", skipped=True),
    permission=OPERATE,
    logged=gettext_lazy("Skipped"),
    offered=_is_open,
    form=ReasonForm,
)


class ByState(admin.SimpleListFilter):
    """What waits, unless something else is asked for."""

    title, parameter_name = gettext_lazy("state"), "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the four, and all of them."""
        return [*Task.State.choices, ("all", gettext_lazy("all"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Leave the choice of no filter out: open is where it begins."""
        every = list(super().choices(changelist))[1:]
        for each in every:
            if self.value() is None and each["display"] == Task.State.OPEN.label:
                each["selected"] = True
            yield each

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the state."""
        word = self.value() or Task.State.OPEN
        return queryset if word == "all" else queryset.filter(state=word)


class Newest(Keyset):
    """The tasks, the newest first."""

    moment = "created_at"


@admin.register(Task)
class TaskAdmin(Kept, Window, Desk):
    """What cadences ask of people."""

    verbs = (DONE, SKIP)
    ordering = ("-created_at", "-id")
    sortable_by = ()
    list_display = ("what", "state_", "asked", "ended")
    list_filter = (ByState,)
    list_select_related = ("execution__run__lead", "execution__run__cadence")
    fields = readonly_fields = ("id",)
    change_list_template = "admin/cadences/keyset.html"
    change_form_template = "admin/cadences/task/change_form.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Keyset]:
        """Page by place."""
        return Newest

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show leads as this person may know them."""

        @admin.display(description=gettext_lazy("lead"))
        def who(task: Task) -> str:
            run = task.execution.run
            name = look.link("run", run.pk, look.lead(request, run.lead))
            return look.two_lines(name, run.cadence)

        return (self.list_display[0], who, *self.list_display[1:])

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Lead to the task from its title."""
        return (list_display[0],)

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show whom it is about."""
        run = row.execution.run
        return {
            "task": row,
            "badge": self.state_(row),
            "run": run,
            "lead": look.lead(request, run.lead),
        }

    @admin.display(description=gettext_lazy("task"))
    def what(self, task: Task) -> str:
        """Show the title."""
        return task.title

    @admin.display(description=gettext_lazy("state"))
    def state_(self, task: Task) -> SafeString:
        """Show where it stands."""
        known = Task.State(task.state)
        return show.badge(str(known.label), TONES[known])

    @admin.display(description=gettext_lazy("asked"))
    def asked(self, task: Task) -> SafeString:
        """Show since when it waits."""
        return show.moment(task.created_at)

    @admin.display(description=gettext_lazy("ended"))
    def ended(self, task: Task) -> str:
        """Show when it ended, and by whom."""
        if task.ended_at is None:
            return show.NOTHING
        return format_html("{} {}", show.moment(task.ended_at), task.ended_by)
