"""People and groups: the stock pages, with an audit row a change and no way up."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as stock
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ChoiceField, model_to_dict
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from queues.admin.guard import Everywhere
from queues.audit import record
from queues.handlers import registry
from queues.models import AccessScope

RANK = ("is_superuser", "user_permissions")
"""What only a superuser gives: an administrator cannot make one of themselves."""


class Audited(Everywhere):
    """An admin whose every change is told in the audit log, secrets masked."""

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: bool = False,  # noqa: FBT001, FBT002 - Django's signature
    ) -> Any:
        """Tell what the form changed; it runs in the transaction that saves."""
        names = list(form.cleaned_data) if add else form.changed_data
        before = {name: _plain(form.initial.get(name)) for name in names}
        after = {name: _plain(form.cleaned_data.get(name)) for name in names}
        for formset in formsets or ():
            if formset.has_changed():
                name = formset.model._meta.model_name  # noqa: SLF001 - its own name
                before[name], after[name] = _rows_before(formset), _rows_after(formset)
        if add:
            record(self._word_of("add"), form.instance, after=after)
        elif after:
            # The form of a password has no instance but a user.
            row = getattr(form, "instance", None) or form.user
            record(self._word_of("change"), row, before=before, after=after)
        return super().construct_change_message(request, form, formsets, add)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Tell it, then delete."""
        with transaction.atomic():
            record(self._word_of("delete"), obj)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Tell each, then delete all."""
        with transaction.atomic():
            for row in queryset:
                record(self._word_of("delete"), row)
            super().delete_queryset(request, queryset)

    def _word_of(self, verb: str) -> str:
        return f"{self.opts.model_name}.{verb}"


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


def _plain(value: Any) -> Any:
    if isinstance(value, QuerySet | list | tuple):
        return sorted(str(each) for each in value)
    return str(value) if isinstance(value, Model) else value


def _rows_before(formset: Any) -> list[dict[str, Any]]:
    return [_facts(formset, each.initial) for each in formset.initial_forms]


def _rows_after(formset: Any) -> list[dict[str, Any]]:
    # The formset's own rows were read before it was saved.
    rows = formset.model.objects.filter(**{formset.fk.name: formset.instance})
    return [_facts(formset, model_to_dict(row)) for row in rows.order_by("pk")]


def _facts(formset: Any, values: dict[str, Any]) -> dict[str, Any]:
    hidden = {formset.fk.name, "id"}
    return {name: values[name] for name in values if name not in hidden}
