"""Connections: test, pause, replace what opens them; nobody reads a token back."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.audited import Audited
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Operated, Verb
from queues.errors import QueueError
from syncs.admin import look
from syncs.connect import check, pause, resume, rotate
from syncs.errors import SyncError
from syncs.models import Connection
from syncs.states import ConnectionStatus


class TokenForm(forms.Form):
    """What opens the connection from now on."""

    access_token = forms.CharField(
        label=gettext_lazy("New token"),
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


def _rotate(link: Connection, access_token: str) -> None:
    rotate(link, {"access_token": access_token})


class PauseForm(forms.Form):
    """Why it is paused: for the colleague who finds it, and for its people."""

    note = forms.CharField(
        label=gettext_lazy("Because"), max_length=500, required=False
    )


def _pause(link: Connection, note: str) -> None:
    pause(link, reason=note)


TEST = Verb(
    name="test",
    label=gettext_lazy("Test"),
    act=check,
    permission="syncs.test_connection",
    logged=gettext_lazy("It works"),
    offered=lambda link: True,
)
ROTATE = Verb(
    name="rotate",
    label=gettext_lazy("Replace the token"),
    act=_rotate,
    permission="syncs.rotate_connection",
    logged=gettext_lazy("Token replaced"),
    offered=lambda link: True,
    form=TokenForm,
)
PAUSE = Verb(
    name="pause",
    label=gettext_lazy("Pause"),
    act=_pause,
    permission="syncs.pause_connection",
    logged=gettext_lazy("Paused"),
    offered=lambda link: link.status == ConnectionStatus.ACTIVE,
    question=gettext_lazy("Its syncs stop at their next page."),
    form=PauseForm,
)
RESUME = Verb(
    name="resume",
    label=gettext_lazy("Resume"),
    act=resume,
    permission="syncs.pause_connection",
    logged=gettext_lazy("Resumed"),
    offered=lambda link: (
        link.status != ConnectionStatus.ACTIVE or link.breaker_until is not None
    ),
)


@admin.register(Connection)
class ConnectionAdmin(Operated, Audited):
    """Every account of a store at a provider."""

    born = "create"
    verbs = (TEST, ROTATE, PAUSE, RESUME)
    refusals = (QueueError, SyncError)
    ordering = ("store__name", "provider", "id")
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_display = (
        "name", "of_store", "provider", "state", "token", "errors", "succeeded",
    )  # fmt: skip
    list_display_links = ("name",)
    list_filter = ("status", "provider")
    list_select_related = ("store", "credential")
    search_fields = ("store__name", "external_account", "label")
    autocomplete_fields = ("store",)
    fields = (
        "store", "provider", "label", "external_account", "timezone", "currency",
        "api_version", "settings", "freshness_minutes",
    )  # fmt: skip
    change_form_template = "admin/syncs/connection.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a connection with its store and its provider."""
        return ("store", "provider") if obj else ()

    def label(self, row: Any) -> str:
        """Call a connection by its store as well."""
        return f"{row.store} {row}"

    def _apply(
        self, request: HttpRequest, verb: Verb, rows: Any, form: Any = None
    ) -> None:
        """Test outside of a transaction: the provider is on the line."""
        if verb is not TEST:
            super()._apply(request, verb, rows, form)
            return
        for link in rows:
            try:
                account = check(link)
            except self.refusals as error:
                self.message_user(request, f"{link}: {error}", messages.ERROR)
            else:
                text = " · ".join(filter(None, [str(TEST.logged), *account.notes]))
                self.message_user(request, f"{link}: {text}", messages.SUCCESS)

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show how it stands, and how far its streams are."""
        return {
            "badge": look.link(row.status),
            "link": row,
            "credential": getattr(row, "credential", None),
            "streams": row.streams.order_by("-updated_at")[:20],
        }

    @admin.display(description=gettext_lazy("connection"))
    def name(self, link: Connection) -> str:
        """Show its name."""
        return str(link)

    @admin.display(description=gettext_lazy("store"))
    def of_store(self, link: Connection) -> SafeString:
        """Show whose it is."""
        return look.store(link.store)

    @admin.display(description=gettext_lazy("status"))
    def state(self, link: Connection) -> SafeString:
        """Show whether it may be called."""
        return look.link(link.status)

    @admin.display(description=gettext_lazy("token"))
    def token(self, link: Connection) -> str:
        """Show how the token ends, and nothing else of it."""
        found = getattr(link, "credential", None)
        return str(found) if found else str(show.NOTHING)

    @admin.display(description=gettext_lazy("errors in a row"))
    def errors(self, link: Connection) -> int:
        """Show how often it failed since it worked last."""
        return link.consecutive_errors

    @admin.display(description=gettext_lazy("last success"))
    def succeeded(self, link: Connection) -> str:
        """Show when it worked last."""
        return show.moment(link.last_success_at)
