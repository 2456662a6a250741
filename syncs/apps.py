"""The Django app of data syncs."""

from django.apps import AppConfig


class SyncsConfig(AppConfig):
    """Name the app and the kind of its keys."""

    name = "syncs"
    default_auto_field = "django.db.models.BigAutoField"
