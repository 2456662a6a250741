"""A list without an end: the newest first, and on from there, never a count of all."""

from collections.abc import Mapping
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import cached_property

from queues.admin.search import Wanted, number_in, wanted
from queues.models import Job
from queues.seek import COUNTED, Found, count, seek

BELOW = "below"
"""The parameter with the id below which a page begins."""
INDEXED = frozenset({"status", "owner", "batch", "schedule"})
"""Filters behind which an index stands, so that it need not be walked."""


class Feed(ChangeList):
    """The page of a list of jobs: what was found in time, and the way on."""

    found: Found
    wanted: Wanted
    below: int | None = None

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.below = number_in(request.GET.get(BELOW, ""))
        super().__init__(request, *args, **kwargs)
        # What is narrowed begins anew at the newest.
        self.params.pop(BELOW, None)

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """Leave out where the page begins: that narrows nothing."""
        found: Mapping[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name != BELOW}

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page; what the stock list counts is not counted."""
        self.wanted = wanted(self.query)
        self.found = seek(
            self.queryset,
            most=self.list_per_page,
            before=self.below,
            leads=[self.queryset.filter(lead) for lead in self.wanted.leads],
            has_index=self.wanted.has_index or bool(INDEXED & self.params.keys()),
        )
        self.result_list = self.found.jobs
        self.result_count = len(self.found.jobs)
        self.full_result_count = None
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(
            request, self.queryset.none(), self.list_per_page
        )
        self.total = self._total()

    def _total(self) -> str:
        """Return how many match as people read it; nothing where that takes long."""
        if self.below is None and self.found.next is None:
            return number_format(self.result_count)
        if self.found.reached is not None:
            return ""
        total = count(self.queryset)
        if total is None:
            return ""
        shown = number_format(min(total, COUNTED), force_grouping=True)
        return f"{shown}+" if total > COUNTED else shown

    def url_for_result(self, result: Any) -> str:
        """Return the address of a job; its beginning is looked up once a page."""
        return f"{self._base}{result.pk}/change/"

    @cached_property
    def _base(self) -> str:
        return reverse("admin:queues_job_changelist")

    @property
    def older(self) -> str:
        """The address of the next page."""
        return self.get_query_string({BELOW: str(self.found.next)})

    @property
    def newest(self) -> str:
        """The address of the first page."""
        return self.get_query_string(remove=[BELOW])

    @property
    def reached_at(self) -> Any:
        """When the oldest job was created that was looked at."""
        rows = Job.objects.filter(pk__gte=self.found.reached or 0).order_by("pk")
        return rows.values_list("created_at", flat=True).first()
