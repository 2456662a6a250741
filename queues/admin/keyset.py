"""Pages of a list of any length: the next one begins where this one ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest

OLDER, NEWER = "older", "newer"
"""The parameters that hold where a page begins."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Place = tuple[datetime, Any]


class Keyset(ChangeList):
    """A list by (at, id), the newest first: page a million costs what page one does.

    `older` and `newer` are the links to the pages beside this one, or empty. A list
    by another moment names its column in `moment`; one that begins with the oldest
    sets `rises`.
    """

    moment = "at"
    rises = False

    def get_filters_params(self, params: Any = None) -> Any:
        """Take the place in the list for no filter."""
        found = super().get_filters_params(params)
        return {name: found[name] for name in found if name not in {OLDER, NEWER}}

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and one row more, which tells whether there is another."""
        goes_back = NEWER in self.params
        place = self._place(self.params.get(NEWER if goes_back else OLDER, ""))
        most = self.list_per_page
        rows = list(self._from(place, goes_back=goes_back)[: most + 1])
        has_more, rows = len(rows) > most, rows[:most]
        if goes_back:
            rows.reverse()
        self.older = self.newer = ""
        if rows and (has_more or goes_back):
            self.older = self._link(OLDER, rows[-1])
        if rows and (has_more if goes_back else place is not None):
            self.newer = self._link(NEWER, rows[0])
        self._show(rows)

    def _link(self, way: str, row: Any) -> str:
        return self.get_query_string({way: self._mark(row)}, remove=[OLDER, NEWER])

    def _show(self, rows: list[Any]) -> None:
        self.result_list = rows
        self.result_count = len(rows)
        self.show_full_result_count = False
        self.full_result_count = None
        self.show_admin_actions = bool(rows)
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(rows, max(len(rows), 1))

    def _from(self, place: Place | None, *, goes_back: bool) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.queryset
        at = self.moment
        goes_up = goes_back != self.rises
        if place is not None:
            moment, row = place
            word = "gt" if goes_up else "lt"
            beyond = Q(**{f"{at}__{word}": moment})
            beyond |= Q(**{at: moment, f"pk__{word}": row})
            # The second half is what the index is read by, the first breaks a tie.
            rows = rows.filter(beyond, **{f"{at}__{word}e": moment})
        return rows.order_by(at, "pk") if goes_up else rows.order_by(f"-{at}", "-pk")

    def _mark(self, row: Any) -> str:
        return f"{(getattr(row, self.moment) - EPOCH) // MICROSECOND}-{row.pk}"

    def _place(self, mark: str) -> Place | None:
        """Return where a page begins; a mark that cannot be read is the beginning."""
        micros, _, row = mark.partition("-")
        try:
            key = self.opts.pk.to_python(row)
            return EPOCH + int(micros) * MICROSECOND, key
        except (ValueError, OverflowError, ValidationError):
            return None
