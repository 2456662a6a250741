"""The Django app of data syncs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SyncsConfig(AppConfig):
    """Name the app and the kind of its keys."""

    name = "syncs"
    verbose_name = _("Syncs")
    default_auto_field = "django.db.models.BigAutoField"
