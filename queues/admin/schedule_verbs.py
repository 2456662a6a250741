"""Pause, resume and run now: each asked first, allowed, done, logged and reported."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_celery_beat.models import PeriodicTask

from queues import schedule_rows
from queues.access import may, may_on
from queues.admin import show
from queues.admin.guard import Guarded
from queues.admin.schedule_live import FOLDER, describe, live
from queues.admin.schedule_standing import fault_of
from queues.admin.verbs import MOST
from queues.errors import QueueError
from queues.masks import masked
from queues.steer_schedule import pause, resume, run_now

PERMISSIONS = {
    "pause": "queues.pause_schedule",
    "resume": "queues.pause_schedule",
    "run": "queues.run_schedule",
}
LABELS = {
    "pause": gettext_lazy("Pause"),
    "resume": gettext_lazy("Resume"),
    "run": gettext_lazy("Run now"),
    "copy": gettext_lazy("Copy"),
    "delete": gettext_lazy("Delete"),
}
LONGEST_NOTE = 500


class Steered(Guarded):
    """An admin of schedules with their verbs, as buttons and as list actions."""

    def get_urls(self) -> list[Any]:
        """Give the verbs and what the form asks while one types their addresses."""
        view = self.admin_site.admin_view
        return [
            path("live/", view(partial(live, editor=self)), name="schedule_live"),
            path("type/", view(partial(describe, editor=self)), name="schedule_type"),
            *(
                path(
                    f"<int:number>/{verb}/",
                    view(partial(self._on_one, verb)),
                    name=f"schedule_{verb}",
                )
                for verb in PERMISSIONS
            ),
            *super().get_urls(),
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer to pause and resume to those who may; a forged name finds nothing."""
        actions: dict[str, Any] = dict(super().get_actions(request))
        for verb in ("pause", "resume"):
            if may(request.user, PERMISSIONS[verb]):
                act = partial(self._on_many, verb)
                actions[verb] = (act, verb, LABELS[verb])
        return actions

    def buttons(self, request: HttpRequest, task: PeriodicTask) -> list[dict[str, Any]]:
        """Return what this user may do to a schedule now, each with its address."""
        change = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        copy = f"{reverse(f'{change}_add')}?copy={task.pk}"
        turn = "pause" if task.enabled else "resume"
        offers = [
            ("run", _may(request, "run", task), self._at("run", task), ""),
            (turn, _may(request, turn, task), self._at(turn, task), "plain"),
            ("copy", self.has_add_permission(request), copy, "plain"),
            (
                "delete",
                self.has_delete_permission(request, task),
                reverse(f"{change}_delete", args=[task.pk]),
                "plain risky",
            ),
        ]
        return [
            {"label": LABELS[verb], "url": url, "tone": tone, "posts": verb == "resume"}
            for verb, is_allowed, url, tone in offers
            if is_allowed
        ]

    def _at(self, verb: str, task: PeriodicTask) -> str:
        return reverse(f"admin:schedule_{verb}", args=[task.pk])

    def _on_one(self, verb: str, request: HttpRequest, number: int) -> HttpResponse:
        """Ask, or on a POST do it and lead to what came of it."""
        if not may(request.user, PERMISSIONS[verb]):
            raise PermissionDenied
        task = self.get_object(request, str(number))
        if task is None:
            raise Http404
        if not _may(request, verb, task):
            raise PermissionDenied
        if request.method != "POST":
            return self._ask(request, verb, [task])
        job = self._do(request, verb, [task])
        if job is not None:
            return redirect("admin:queues_job_change", job.pk)
        return redirect(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change", number
        )

    def _on_many(
        self, verb: str, _admin: object, request: HttpRequest, rows: Any
    ) -> HttpResponseBase | None:
        chosen = list(rows[: MOST + 1])
        if len(chosen) > MOST:
            text = _("Choose at most %(most)d rows at once.") % {"most": MOST}
            self.message_user(request, text, messages.ERROR)
            return None
        if not all(_may(request, verb, task) for task in chosen):
            raise PermissionDenied
        if verb == "pause" and "confirmed" not in request.POST:
            return self._ask(request, verb, chosen, action=verb)
        self._do(request, verb, chosen)
        return None

    def _do(self, request: HttpRequest, verb: str, tasks: list[PeriodicTask]) -> Any:
        """Do it to each with its entry in the log; return the job of a run, if any."""
        note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
        done, job = 0, None
        for task in tasks:
            try:
                with transaction.atomic():
                    job = _act(verb, task, request.user, note)
                    self.log_change(request, task, _logged(verb, note))
            except QueueError as error:
                self.message_user(
                    request, f"“{task.name}”: {show.explain(error)}", messages.ERROR
                )
            else:
                done += 1
        if done:
            self.message_user(request, _reported(verb, done), messages.SUCCESS)
        return job

    def _ask(
        self, request: HttpRequest, verb: str, tasks: list[Any], action: str = ""
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": LABELS[verb],
            "opts": self.opts,
            "verb": verb,
            "label": LABELS[verb],
            "tasks": tasks,
            "action": action,
            "longest_note": LONGEST_NOTE,
            **(_run_of(tasks[0]) if verb == "run" else {}),
        }
        return TemplateResponse(request, f"{FOLDER}/ask.html", context)


def _may(request: HttpRequest, verb: str, task: PeriodicTask) -> bool:
    return may_on(request.user, PERMISSIONS[verb], task)


def _act(verb: str, task: PeriodicTask, user: Any, note: str) -> Any:
    match verb:
        case "pause":
            pause(task.name, by=user, note=note)
        case "resume":
            resume(task.name)
        case _:
            return run_now(task.name, by=user)
    return None


def _logged(verb: str, note: str) -> str:
    texts = {"pause": _("Paused"), "resume": _("Resumed"), "run": _("Run by hand")}
    return f"{texts[verb]}: {note}" if note else texts[verb]


def _reported(verb: str, done: int) -> str:
    texts = {
        "pause": ngettext("Paused: %(n)d schedule.", "Paused: %(n)d schedules.", done),
        "resume": ngettext(
            "Resumed: %(n)d schedule.", "Resumed: %(n)d schedules.", done
        ),
        "run": _("It runs now, as this job."),
    }
    return texts[verb] % {"n": done} if verb != "run" else texts[verb]


def _run_of(task: PeriodicTask) -> dict[str, Any]:
    """Return what a run by hand would start, and why it cannot if so."""
    row = schedule_rows.row_of(task.pk)
    return {"fault": fault_of(row) if row else "", "payload": payload_of(task)}


def payload_of(task: PeriodicTask) -> str:
    """Return the payload as people read it, without its secrets."""
    data = show.parsed(task.kwargs)
    return show.pretty(masked(data)) if isinstance(data, dict) else task.kwargs
