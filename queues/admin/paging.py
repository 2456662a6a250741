"""Pages of tables with millions of rows: the planner's guess instead of a count."""

import json
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator

COUNTED = 10_000
"""Up to about this many rows are counted; beyond, a guess is as good."""
FURTHEST = 1_000
"""Pages offered: who needs the next one needs a filter."""


class EstimatingPaginator(Paginator):
    """Counts small results, and asks the planner about large ones."""

    is_estimate = False

    @cached_property
    def count(self) -> int:
        """Return the number of rows, exact only where that is cheap."""
        guess = _planned_rows(self.object_list)
        if guess <= COUNTED:
            return int(self.object_list.count())  # type: ignore[attr-defined]
        self.is_estimate = True
        return guess

    @cached_property
    def num_pages(self) -> int:
        """Return the number of pages that can be reached."""
        return min(int(super().num_pages), FURTHEST)


def _planned_rows(rows: Any) -> int:
    plan = rows.order_by().explain(format="json")
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"]) if plan else 0
