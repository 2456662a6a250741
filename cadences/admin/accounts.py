"""Accounts: who sends, what they have used of what they may, and how they are."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.admin.account_form import AccountForm
from cadences.admin.desk import Desk, reason_form
from cadences.admin.gauges import gauges_of, ramp_words
from cadences.check import check
from cadences.models import Account, Message
from cadences.rest_account import rest, rests, wake
from queues.access import may_everywhere
from queues.admin import show
from queues.admin.verbs import Verb
from queues.audit import record

REST = "cadences.rest_account"
DOORS = {"uazapi": "uazapi", "meta": "meta", "smtp": "email"}
"""The webhooks of adapters."""
VERBS = (
    Verb(
        name="rest", label=gettext_lazy("Let it rest"), act=rest, permission=REST,
        logged=gettext_lazy("Rests"),
        offered=lambda row: row.state != Account.State.PAUSED,
        form=reason_form(
            gettext_lazy("It sends nothing until it is woken. Leads that have heard"
                         " from it wait; others hear from another account.")
        ),
    ),
    Verb(
        name="wake", label=gettext_lazy("Wake"), act=wake, permission=REST,
        logged=gettext_lazy("Awake"),
        offered=lambda row: rests(row) or row.failures > 0,
    ),
)  # fmt: skip


@admin.register(Account)
class AccountAdmin(Desk):
    """Every number and mailbox that sends."""

    form = AccountForm
    verbs = VERBS
    ordering = ("company", "medium", "name")
    sortable_by = ()
    list_display = ("title", "company", "medium", "health", "today", "hour")
    list_filter = ("medium", "state", "company")
    list_select_related = ("company",)
    search_fields = ("name", "identifier")
    fieldsets = (
        (None, {"fields": ("company", "medium", "adapter", "name", "identifier")}),
        (
            gettext_lazy("At the provider"),
            {"fields": ("base_url", "config", "secrets", "forget")},
        ),
        (
            gettext_lazy("How much it sends"),
            {
                "fields": (
                    ("per_day", "per_hour", "new_per_day"), "gap_seconds",
                    ("ramp_from", "ramp_start", "ramp_step"),
                )
            },
        ),
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let company and channel be once they are chosen: messages went out over it."""
        return ("company", "medium") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show readers neither settings nor fields for credentials."""
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        return (self.fieldsets[0], self.fieldsets[2])

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """Give readers nothing to fill in."""
        if change and not self.has_change_permission(request, obj):
            kwargs["form"] = ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read what all accounts of the page have used in one statement."""
        changes = super().get_changelist_instance(request)
        rows = list(changes.result_list)
        found = gauges_of(rows)
        for row in rows:
            row.gauges = found[row.pk]
        changes.result_list = rows
        return changes

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the gauges, and how it is."""
        gauges = gauges_of([row])[row.pk]
        may_check = may_everywhere(request.user, REST)
        told = {
            "ramp": ramp_words(row), "may_check": may_check,
            "door": door_of(request, row), "last_heard_at": last_heard(row),
        }  # fmt: skip
        return {"badge": health(row), "gauges": gauges, **told}

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Write what was edited; of credentials the audit tells only that they changed."""
        super().save_model(request, obj, form, change)
        if not form.touches_secrets():
            return
        obj.credentials = form.credentials()
        obj.save(update_fields=["credentials"])
        record("account.credentials", obj, after={"names": form.held_names()})

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Lead to its page."""
        return self.response_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the page, which shows what the edit means."""
        text = _("“%(name)s” is saved.") % {"name": obj}
        self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:cadences_account_change", obj.pk)

    def get_urls(self) -> list[Any]:
        """Give the test an address below the account."""
        view = self.admin_site.admin_view(self._check)
        at = path("<path:object_id>/check/", view, name="cadences_account_check")
        return [at, *super().get_urls()]

    def _check(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask the provider whether the account works; nothing is sent."""
        account = self.get_object(request, object_id)
        if account is None:
            raise Http404
        if not may_everywhere(request.user, REST):
            raise PermissionDenied
        if request.method == "POST":
            found = check(account)
            word = _("It works.") if found.works else _("It does not work.")
            level = messages.SUCCESS if found.works else messages.ERROR
            self.message_user(request, f"{word} {found.detail}", level)
            told = {"works": found.works, "detail": found.detail}
            record("account.check", account, after=told)
        return redirect("admin:cadences_account_change", account.pk)

    @admin.display(description=gettext_lazy("account"))
    def title(self, row: Any) -> SafeString:
        """Show the name, and beneath it the number and the adapter."""
        beneath = " · ".join(each for each in (row.identifier, row.adapter) if each)
        return format_html('{}<span class="type">{}</span>', row.name, beneath)

    @admin.display(description=gettext_lazy("state"))
    def health(self, row: Any) -> SafeString:
        """Show whether it sends."""
        return health(row)

    @admin.display(description=gettext_lazy("today"))
    def today(self, row: Any) -> str:
        """Show what it has used of the day."""
        return _gauge(row, "day")

    @admin.display(description=gettext_lazy("this hour"))
    def hour(self, row: Any) -> str:
        """Show what it has used of the hour."""
        return _gauge(row, "hour")


def door_of(request: HttpRequest, row: Account) -> str:
    """Return the address that the provider tells us at, if it tells us anything."""
    name = DOORS.get(row.adapter)
    home = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    return f"{home}/webhooks/{name}/{row.pk}" if name else ""


def last_heard(row: Account) -> datetime | None:
    """Return when its provider last told us something."""
    rows = Message.objects.filter(account=row, channel=Message.Channel.WEBHOOK)
    return rows.order_by("-created_at").values_list("created_at", flat=True).first()


def health(row: Account) -> SafeString:
    """Show whether an account sends, and why not."""
    if row.state == Account.State.PAUSED:
        return show.badge(_("rests"), "warn")
    if row.state == Account.State.DISCONNECTED:
        return show.badge(_("disconnected"), "bad")
    if row.broken_until is not None:
        return show.badge(_("failing, tries again"), "bad")
    return show.badge(_("sends"), "good")


def _gauge(row: Any, kind: str) -> str:
    gauge = next((each for each in row.gauges if each.kind == kind), None)
    if gauge is None:
        return show.NOTHING
    return format_html(
        '{}<progress class="{}" max="{}" value="{}" aria-label="{}"></progress>',
        gauge.words, gauge.tone, gauge.allowed, gauge.used, gauge.label,
    )  # fmt: skip
