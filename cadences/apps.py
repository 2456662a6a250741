"""The Django app of message cadences."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CadencesConfig(AppConfig):
    """Name the app and the kind of its keys."""

    name = "cadences"
    verbose_name = _("Cadences")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the channels that ship, what always holds, and the HTTP routes."""
        from cadences import console, invariants, pepper  # noqa: F401, PLC0415
        from cadences.api.site import add  # noqa: PLC0415 - models are not ready above

        add()
