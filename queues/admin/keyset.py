"""Pages of a list that only grows: the next one begins where this one ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest

OLDER, NEWER = "older", "newer"
"""The parameters that hold where a page begins."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Keyset(ChangeList):
    """A list by (at, id), the newest first: page a million costs what page one does.

    `older` and `newer` are the links to the pages beside this one, or empty.
    """

    def get_filters_params(self, params: Any = None) -> Any:
        """Take the place in the list for no filter."""
        found = super().get_filters_params(params)
        return {name: found[name] for name in found if name not in {OLDER, NEWER}}

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and one row more, which tells whether there is another."""
        goes_up = NEWER in self.params
        place = _place(self.params.get(NEWER if goes_up else OLDER, ""))
        most = self.list_per_page
        rows = list(_from(self.queryset, place, goes_up=goes_up)[: most + 1])
        has_more, rows = len(rows) > most, rows[:most]
        if goes_up:
            rows.reverse()
        self.older = self.newer = ""
        if rows and (has_more or goes_up):
            self.older = self._link(OLDER, rows[-1])
        if rows and (has_more if goes_up else place is not None):
            self.newer = self._link(NEWER, rows[0])
        self._show(rows)

    def _link(self, way: str, row: Any) -> str:
        return self.get_query_string({way: _mark(row)}, remove=[OLDER, NEWER])

    def _show(self, rows: list[Any]) -> None:
        self.result_list = rows
        self.result_count = len(rows)
        self.show_full_result_count = False
        self.full_result_count = None
        self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(rows, max(len(rows), 1))


def _from(
    rows: QuerySet[Any], place: tuple[datetime, int] | None, *, goes_up: bool
) -> QuerySet[Any]:
    if place is not None:
        at, row = place
        # The first half is what the index is read by, the second breaks a tie.
        if goes_up:
            rows = rows.filter(Q(at__gt=at) | Q(at=at, id__gt=row), at__gte=at)
        else:
            rows = rows.filter(Q(at__lt=at) | Q(at=at, id__lt=row), at__lte=at)
    return rows.order_by("at", "id") if goes_up else rows.order_by("-at", "-id")


def _mark(row: Any) -> str:
    return f"{(row.at - EPOCH) // MICROSECOND}-{row.pk}"


def _place(mark: str) -> tuple[datetime, int] | None:
    """Return where a page begins; a mark that cannot be read is the beginning."""
    micros, _, row = mark.partition("-")
    try:
        return EPOCH + int(micros) * MICROSECOND, int(row)
    except (ValueError, OverflowError):
        return None
