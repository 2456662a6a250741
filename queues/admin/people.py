"""People and groups: the stock pages, with no way up."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as stock
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.forms import ChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from queues.admin.audited import Audited
from queues.handlers import registry
from queues.models import AccessScope

RANK = ("is_superuser", "user_permissions")
"""What only a superuser gives: an administrator cannot make one of themselves."""


class ScopeInline(admin.TabularInline):
    """Where the permissions of a group hold; whoever may change the group may say."""

    model = AccessScope
    extra = 1
    verbose_name_plural = _("Only for these job types and queues (none: everywhere)")

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the queues that are known, and those that scopes name already."""
        if db_field.name != "queue":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        named = AccessScope.objects.exclude(queue="").values_list("queue", flat=True)
        names = sorted({*registry.queues(), *named})
        return ChoiceField(
            choices=[("", _("every queue")), *((name, name) for name in names)],
            required=False,
            label=db_field.verbose_name,
            help_text=db_field.help_text,
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Follow the group."""
        return request.user.has_perm("auth.view_group")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Follow the group."""
        return request.user.has_perm("auth.change_group")

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission


admin.site.unregister([User, Group])


@admin.register(Group)
class GroupAdmin(Audited, stock.GroupAdmin):
    """Roles: what a group may do, and where."""

    inlines = (ScopeInline,)


@admin.register(User)
class UserAdmin(Audited, stock.UserAdmin):
    """People. Superusers are made, changed and deleted by superusers alone."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let only a superuser give more than the groups give."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *RANK)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep superusers to superusers."""
        return _reaches(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep superusers to superusers."""
        return _reaches(request, obj) and super().has_delete_permission(request, obj)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's signature
        form_url: str = "",
    ) -> Any:
        """Change a password; that it was is told, never what it is."""
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)


def _reaches(request: HttpRequest, obj: Any) -> bool:
    return obj is None or not obj.is_superuser or request.user.is_superuser
