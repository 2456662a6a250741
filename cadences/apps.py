"""The Django app of message cadences."""

from django.apps import AppConfig


class CadencesConfig(AppConfig):
    """Name the app and the kind of its keys."""

    name = "cadences"
    default_auto_field = "django.db.models.BigAutoField"
