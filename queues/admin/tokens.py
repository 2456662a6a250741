"""API tokens: issue one, shown once; revoke it."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from queues.access import may_everywhere
from queues.admin import show
from queues.admin.verbs import Operated, Verb, Window
from queues.models import ApiToken
from queues.tokens import issue_token, revoke_token

REVOKE = Verb(
    name="revoke",
    label=gettext_lazy("Revoke"),
    act=revoke_token,
    permission="queues.change_apitoken",
    logged=gettext_lazy("Revoked"),
    offered=lambda token: token.revoked_at is None,
    question=gettext_lazy(
        "Whoever uses this token is refused from now on. This cannot be undone."
    ),
)


class TokenForm(forms.ModelForm):
    """Whose token it is, what for, and until when."""

    class Meta:
        model = ApiToken
        fields = ("user", "name", "expires_at")
        widgets = {
            "expires_at": forms.DateTimeInput(
                attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
            )
        }
        help_texts = {
            "name": gettext_lazy("What uses it, such as “billing server”."),
            "expires_at": gettext_lazy("Empty: until it is revoked."),
        }
        field_classes = {"expires_at": forms.DateTimeField}

    def clean_expires_at(self) -> datetime | None:
        """Refuse a token that would be dead on arrival."""
        value: datetime | None = self.cleaned_data["expires_at"]
        if value is not None and value <= timezone.now():
            raise forms.ValidationError(_("This moment is in the past."))
        return value


@admin.register(ApiToken)
class ApiTokenAdmin(Operated, Window):
    """Every token by its first characters; the rest is known to its user alone."""

    change_form_template = "admin/queues/operated.html"
    form = TokenForm
    verbs = (REVOKE,)
    ordering = ("-id",)
    sortable_by = ()
    list_select_related = ("user",)
    list_display = ("name", "user", "begins", "state", "created", "expires", "used")
    search_fields = ("name", "prefix", "user__username")
    search_help_text = gettext_lazy("Name, beginning or person")
    fields = ("user", "name", "expires_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show everything but the digest once it exists."""
        return (*self.fields, "begins", "state", "used") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for three things; show six."""
        return self.get_readonly_fields(request, obj) or self.fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let those issue tokens whom the permission names."""
        return may_everywhere(request.user, "queues.add_apitoken")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Bring the users along."""
        return super().get_queryset(request).select_related("user")

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """Offer active people only, without detours to their pages."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        if person := form.base_fields.get("user"):
            person.queryset = person.queryset.filter(is_active=True)
            person.widget = person.widget.widget
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Offer one way to save: the answer shows the token."""
        single = {"show_save_and_add_another": False, "show_save_and_continue": False}
        context = {**single, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Issue the token; its text goes to the answer and nowhere else."""
        text, row = issue_token(obj.user, obj.name, obj.expires_at)
        obj.pk, obj.prefix, obj.text = row.pk, row.prefix, text

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the token in this very answer: a message would store it on its way."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Your new API token"),
            "opts": self.opts,
            "token": obj,
        }
        return TemplateResponse(request, "admin/queues/apitoken/issued.html", context)

    @admin.display(description=gettext_lazy("begins with"))
    def begins(self, token: ApiToken) -> str:
        """Show what tells it from others."""
        return f"{token.prefix}…"

    @admin.display(description=gettext_lazy("state"))
    def state(self, token: ApiToken) -> SafeString:
        """Show whether it opens the door."""
        if token.revoked_at:
            return show.badge(_("revoked"), "mute")
        if token.expires_at and token.expires_at <= timezone.now():
            return show.badge(_("expired"), "mute")
        return show.badge(pgettext("token", "valid"), "good")

    @admin.display(description=gettext_lazy("created"))
    def created(self, token: ApiToken) -> str:
        """Show when it was issued."""
        return show.moment(token.created_at)

    @admin.display(description=gettext_lazy("expires"))
    def expires(self, token: ApiToken) -> str:
        """Show until when it is valid."""
        return show.moment(token.expires_at)

    @admin.display(description=gettext_lazy("last used"))
    def used(self, token: ApiToken) -> str:
        """Show when it was last presented."""
        return show.moment(token.last_used_at)
