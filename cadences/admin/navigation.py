"""Where the pages of this app stand in the navigation."""

from django.utils.translation import gettext_lazy as _

from queues.rooms import add_room

MEMBERS = (
    # the day's work
    "cadence-panel", "next-actions", "Run", "uncertain", "Task", "Message", "Lead",
    "EnrollmentBatch",
    # the rules
    "Cadence", "Template", "Calendar", "Account", "Company",
    # what happened
    "Suppression", "RunnerLog",
)  # fmt: skip
"""Models by their class, pages by their name; what is not there is left out."""

add_room("cadences", _("Cadences"), MEMBERS)
