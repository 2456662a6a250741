"""What the form of a schedule asks while someone types: it reads, and writes nothing."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django_celery_beat.models import PeriodicTask

from queues.admin import show
from queues.admin.payload_form import payload_fields
from queues.admin.schedule_form import ScheduleForm
from queues.admin.schedule_preview import of_form

FOLDER = "admin/django_celery_beat/periodictask"


@require_POST
def live(request: HttpRequest, editor: Any) -> JsonResponse:
    """Answer with the next runs of a form as it stands, and what is wrong with it."""
    number = request.POST.get("schedule", "")
    task = PeriodicTask.objects.filter(pk=number).first() if number.isdigit() else None
    _let_in(request, editor, task)
    form = ScheduleForm(request.POST, instance=task)
    form.is_valid()
    context = {"preview": of_form(form, timezone.now())}
    return JsonResponse(
        {
            "preview": render_to_string(f"{FOLDER}/preview.html", context, request),
            "errors": form.errors,
            "payload": form.payload_faults,
        }
    )


@require_GET
def describe(request: HttpRequest, editor: Any) -> JsonResponse:
    """Answer with what a job type says of itself, and with the fields of its payload."""
    _let_in(request, editor, None)
    handler = show.handler(request.GET.get("name", ""))
    seconds = handler.timeout if handler else None
    context = {
        "handler": handler,
        "timeout": show.span(timedelta(seconds=seconds)) if seconds else "",
        "fields": payload_fields(handler) if handler else [],
    }
    return JsonResponse(
        {"fields": render_to_string(f"{FOLDER}/type.html", context, request)}
    )


def _let_in(request: HttpRequest, editor: Any, task: Any) -> None:
    if not (
        editor.has_change_permission(request, task)
        or editor.has_add_permission(request)
    ):
        raise PermissionDenied
