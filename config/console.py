"""The admin site of the project: its name, and its rooms in their order."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from queues.rooms import arrange


class Console(AdminSite):
    """The stock admin under our own name, its models by room instead of by app."""

    site_title = site_header = "Ritmo"
    index_title = _("Overview")
    site_url = None
    enable_nav_sidebar = False  # ours is in templates/admin/base_site.html

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[Any]:
        """Return the rooms; of one app, its models as they are."""
        apps = super().get_app_list(request, app_label)
        return apps if app_label is not None else arrange(apps, request)


class ConsoleConfig(AdminConfig):
    """Stands in INSTALLED_APPS where `django.contrib.admin` would."""

    default_site = "config.console.Console"
