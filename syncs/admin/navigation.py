"""Where the pages of this app stand in the navigation."""

from django.utils.translation import gettext_lazy as _

from queues.rooms import add_room

MEMBERS = (
    "syncs-overview", "Run", "Store", "Connection", "CacheEntry", "Quarantined",
    "Backfill", "Budget", "Delivery",
    "SegmentControl", "SegmentLog", "SegmentRefusal", "EnrolmentRule",
)  # fmt: skip
"""Models by their class, pages by their name; what is not there is left out."""

add_room("syncs", _("Syncs"), MEMBERS)
