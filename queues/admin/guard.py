"""Pages that show and offer what the user's permissions and scopes allow, no more."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from queues.access import may, may_everywhere, may_on, scoped
from queues.admin.told import history


class Guarded(admin.ModelAdmin):
    """An admin that asks `queues.access` instead of the user alone."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it within the scopes; whoever may change may look."""
        return self._allows(request, "view", obj) or self._allows(
            request, "change", obj
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it where there is something that the user may add."""
        return may(request.user, self._permission("add"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it within the scopes."""
        return self._allows(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it within the scopes."""
        return self._allows(request, "delete", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Show what lies within the scopes."""
        rows: QuerySet = scoped(request.user, super().get_queryset(request))
        return rows

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse an action that was not offered, aloud."""
        action = request.POST.get("action")
        if action and action not in self.get_actions(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the page of a row shows beside its fields."""
        return {}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show one row with its details."""
        row = self.get_object(request, unquote(object_id))
        context = {} if row is None else self.details(request, row)
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what was done to the row, through whatever door."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": row,
            "opts": self.opts,
            "object": row,
            **history(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/queues/history.html", context)

    def _allows(self, request: HttpRequest, verb: str, obj: Any) -> bool:
        permission = self._permission(verb)
        if obj is not None:
            return may_on(request.user, permission, obj)
        return may(request.user, permission)

    def _permission(self, verb: str) -> str:
        codename = get_permission_codename(verb, self.opts)
        return f"{self.opts.app_label}.{codename}"


class Everywhere(Guarded):
    """What belongs to no job type and no queue: changed by those without a scope."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow it to those whose permission no scope narrows."""
        return may_everywhere(request.user, self._permission("add"))

    def _allows(self, request: HttpRequest, verb: str, obj: Any) -> bool:
        if verb == "view":
            return super()._allows(request, verb, obj)
        return may_everywhere(request.user, self._permission(verb))
