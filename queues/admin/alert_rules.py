"""Alert rules and channels, as staff edit them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.alerts import MUTE, UNMUTE, is_muted
from queues.admin.audited import Audited
from queues.admin.verbs import Operated, Verb
from queues.alerts.measures import measures
from queues.alerts.mute import try_out
from queues.alerts.tell import is_ready, number, recipients
from queues.models import AlertChannel, AlertRule

TEST = Verb(
    name="test",
    label=gettext_lazy("Send a test"),
    act=try_out,
    permission="queues.change_alertchannel",
    logged=gettext_lazy("A test is on its way"),
    offered=is_ready,
)


class RuleForm(forms.ModelForm):
    """A rule whose measure is one that exists."""

    measure = forms.ChoiceField(label=gettext_lazy("Measure"))

    class Meta:
        model = AlertRule
        fields = (
            "code", "measure", "subject", "side", "threshold", "critical_threshold",
            "level", "window_seconds", "min_sample", "cooldown_seconds", "channels",
            "enabled", "note",
        )  # fmt: skip
        widgets = {"channels": forms.CheckboxSelectMultiple}
        help_texts = {
            "subject": gettext_lazy("Empty: every subject, such as every queue."),
            "critical_threshold": gettext_lazy("Empty: never."),
            "window_seconds": gettext_lazy("Seconds that are looked back over."),
            "min_sample": gettext_lazy("What rests on less is not judged."),
            "cooldown_seconds": gettext_lazy(
                "Seconds until what comes back is told again."
            ),
            "channels": gettext_lazy("None: the first channel that is ready."),
            "note": gettext_lazy("Part of each message."),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["measure"]
        field.choices = sorted(
            (name, f"{name}: {each.label}") for name, each in measures().items()
        )


@admin.register(AlertRule)
class AlertRuleAdmin(Operated, Audited):
    """Every rule; an edit counts from the next minute on."""

    change_form_template = "admin/queues/operated.html"
    noun = "alert-rule"
    form = RuleForm
    verbs = (MUTE, UNMUTE)
    ordering = ("code",)
    sortable_by = ()
    list_display = ("code", "state", "fires", "over", "sample", "problem")
    search_fields = ("code", "measure")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse it for shipped rules: they would come back. They can be switched off."""
        if obj is not None and obj.is_starter:
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no deletion of several."""
        return {
            name: each
            for name, each in super().get_actions(request).items()
            if name != "delete_selected"
        }

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: AlertRule) -> SafeString:
        """Show whether it looks, and whether it can."""
        if not row.enabled:
            return show.badge(_("off"), "mute")
        if row.failed_at:
            return show.badge(_("cannot measure"), "bad")
        if is_muted(row):
            return show.badge(_("muted"), "mute")
        return show.badge(_("on"), "good")

    @admin.display(description=gettext_lazy("fires when"))
    def fires(self, row: AlertRule) -> str:
        """Show the threshold in words."""
        known = measures().get(row.measure)
        if known is None:
            return row.measure
        threshold = number(row.threshold, known.unit)
        return f"{known.label} {row.get_side_display()} {threshold}"

    @admin.display(description=gettext_lazy("window"))
    def over(self, row: AlertRule) -> str:
        """Show how far it looks back."""
        return number(row.window_seconds / 3600, "h")

    @admin.display(description=gettext_lazy("minimum sample"))
    def sample(self, row: AlertRule) -> str:
        """Show what a value must rest on."""
        return str(row.min_sample)

    @admin.display(description=gettext_lazy("could not measure"))
    def problem(self, row: AlertRule) -> str:
        """Show the error of a rule that cannot be measured."""
        return row.error or show.NOTHING


class ChannelForm(forms.ModelForm):
    """A channel; its secret can be written and never read."""

    new_secret = forms.CharField(
        label=gettext_lazy("Secret"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy(
            "Of a webhook the key that signs, of Slack its address; empty leaves it."
        ),
    )

    class Meta:
        model = AlertChannel
        fields = ("name", "kind", "position", "target", "enabled")
        help_texts = {
            "position": gettext_lazy("The first that is ready gets the alerts."),
            "target": gettext_lazy(
                "E-mail: addresses, empty for all superusers. Webhook: its URL."
            ),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse a webhook that could not be called."""
        found = super().clean() or {}
        target = found.get("target", "")
        if found.get("kind") == AlertChannel.Kind.WEBHOOK:
            if not target.startswith(("https://", "http://")):
                self.add_error("target", _("A webhook needs a URL."))
            if not found.get("new_secret") and not self.instance.secret:
                self.add_error(
                    "new_secret", _("A webhook needs a secret to sign with.")
                )
        return found

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - Django's
        """Keep a new secret; leave the one that is there otherwise."""
        if secret := self.cleaned_data["new_secret"]:
            self.instance.secret = secret
        return super().save(commit)


@admin.register(AlertChannel)
class AlertChannelAdmin(Operated, Audited):
    """The ways to tell people, in the order in which they are tried."""

    change_form_template = "admin/queues/operated.html"
    noun = "alert-channel"
    form = ChannelForm
    verbs = (TEST,)
    ordering = ("position", "id")
    sortable_by = ()
    list_display = ("name", "kind", "position", "state", "goes_to")
    fields = ("name", "kind", "position", "target", "new_secret", "enabled")

    def written(self, form: Any) -> list[str]:
        """Write a new secret as well."""
        names = super().written(form)
        return [*names, "secret"] if "new_secret" in form.changed_data else names

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: AlertChannel) -> SafeString:
        """Show whether it could deliver."""
        if not row.enabled:
            return show.badge(_("off"), "mute")
        if is_ready(row):
            return show.badge(_("ready"), "good")
        return show.badge(_("has no address"), "warn")

    @admin.display(description=gettext_lazy("goes to"))
    def goes_to(self, row: AlertChannel) -> str:
        """Show whom it reaches; a secret address is not shown."""
        if row.kind == AlertChannel.Kind.EMAIL:
            return ", ".join(recipients(row)) or show.NOTHING
        return row.target or show.NOTHING
