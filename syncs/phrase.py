"""What was written down of faults, in the language of whoever reads it."""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from syncs.progress import NAMES, stream_name

OF_STREAM = re.compile(rf"({'|'.join(NAMES)}): (.+)", re.DOTALL)
SENTENCES: tuple[tuple[str, str | Promise], ...] = (
    (r"1 row was kept aside", _("1 row was kept aside")),
    (r"(?P<n>\d+) rows were kept aside", _("%(n)s rows were kept aside")),
    (
        r"(?P<n>\d+) rows came, the provider counts (?P<all>\d+)",
        _("%(n)s rows came, the provider counts %(all)s"),
    ),
    (
        r"(?P<n>\d+) of (?P<all>\d+) rows could not be used",
        _("%(n)s of %(all)s rows could not be used"),
    ),
    (
        r"zero_drop: nothing, where there usually are (?P<n>.+)",
        _("nothing came, where there usually are %(n)s"),
    ),
    (
        r"currency: (?P<one>\w+), where the store sells in (?P<other>\w+)",
        _("the currency is %(one)s, where the store sells in %(other)s"),
    ),
    (
        r"null_rate: (?P<name>\w+) is empty in (?P<now>\S+), it was (?P<before>\S+)",
        _("%(name)s is empty in %(now)s, it was %(before)s"),
    ),
    (
        r"The total fell from (?P<before>\S+) to (?P<now>\S+)",
        _("The total fell from %(before)s to %(now)s"),
    ),
    (
        r"(?P<what>\S+(?:: \S+)?) answered (?P<status>\d{3}): (?P<said>.+)",
        _("%(what)s answered %(status)s: %(said)s"),
    ),
    (r"(?P<what>\S+): the pages go in circles", _("%(what)s: the pages go in circles")),
    (r"(?P<what>\S+): the limit is used up", _("%(what)s: the limit is used up")),
    (
        r"(?P<what>.+) rests after (?P<n>\d+) errors",
        _("%(what)s rests after %(n)s errors"),
    ),
    (r"The shop prepares its orders", _("The shop prepares its orders")),
    (r"it was not done within a day", _("it was not done within a day")),
    (r"no page for ten minutes", _("no page for ten minutes")),
    (r"its worker vanished", _("its worker vanished")),
    (r"(?P<name>\w+) is no time", _("%(name)s is no time")),
    (r"(?P<name>\w+) is no text", _("%(name)s is no text")),
    (
        r"The app was uninstalled in the shop",
        _("The app was uninstalled in the shop"),
    ),
)
"""What is stored, as callers of the API read it, and how it is said to people."""
KNOWN = [(re.compile(text, re.DOTALL), words) for text, words in SENTENCES]


def phrase(text: str | None) -> str:
    """Return a stored text in words; what nobody foresaw stays as it is."""
    return "; ".join(map(_said, (text or "").split("; ")))


def _said(text: str) -> str:
    if found := OF_STREAM.fullmatch(text):
        return f"{stream_name(found[1])}: {_said(found[2])}"
    for pattern, words in KNOWN:
        if found := pattern.fullmatch(text):
            return str(words) % found.groupdict()
    return gettext(text) if text else ""
