"""The pages of a cadence beside its rules: steps, publishing, moving, trying out."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from cadences.admin import steps_page, trial_page, versions_page
from cadences.errors import CadenceError
from cadences.models import Cadence
from queues.access import may_everywhere
from queues.admin.show import explain

FOLDER = "admin/cadences/cadence"
View = Callable[[Any, HttpRequest, Cadence], HttpResponse | dict[str, Any]]

PAGES: dict[str, tuple[View, str]] = {
    "steps": (steps_page.steps, "view"),
    "step": (steps_page.step, "change"),
    "diff": (versions_page.diff, "view"),
    "trial": (trial_page.trial, "view"),
    "publish": (versions_page.publish_page, "publish"),
    "migrate": (versions_page.migrate_page, "publish"),
}
"""Pages below a cadence: what they show, and who may open them."""
ACTS: dict[str, tuple[View, str]] = {
    "draft": (versions_page.begin, "change"),
    "discard": (versions_page.throw_away, "change"),
    "arrange": (steps_page.arrange, "change"),
}
"""What is only done: each by a POST, and back."""


class Pages:
    """The pages of a cadence, for its admin."""

    admin_site: Any
    opts: Any
    get_object: Any
    message_user: Any
    has_view_permission: Any
    has_change_permission: Any

    def get_urls(self) -> list[Any]:
        """Give every page its address below its cadence."""
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(partial(self._open, name)),
                name=f"cadences_cadence_{name}",
            )
            for name in (*PAGES, *ACTS)
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def may_publish(self, request: HttpRequest) -> bool:
        """Tell whether this person may let a version go to people."""
        return may_everywhere(request.user, "cadences.publish_cadence")

    def _open(self, name: str, request: HttpRequest, object_id: str) -> HttpResponse:
        cadence = self.get_object(request, unquote(object_id))
        if cadence is None:
            raise Http404
        view, needs = PAGES.get(name) or ACTS[name]
        if not self._may(request, needs, cadence):
            raise PermissionDenied
        steps = reverse("admin:cadences_cadence_steps", args=[quote(cadence.pk)])
        if name in ACTS and request.method != "POST":
            return redirect(steps)
        try:
            found = view(self, request, cadence)
        except CadenceError as error:
            self.message_user(request, explain(error), messages.ERROR)
            return redirect(steps)
        if isinstance(found, HttpResponse):
            return found
        return self._show(request, name, cadence, found)

    def _may(self, request: HttpRequest, needs: str, cadence: Cadence) -> bool:
        match needs:
            case "publish":
                return self.may_publish(request)
            case "change":
                return bool(self.has_change_permission(request, cadence))
            case _:
                return bool(self.has_view_permission(request, cadence))

    def _show(
        self, request: HttpRequest, name: str, cadence: Cadence, found: dict[str, Any]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": cadence,
            "may_change": self.has_change_permission(request, cadence),
            "may_publish": self.may_publish(request),
            **found,
        }
        return TemplateResponse(request, f"{FOLDER}/{name}.html", context)
