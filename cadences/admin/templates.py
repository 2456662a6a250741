"""Templates: what is said, in wordings that never change, read aloud as one types."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.admin.desk import Desk
from cadences.admin.reading import reading_of
from cadences.admin.template_form import NewTemplateForm, TemplateForm
from cadences.models import Company, Step, Template, Variant, Version
from cadences.publish import revise
from cadences.values import ALWAYS_SAID, BUILT_IN
from queues.admin import show

FOLDER = "admin/cadences/template"
SHOWN = 50
"""Revisions and steps that a page lists."""


@admin.register(Template)
class TemplateAdmin(Desk):
    """Every template by its code."""

    ordering = ("company", "code", "medium")
    sortable_by = ("title",)
    list_display = ("title", "company", "medium", "state", "wording", "number")
    list_filter = ("medium", "is_active", "company")
    list_select_related = ("company", "revision")
    search_fields = ("code", "name", "revision__body")
    search_help_text = gettext_lazy("Code, name or text")

    def get_urls(self) -> list[Any]:
        """Give the reading aloud an address."""
        view = self.admin_site.admin_view(self._live)
        return [path("live/", view, name="cadences_template_live"), *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what was said with it stays readable; it can be made inactive."""
        return False

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """Ask for the place of a new template; later only for its words."""
        if not change or self.has_change_permission(request, obj):
            kwargs["form"] = TemplateForm if change else NewTemplateForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the words first; what only some providers need is folded away."""
        words = ("subject", "body")
        facts = ("name", "is_active") if obj else ("company", "medium", "code", "name")
        if obj and not self.has_change_permission(request, obj):
            return ((None, {"fields": facts}),)
        provider = {
            "classes": ("collapse",),
            "fields": ("provider_name", "language", "approval"),
        }
        return (
            (None, {"fields": facts}),
            (gettext_lazy("Wording"), {"fields": words}),
            (gettext_lazy("Approved beforehand by the provider"), provider),
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the wording read aloud, its past, and who uses it."""
        template, form = kwargs.get("obj"), context["adminform"].form
        is_editable = hasattr(form, "wording")
        words = (
            {
                name: form[name].value() or ""
                for name in ("subject", "body", "medium")
                if name in form.fields
            }
            if is_editable
            else _current(template)
        )
        company = (
            template.company if template else Company.objects.order_by("code").first()
        )
        context |= {
            "is_editable": is_editable,
            "reading": reading_of(request, company, {**_place(template), **words}),
            "variables": [(name, name in ALWAYS_SAID) for name in BUILT_IN],
        }
        if template is not None:
            revisions = list(template.revisions.order_by("-number")[:SHOWN])
            context |= {
                "badge": _badge(template),
                "revisions": revisions,
                "usage": usage_of(template),
                "current": _current(template)["body"],
            }
        answer: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return answer

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Write the facts, and a new wording as a new revision."""
        super().save_model(request, obj, form, change)
        if form.has_new_words():
            revise(obj, actor=request.user.get_username(), **form.wording())

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Lead to the page of the new template."""
        return self.response_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the page, which shows what the edit means."""
        words = {"name": obj.code, "n": obj.revision.number if obj.revision else 0}
        text = (
            _("“%(name)s” is saved: all sends from now on use wording %(n)d.") % words
        )
        self.message_user(request, text, messages.SUCCESS)
        return redirect("admin:cadences_template_change", obj.pk)

    @admin.display(description=gettext_lazy("template"), ordering="code")
    def title(self, row: Any) -> SafeString:
        """Show the code, and beneath it the name."""
        return format_html('{}<span class="type">{}</span>', row.code, row.name)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Any) -> SafeString:
        """Show whether it may be sent."""
        return _badge(row)

    @admin.display(description=gettext_lazy("wording"))
    def wording(self, row: Any) -> str:
        """Show how it begins."""
        return show.short(row.revision.body, 70) if row.revision else show.NOTHING

    @admin.display(description=gettext_lazy("wordings"))
    def number(self, row: Any) -> str:
        """Show how often it was worded anew."""
        return str(row.revision.number) if row.revision else "0"

    def _live(self, request: HttpRequest) -> HttpResponse:
        """Answer with the wording as a lead would read it, and what is wrong with it."""
        if not (
            self.has_add_permission(request) or self.has_change_permission(request)
        ):
            raise PermissionDenied
        number = request.POST.get("template", "")
        rows = Template.objects.select_related("company__calendar")
        template = rows.filter(pk=number).first() if number.isdigit() else None
        code = request.POST.get("company", "")
        company = (
            template.company if template else Company.objects.filter(pk=code).first()
        )
        words = {**_place(template), **request.POST.dict()}
        context = {"reading": reading_of(request, company, words)}
        page = render_to_string(f"{FOLDER}/reading.html", context, request)
        return JsonResponse({"html": page})


def usage_of(template: Template) -> list[dict[str, Any]]:
    """Return the steps that say this, those of live versions first."""
    company = template.company_id
    named = Step.objects.filter(template_code=template.code)
    varied = Variant.objects.filter(template_code=template.code).values("step")
    rows = Step.objects.filter(version__cadence__company=company)
    found = (
        rows.filter(pk__in=named.values("pk")) | rows.filter(pk__in=varied)
    ).select_related("version__cadence")
    live = [Version.State.PUBLISHED, Version.State.DRAFT, Version.State.RETIRED]
    steps = sorted(
        (each for each in found[: SHOWN * 4] if template.medium in {each.medium, *each.fallbacks}),
        key=lambda each: (live.index(Version.State(each.version.state)), each.version.number),
    )  # fmt: skip
    return [
        {
            "step": each,
            "url": reverse(
                "admin:cadences_cadence_steps", args=[each.version.cadence_id]
            ),
        }
        for each in steps[:SHOWN]
    ]


def _badge(template: Template) -> SafeString:
    if template.revision is None:
        return show.badge(_("no wording"), "bad")
    if not template.is_active:
        return show.badge(_("not active"), "mute")
    return show.badge(_("active"), "good")


def _current(template: Template | None) -> dict[str, str]:
    revision = template.revision if template else None
    return {
        "body": revision.body if revision else "",
        "subject": revision.subject if revision else "",
    }


def _place(template: Template | None) -> dict[str, str]:
    return {"medium": template.medium} if template else {}
