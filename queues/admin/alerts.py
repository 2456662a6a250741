"""Alerts: what fires now, and what was told of it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.job_forms import SnoozeForm
from queues.admin.verbs import Operated, Verb, Window
from queues.alerts.measures import measures
from queues.alerts.mute import mute
from queues.alerts.tell import number
from queues.models import AlertMessage, AlertState
from queues.models.alert import Level

SHOWN = 100
STATUSES = {"pending": "wait", "sent": "good", "failed": "bad"}


class MuteForm(SnoozeForm):
    """Until when nobody is told."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["when"].label = _("Tell nobody; again")


def is_muted(row: Any) -> bool:
    """Tell whether nobody is told of the rule or subject now."""
    return row.muted_until is not None and row.muted_until > timezone.now()


MUTE = Verb(
    name="mute",
    label=gettext_lazy("Mute"),
    act=mute,
    permission="queues.mute_alert",
    logged=gettext_lazy("Muted"),
    offered=lambda row: not is_muted(row),
    form=MuteForm,
)
UNMUTE = Verb(
    name="unmute",
    label=gettext_lazy("Unmute"),
    act=lambda row: mute(row, None),
    permission="queues.mute_alert",
    logged=gettext_lazy("Told again"),
    offered=is_muted,
)


def level(word: str) -> SafeString:
    """Show how bad it is."""
    tone = "bad" if word == Level.CRITICAL else "warn"
    return show.badge(str(Level(word).label), tone)


def state(row: AlertState) -> SafeString:
    """Show whether it fires, and whether people hear of it."""
    if not row.is_firing:
        return show.badge(_("well"), "good")
    return show.badge(_("muted"), "mute") if is_muted(row) else level(row.level)


class ByFiring(admin.SimpleListFilter):
    """What fires, or all that ever did."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer both."""
        return [("firing", _("firing")), ("well", _("well"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow the list."""
        if self.value() not in ("firing", "well"):
            return queryset
        return queryset.filter(is_firing=self.value() == "firing")


@admin.register(AlertState)
class AlertStateAdmin(Operated, Window):
    """How every subject stands, what fires first."""

    verbs = (MUTE, UNMUTE)
    ordering = ("-is_firing", "level", "-since", "-id")
    sortable_by = ()
    list_select_related = ("rule", "incident")
    list_display = ("what", "state", "value_", "since_", "told_", "muted")
    list_filter = (ByFiring, "rule")
    search_fields = ("subject", "label")
    search_help_text = gettext_lazy("Words of the subject")
    fields = readonly_fields = (
        "rule", "what", "state", "value_", "expected", "since_", "told_", "muted",
        "incident",
    )  # fmt: skip

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show where to look and, of an incident, whom it strikes."""
        return {"members": row.members.order_by("subject")[:SHOWN], "path": row.path}

    @admin.display(description=gettext_lazy("alert"))
    def what(self, row: AlertState) -> str:
        """Show the rule and the subject."""
        subject = row.label or row.subject
        return f"{row.rule.code}: {subject}" if subject else row.rule.code

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: AlertState) -> SafeString:
        """Show whether it fires."""
        return state(row)

    @admin.display(description=gettext_lazy("value"))
    def value_(self, row: AlertState) -> str:
        """Show the value with its unit."""
        known = measures().get(row.rule.measure)
        return number(row.value, known.unit if known else "")

    @admin.display(description=gettext_lazy("fires when it is"))
    def expected(self, row: AlertState) -> str:
        """Show the threshold."""
        known = measures().get(row.rule.measure)
        side = row.rule.get_side_display()
        return f"{side} {number(row.rule.threshold, known.unit if known else '')}"

    @admin.display(description=gettext_lazy("since"))
    def since_(self, row: AlertState) -> str:
        """Show since when it stands so."""
        return show.moment(row.since)

    @admin.display(description=gettext_lazy("told"))
    def told_(self, row: AlertState) -> str:
        """Show when people were told last."""
        return show.moment(row.told_at)

    @admin.display(description=gettext_lazy("muted until"))
    def muted(self, row: AlertState) -> str:
        """Show until when nobody is told."""
        return show.moment(row.muted_until) if is_muted(row) else show.NOTHING


@admin.register(AlertMessage)
class AlertMessageAdmin(Window):
    """Everything that people were told, and how it reached them."""

    ordering = ("-id",)
    sortable_by = ()
    list_display = ("title", "kind_", "created", "reached")
    list_filter = ("kind", "level", "rule")
    search_fields = ("title",)
    search_help_text = gettext_lazy("Words of the title")
    fields = readonly_fields = ("title", "kind_", "created", "body", "reached")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Bring the deliveries along."""
        return super().get_queryset(request).prefetch_related("deliveries__channel")

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show each delivery with what went wrong."""
        deliveries = row.deliveries.select_related("channel").order_by("id")
        return {
            "deliveries": [
                (show.badge(each.get_status_display(), STATUSES[each.status]), each)
                for each in deliveries
            ]
        }

    @admin.display(description=gettext_lazy("kind"))
    def kind_(self, row: AlertMessage) -> SafeString:
        """Show whether it began or ended."""
        if row.kind == AlertMessage.Kind.RECOVERED:
            return show.badge(row.get_kind_display(), "good")
        return level(row.level)

    @admin.display(description=gettext_lazy("written"))
    def created(self, row: AlertMessage) -> str:
        """Show when it was written."""
        return show.moment(row.created_at)

    @admin.display(description=gettext_lazy("reached"))
    def reached(self, row: AlertMessage) -> str:
        """Show the channels over which it arrived."""
        there = [str(each.channel) for each in row.deliveries.all() if each.sent_at]
        return ", ".join(there) or _("nobody yet")
