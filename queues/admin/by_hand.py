"""A job written by hand, or a copy of another: choose a type, fill in its payload."""

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _

from queues.access import may
from queues.admin import show
from queues.admin.job_forms import EnqueueForm, outline
from queues.admin.search import number_in
from queues.admin.verbs import Operated
from queues.audit import record
from queues.enqueue import enqueue
from queues.errors import QueueError
from queues.handlers import Handler, registry
from queues.masks import masked
from queues.models import Job

PERMISSION = "queues.enqueue_job"


class ByHand(Operated):
    """An admin of jobs in which staff write one themselves."""

    def get_urls(self) -> list[Any]:
        """Give the two steps an address."""
        view = self.admin_site.admin_view(self.enqueue_view)
        return [path("enqueue/", view, name="queues_job_enqueue"), *super().get_urls()]

    def may_enqueue(self, request: HttpRequest, type_: str | None = None) -> bool:
        """Tell whether this person may write jobs, or those of one type."""
        return may(request.user, PERMISSION, type=type_)

    def enqueue_view(self, request: HttpRequest) -> HttpResponse:
        """Offer the types, then the form of the chosen one; write what it says."""
        if not self.may_enqueue(request):
            raise PermissionDenied
        original = self._original(request)
        name = original.type if original else request.GET.get("type", "")
        if name not in registry:
            return self._offer(request, name)
        if not self.may_enqueue(request, name):
            raise PermissionDenied
        handler = registry.get(name)
        form = self._form(request, handler, original)
        is_sent = request.method == "POST" and form.is_valid()
        if is_sent and (job := self._write(request, form, original)):
            return redirect("admin:queues_job_change", job.pk)
        return self._page(request, handler, form, original)

    def _original(self, request: HttpRequest) -> Job | None:
        number = number_in(request.GET.get("copy", ""))
        if number is None:
            return None
        found: Job | None = self.get_queryset(request).filter(pk=number).first()
        if found is None:
            raise Http404
        return found

    def _offer(self, request: HttpRequest, unknown: str) -> TemplateResponse:
        if unknown:
            text = _("No code here knows the type “%(name)s”.") % {"name": unknown}
            self.message_user(request, text, messages.ERROR)
        context = {
            **self._frame(request),
            "handlers": [
                each
                for each in registry
                if not each.internal and self.may_enqueue(request, each.name)
            ],
        }
        return TemplateResponse(request, "admin/queues/job/types.html", context)

    def _form(
        self, request: HttpRequest, handler: Handler, original: Job | None
    ) -> EnqueueForm:
        if request.method == "POST":
            known = original.payload if original else None
            return EnqueueForm(handler, request.POST, original=known)
        first: dict[str, Any] = {"payload": show.pretty(outline(handler))}
        if original is not None:
            usual = original.queue == handler.queue
            first = {
                "payload": show.pretty(masked(original.payload)),
                "priority": original.priority,
                "queue": "" if usual else original.queue,
                "max_attempts": original.max_attempts,
            }
        return EnqueueForm(handler, initial=first)

    def _write(
        self, request: HttpRequest, form: EnqueueForm, original: Job | None
    ) -> Job | None:
        """Write the job and who asked for it; None if it was refused after all."""
        data = form.cleaned_data["payload"]
        owner: Any = request.user
        try:
            with transaction.atomic():
                job = enqueue(
                    form.handler.name, data, owner=owner, source="admin", **form.options
                )
                record(
                    "job.copy" if original else "job.enqueue",
                    job,
                    reason=form.cleaned_data["reason"],
                    before={"copy_of": original.pk} if original else None,
                    after={"payload": data, "priority": job.priority},
                )
        except QueueError as error:
            form.add_error(None, show.explain(error))
            return None
        text = _("Job #%(id)d is written.") % {"id": job.pk}
        self.message_user(request, text, messages.SUCCESS)
        return job

    def _page(
        self,
        request: HttpRequest,
        handler: Handler,
        form: EnqueueForm,
        original: Job | None,
    ) -> TemplateResponse:
        schema = (
            handler.model.model_json_schema(by_alias=True) if handler.model else None
        )
        context = {
            **self._frame(request),
            "handler": handler,
            "form": form,
            "copied": original,
            "fields": _described(schema or {}),
            "action": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/queues/job/enqueue.html", context)

    def _frame(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": _("Enqueue a job"),
            "opts": self.opts,
            "back": reverse("admin:queues_job_changelist"),
        }


def _described(schema: dict[str, Any]) -> list[dict[str, str]]:
    """Return a line a field of the payload: its name, kind, and what it says."""
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "kind": _kind(field),
            "need": _("required") if name in required else _told_default(field),
            "text": str(field.get("description", "")),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _kind(field: dict[str, Any]) -> str:
    either = field.get("anyOf", [field])
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    return " / ".join(str(each.get("type", "")) for each in either if each.get("type"))


def _told_default(field: dict[str, Any]) -> str:
    default = json.dumps(field.get("default"), ensure_ascii=False)
    return _("else %(default)s") % {"default": default}
