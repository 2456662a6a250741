"""The admin site of the project: its name, and which room comes first."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

FIRST = (
    "Job",
    "DeadLetter",
    "PeriodicTask",
    "CronLog",
    "LimitRow",
    "Worker",
    "ApiToken",
)
"""The models of the engine, in the order in which staff need them."""


class Console(AdminSite):
    """The stock admin under our own name, schedules beside the jobs they start."""

    site_title = site_header = "Ritmo"
    index_title = _("Overview")
    site_url = None
    enable_nav_sidebar = False  # ours is in templates/admin/base_site.html

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[Any]:
        """Return the rooms: the engine first, what others brought, then people."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = [
            model
            for app in apps
            if app["app_label"] in {"queues", "django_celery_beat"}
            for model in app["models"]
        ]
        rest = [
            app
            for app in apps
            if app["app_label"] not in {"queues", "django_celery_beat"}
        ]
        rest.sort(key=lambda app: app["app_label"] == "auth")
        return [_engine(apps, models), *rest] if models else rest


class ConsoleConfig(AdminConfig):
    """Stands in INSTALLED_APPS where `django.contrib.admin` would."""

    default_site = "config.console.Console"


def _engine(apps: list[Any], models: list[Any]) -> dict[str, Any]:
    places = {name: place for place, name in enumerate(FIRST)}
    models.sort(key=lambda model: places.get(model["object_name"], len(FIRST)))
    own = next((app for app in apps if app["app_label"] == "queues"), apps[0])
    return {**own, "name": _("Queues"), "models": models}
