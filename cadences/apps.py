"""The Django app of message cadences."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

OPERATED = (
    "pause_cadence", "operate_run", "resolve_execution", "rest_account", "reveal_lead",
    "switch_runner", "add_lead", "change_lead", "add_suppression",
)  # fmt: skip
"""What an operator does day by day, beside looking."""


class CadencesConfig(AppConfig):
    """Name the app and the kind of its keys."""

    name = "cadences"
    verbose_name = _("Cadences")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the channels that ship, what always holds, and the HTTP routes."""
        from cadences import console, invariants, listen, pepper  # noqa: F401, PLC0415
        from cadences.api.site import add  # noqa: PLC0415 - models are not ready above
        from cadences.channels import meta, smtp, uazapi  # noqa: F401, PLC0415
        from queues.roles import add_guest  # noqa: PLC0415

        add()
        add_guest("cadences", *OPERATED)
