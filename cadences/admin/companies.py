"""Companies: who writes, where they are, and when they may write."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from cadences.admin.desk import Desk
from cadences.admin.zones import zone_field
from cadences.models import Company


@admin.register(Company)
class CompanyAdmin(Desk):
    """Every company; its code is what the API and the rows say."""

    ordering = ("code",)
    list_display = ("code", "name", "time_zone", "calendar")
    list_select_related = ("calendar",)
    search_fields = ("code", "name")
    fields = ("code", "name", "time_zone", "calendar")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let the code be once it is chosen: rows of all tables name it."""
        return ("code",) if obj else ()

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the zones that exist, and the calendars without detours."""
        if db_field.name == "time_zone":
            return zone_field(label=gettext_lazy("Time zone"))
        return super().formfield_for_dbfield(db_field, request, **kwargs)
