"""The Django app of data syncs."""

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

OPERATED = (
    "request_run", "cancel_run", "accept_run", "test_connection", "pause_connection",
    "replay_quarantined", "run_segment", "replay_segmentrefusal",
)  # fmt: skip
"""What an operator does day by day, beside looking."""


class SyncsConfig(AppConfig):
    """Name the app and the kind of its keys."""

    name = "syncs"
    verbose_name = _("Syncs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what always holds, the adapters of the providers, and the routes."""
        from queues.api import metrics  # noqa: PLC0415
        from queues.roles import add_guest  # noqa: PLC0415
        from syncs import gauges, invariants  # noqa: F401, PLC0415 - not ready above
        from syncs.api.site import add  # noqa: PLC0415
        from syncs.klaviyo.adapter import KlaviyoProvider  # noqa: PLC0415
        from syncs.ports import register  # noqa: PLC0415
        from syncs.segments import invariants as of_segments  # noqa: F401, PLC0415
        from syncs.segments import measure  # noqa: PLC0415
        from syncs.shopify.adapter import ShopifyProvider  # noqa: PLC0415
        from syncs.versions import check_versions  # noqa: PLC0415

        register(ShopifyProvider())
        register(KlaviyoProvider())
        checks.register(check_versions)
        metrics.register("syncs", gauges.gauges)
        metrics.register("segments", measure.gauges)
        add()
        add_guest("syncs", *OPERATED)
