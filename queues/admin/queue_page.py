"""Queues: what stands in each, how fast it moves, and the switch that pauses it."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from queues.access import may
from queues.admin import show
from queues.admin.guard import Guarded
from queues.admin.told import history
from queues.errors import UnknownQueue
from queues.handlers import registry
from queues.lines import MINUTES, Standing, standings
from queues.models import Queue, Worker
from queues.pause_queue import pause_queue, resume_queue

LATE = 60.0
"""Seconds from which on a due job waits too long."""
SHOWN_HISTORY = 5


class NoteForm(forms.Form):
    """Why a queue is paused: for the colleague who finds it."""

    note = forms.CharField(required=False, max_length=500)


@admin.register(Queue)
class QueueAdmin(Guarded):
    """Every queue by name; a row in the table is there only once it was paused."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: queues come from the code and from the QUEUES setting."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a queue is paused and resumed, and nothing else."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: as above."""
        return False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Queue:
        """Return the row, or one for a queue that was never paused."""
        name = unquote(object_id)
        return Queue.objects.filter(pk=name).first() or Queue(pk=name)

    def get_urls(self) -> list[Any]:
        """Add the two verbs below each queue."""
        verbs = (("pause", self._pause), ("resume", self._resume))
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(partial(self._on_queue, view)),
                name=f"queues_queue_{name}",
            )
            for name, view in verbs
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show all queues side by side."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": self.opts.verbose_name_plural,
            "opts": self.opts,
            "rows": [_row(request, each) for each in self._standings(request)],
            "minutes": MINUTES,
        }
        return TemplateResponse(request, "admin/queues/queue/change_list.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one queue: by priority, its types, its limits, its workers."""
        if request.method == "POST":
            raise PermissionDenied
        name = unquote(object_id)
        found = {each.name: each for each in self._standings(request)}
        if name not in found:
            raise Http404
        queue = self.get_object(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": name,
            "opts": self.opts,
            "original": queue,
            "minutes": MINUTES,
            **(row := _row(request, found[name])),
            "switch": row,
            **history(request, queue, SHOWN_HISTORY),
            "types": [each for each in registry if each.queue == name],
            "workers": _workers(name),
        }
        return TemplateResponse(request, "admin/queues/queue/change_form.html", context)

    def _standings(self, request: HttpRequest) -> list[Standing]:
        view = "queues.view_queue"
        return [
            each for each in standings() if may(request.user, view, queue=each.name)
        ]

    def _on_queue(
        self, view: Any, request: HttpRequest, object_id: str
    ) -> HttpResponse:
        name = unquote(object_id)
        if not may(request.user, "queues.pause_queue", queue=name):
            raise PermissionDenied
        if request.method == "POST":
            try:
                view(request, name)
            except UnknownQueue:
                raise Http404 from None
        return redirect("admin:queues_queue_change", quote(name))

    def _pause(self, request: HttpRequest, name: str) -> None:
        form = NoteForm(request.POST)
        if not form.is_valid():
            self.message_user(
                request, " ".join(map(str, form.errors["note"])), messages.ERROR
            )
            return
        pause_queue(name, form.cleaned_data["note"])
        text = _("%(queue)s is paused. What runs goes on to its end.")
        self.message_user(request, text % {"queue": name}, messages.SUCCESS)

    def _resume(self, request: HttpRequest, name: str) -> None:
        resume_queue(name)
        text = _("%(queue)s goes on.") % {"queue": name}
        self.message_user(request, text, messages.SUCCESS)


def badge(standing: Standing) -> SafeString:
    """Return how a queue stands, in a word."""
    if standing.is_paused:
        return show.badge(_("paused"), "warn")
    if standing.due and not standing.heard:
        return show.badge(_("nobody listens"), "bad")
    if standing.age is not None and standing.age > LATE:
        return show.badge(_("late"), "warn")
    if standing.running or standing.due:
        return show.badge(_("moving"), "busy")
    return show.badge(_("idle"), "mute")


def _row(request: HttpRequest, standing: Standing) -> dict[str, Any]:
    address = partial(reverse, args=[quote(standing.name)])
    return {
        "standing": standing,
        "badge": badge(standing),
        "oldest": show.seconds(standing.age),
        "pace": standing.pace,
        "may_pause": may(request.user, "queues.pause_queue", queue=standing.name),
        "may_see_jobs": may(request.user, "queues.view_job"),
        "may_see_limits": may(request.user, "queues.view_limitrow"),
        "url": address("admin:queues_queue_change"),
        "pause_url": address("admin:queues_queue_pause"),
        "resume_url": address("admin:queues_queue_resume"),
        "jobs_query": urlencode({"queue": standing.name}),
    }


def _workers(name: str) -> list[Worker]:
    living = Worker.objects.filter(kind=Worker.Kind.NODE, gone_at=None).order_by("id")
    return [each for each in living if name in each.queues.split(",")]
