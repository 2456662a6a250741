"""The switch that stops all sending, beside the panel that shows how it stands."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _

from cadences.admin import panel
from cadences.admin.desk import Desk, Kept
from cadences.admin.run_forms import SaidForm
from cadences.control import control, switch
from cadences.models import Control
from queues.access import may_everywhere
from queues.admin.verbs import Window
from queues.audit import record, whoever

PANEL = "admin:cadences_control_panel"


@admin.register(Control)
class ControlAdmin(Kept, Window, Desk):
    """The one row that can stop everything; its list is the panel."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Stay out of the navigation: the panel is there."""
        return False

    def get_urls(self) -> list[Any]:
        """Add the panel and the switch."""
        wrap, name = self.admin_site.admin_view, "cadences_control_{}".format
        own = [
            path("panel/", wrap(partial(panel.page, self)), name=name("panel")),
            path("live/", wrap(panel.live), name=name("live")),
            path("switch/", wrap(self.ask), name=name("switch")),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the panel."""
        return redirect(PANEL)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show the panel."""
        return redirect(PANEL)

    def ask(self, request: HttpRequest) -> HttpResponse:
        """Say what stopping or starting means; on a POST with a reason do it."""
        if not may_everywhere(request.user, panel.SWITCH):
            raise PermissionDenied
        form = SaidForm(request.POST or None)
        turns_on = request.POST.get("to", "") == "on"
        if request.method == "POST" and form.is_valid():
            turn(on=turns_on, reason=form.cleaned_data["reason"])
            word = _("Sending is on.") if turns_on else _("All sending is off.")
            messages.success(request, word)
            return redirect(PANEL)
        row = control()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Stop all sending") if row.is_on else _("Allow sending"),
            "opts": self.opts,
            "switch": row,
            "form": form,
        }
        return TemplateResponse(request, "admin/cadences/panel/ask.html", context)


@transaction.atomic
def turn(*, on: bool, reason: str) -> None:
    """Turn the switch, with its row in the audit."""
    before = control()
    row = switch(on=on, actor=whoever().name, reason=reason)
    record(
        "runner.switch_on" if on else "runner.switch_off", row, label="cadences",
        reason=reason, before={"is_on": before.is_on}, after={"is_on": row.is_on},
    )  # fmt: skip
